"""Libraries keep their progress bars and their deprecations to themselves; errors still come through."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator

from vestige.models.reading import quiet


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Inside, the libraries that vestige uses are quiet; afterwards everything is as it was."""
    with quiet(), warnings.catch_warnings():
        _ignore()
        yield


def _ignore() -> None:
    warnings.filterwarnings("ignore", message="`is_gradient_checkpointing` is deprecated", category=FutureWarning)
