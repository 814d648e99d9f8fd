"""Promises: funds, deals, allocations, and the terms of capital calls until they are receivables."""
