"""Proves the ledger's invariants from the tables and the topics alone.

Nothing here imports a service or its rules: amounts, statuses, versions and hashes are computed a second time, by code
written from the specification. Where both agree, a mistake would have to be made twice.
"""
