"""Metrics: what each fund, allocation and call looks like now. It decides nothing, and only events fill it."""
