"""The four services of Drawdown; each owns its tables and meets the others only in topics."""
