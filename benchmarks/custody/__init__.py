"""What custody costs, measured: one module per claim, each run as ``python -m benchmarks.custody.NAME``."""
