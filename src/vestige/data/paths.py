"""Where the paths of a study lie: they are relative to its file, wherever vestige is called from."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from vestige.errors import ConfigError, printable


def located(written: str, *, folder: Path, strict: bool = True) -> Path:
    """The path that a study in `folder` means, absolute unless `folder` is not; `~` is the user's home. Unless
    `strict`, it is not asked whether it was meant from the working directory.

    Raises:
        ConfigError: the system takes it for no path (too long), or there is nothing there, but there is where it leads
            from the working directory, as paths were once read; the message names the path to write instead.
    """
    path = expanded(written)
    here = folder / path
    if problem := _problem(here):
        raise ConfigError(f"'{printable(written)}' is no path that this system takes: {problem}.")
    if strict and not path.is_absolute() and not on_disk(here, Path.exists) and on_disk(path, Path.exists):
        raise ConfigError(
            f"'{printable(written, limit=200)}' is not to be found from the folder of the study file, where paths are "
            f"taken from, but from the working directory. Write '{printable(_path_from(folder, path), limit=300)}'."
        )
    return here


def expanded(written: str) -> Path:
    """The path with `~` replaced, where there is such a user."""
    try:
        return Path(written).expanduser()
    except RuntimeError:
        return Path(written)


def on_disk(path: Path, test: Callable[[Path], bool]) -> bool:
    """Whether a path passes a test such as `Path.is_dir`; False for what the system takes for no path at all."""
    try:
        return test(path)
    except (OSError, ValueError):
        return False


def _problem(path: Path) -> str:
    """Why the system takes this for no path; empty where it does, whether or not anything is there."""
    try:
        path.exists()
    except (OSError, ValueError) as error:
        return getattr(error, "strerror", None) or str(error)
    return ""


def _path_from(folder: Path, path: Path) -> str:
    try:
        return Path(os.path.relpath(path.absolute(), folder.resolve())).as_posix()
    except ValueError:  # on another drive
        return path.absolute().as_posix()
