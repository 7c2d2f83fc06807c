"""What this package costs, beside those that do the same, and beside nothing: `python -m benchmarks`."""
