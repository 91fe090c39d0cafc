"""The scene of the operators' tests serves the auditor too."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "node"))
