"""Reallocation of reserves: what a fund plans for each of its companies, previewed and committed by the same rule."""
