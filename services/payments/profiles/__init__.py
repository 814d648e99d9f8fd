"""Saved profiles: how each bank writes its CSV, version by version. Nothing is ever changed: a change is a new version,
so that every file can be read again by what it was read by.
"""
