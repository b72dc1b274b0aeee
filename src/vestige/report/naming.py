"""What the files of a report are called."""

from __future__ import annotations

import itertools
import re
from typing import Final

_LONGEST: Final = 120
"""Characters of a file's name before its ending; every file system takes so many."""


def file_name(name: str, taken: set[str]) -> str:
    """A name that every file system takes, and that is none of those taken, which it joins."""
    plain = re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-.")[:_LONGEST] or "unnamed"
    others = (f"{plain}-{number}" for number in itertools.count(2))
    found = next(one for one in itertools.chain([plain], others) if one not in taken)
    taken.add(found)
    return found
