"""Audit: the record of everything that was said and done, append-only and chained. Decides nothing, forgets nothing."""
