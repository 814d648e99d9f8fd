"""History in bulk, seen from outside: people's own sheets in, chunk by chunk over HTTP, and what became of each row.

Nothing is remembered here between runs: a chunk that was done answers as it did then, so going on is doing it again.
"""
