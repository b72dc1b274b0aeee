"""What a number was made with: versions, machine, commit; written to `run.json` and the report, read by no
comparison.
"""

from __future__ import annotations

import functools
import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import vestige

PACKAGES = ("torch", "transformers", "peft", "accelerate", "numpy", "scikit-learn")


def environment() -> dict[str, Any]:
    """Versions, processor, threads, and vestige's commit with its dirty flag where it runs from a checkout."""
    import torch

    return {**_machine(), "threads": torch.get_num_threads()}


@functools.cache
def _machine() -> dict[str, Any]:
    """What stays the same for as long as this process lives."""
    import torch

    return {
        "vestige": vestige.__version__,
        **_commit(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES} | _if_installed("bitsandbytes"),
        "platform": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": os.cpu_count(),
        "accelerator": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
    }


def _if_installed(name: str) -> dict[str, str]:
    """The version of a package that an extra brings."""
    try:
        return {name: version(name)}
    except PackageNotFoundError:
        return {}


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


def _commit() -> dict[str, Any]:
    source = Path(vestige.__file__).parent
    try:
        if not (source.parents[1] / ".git").exists():
            return {"commit": None, "dirty": None}
        commit = _git(source, "rev-parse", "HEAD")
        return {"commit": commit, "dirty": bool(_git(source, "status", "--porcelain", "--", str(source)))}
    except (OSError, subprocess.SubprocessError):
        return {"commit": None, "dirty": None}


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
