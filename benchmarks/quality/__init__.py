"""What the quality scores claim, measured: one module per claim, each run as ``python -m benchmarks.quality.NAME``."""
