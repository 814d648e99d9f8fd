"""The benchmark: every figure is measured beside the others, in one run, and only where the results are right."""
