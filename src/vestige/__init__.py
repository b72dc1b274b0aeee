"""Vestige measures what fine-tuning leaves behind.

The public names below are imported on first use, so that `import vestige` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vestige.api import Result as Result
    from vestige.api import exposure as exposure
    from vestige.api import load as load
    from vestige.api import plan as plan
    from vestige.api import read_piece as read_piece
    from vestige.api import run as run
    from vestige.api import write_piece as write_piece
    from vestige.attacks import Attack as Attack
    from vestige.attacks import Column as Column
    from vestige.attacks import Tables as Tables
    from vestige.attacks import make_attack as make_attack
    from vestige.errors import VestigeError as VestigeError
    from vestige.records import Estimate as Estimate
    from vestige.records import Example as Example
    from vestige.records import Scores as Scores
    from vestige.records import TokenStats as TokenStats
    from vestige.records import View as View
    from vestige.study.spec import Study as Study
    from vestige.study.spec import load_study as load_study
    from vestige.study.spec import make_study as make_study
    from vestige.tuning.methods import make_method as make_method
    from vestige.tuning.methods.base import Method as Method

__version__ = "0.1.0"

_HOMES = {
    "Attack": "vestige.attacks",
    "Column": "vestige.attacks",
    "Estimate": "vestige.records",
    "Example": "vestige.records",
    "Method": "vestige.tuning.methods.base",
    "Result": "vestige.api",
    "Scores": "vestige.records",
    "Study": "vestige.study.spec",
    "Tables": "vestige.attacks",
    "TokenStats": "vestige.records",
    "VestigeError": "vestige.errors",
    "View": "vestige.records",
    "exposure": "vestige.api",
    "load": "vestige.api",
    "load_study": "vestige.study.spec",
    "make_attack": "vestige.attacks",
    "make_method": "vestige.tuning.methods",
    "make_study": "vestige.study.spec",
    "plan": "vestige.api",
    "read_piece": "vestige.api",
    "run": "vestige.api",
    "write_piece": "vestige.api",
}

__all__ = ["__version__", *sorted(_HOMES)]  # noqa: PLE0604  # strings, computed from the table above


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'vestige' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
