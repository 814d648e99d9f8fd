"""Words and mechanism that all services share; never a business rule."""
