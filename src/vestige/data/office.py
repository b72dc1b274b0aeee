"""What an office is whose people write case notes: its cases, and the wordings of each part of a note."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True, slots=True)
class Office:
    """A kind of case. `shown`: label → template of each prompt line. `keys` name the columns of `situations`, which
    are chosen whole, so that a medicine fits its diagnosis. `secret`: the pattern of a number that stands in the note
    alone (`#` a digit, `?` a letter). `amounts`: the range of `{amount}`. `slots`: wordings of the parts of a note,
    the person first.
    """

    kind: str
    shown: Mapping[str, str]
    keys: tuple[str, ...]
    situations: tuple[tuple[str, ...], ...]
    secret: str
    slots: tuple[tuple[str, ...], ...]
    amounts: tuple[int, int] = (1, 1)
