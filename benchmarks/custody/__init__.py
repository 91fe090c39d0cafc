"""What marginal utility claims, measured: one module per claim, each run as ``python -m benchmarks.influence.NAME``."""

from pathlib import Path

CACHE = Path("build") / "influence"
"""Where base models, windows and finished retrainings are kept: every benchmark here can be stopped and run again."""
