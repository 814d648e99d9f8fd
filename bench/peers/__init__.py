"""What others would use: each contender in its own best settings, over the same bytes, held against the same model."""
