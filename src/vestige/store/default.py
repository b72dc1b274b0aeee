"""Which store is meant where none is named."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

VARIABLE: Final = "VESTIGE_STORE"
"""The environment variable that names another."""

RUNS: Final = Path("runs")
"""The folder, in the working directory, where there is no such variable."""


def default_store() -> Path:
    """The folder that `VESTIGE_STORE` names, else `runs`."""
    return Path(os.environ.get(VARIABLE, RUNS))
