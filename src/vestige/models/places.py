"""Where the model lies that a study names: known names and hub ids anywhere, folders and files as the study's paths."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from vestige.data.paths import located, on_disk
from vestige.models.registry import KNOWN

SCRATCH: Final = "scratch:"
"""How the names of models begin that a study pretrains: they lie nowhere before."""


def is_scratch(name: str) -> bool:
    """Whether a model is to be pretrained from scratch, by its name."""
    return name.startswith(SCRATCH)


def place_of(name: str, *, folder: Path, strict: bool = True) -> str:
    """What `resolve` is given for the model that a study in `folder` calls `name`: the path of a folder or GGUF file,
    or the name itself where it is known, or may be a hub id. `strict` as in
    `located`.

    Raises:
        ConfigError: there is such a folder or file from the working directory, not from `folder`.
    """
    if name in KNOWN or is_scratch(name):
        return name
    path = located(name, folder=folder, strict=strict)
    is_path = name.startswith((".", "~")) or Path(name).is_absolute() or Path(name).suffix.lower() == ".gguf"
    return str(path) if is_path or on_disk(path, Path.is_dir) else name
