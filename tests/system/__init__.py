"""The whole of Drawdown at work: real processes, real broker, real database."""
