"""Forms of a text, by the name that a `View` bears: what becomes of an example before it is encoded.

A form changes the completion only, never the prompt, and depends on the example alone, so that the same text has the
same form in every pass. What comes before every text in `prefixed-256` (the number is free: so many tokens, 256 unless
an attack is asked for another; `prefixed-256-2` is the second such beginning) is put there by `encode_behind`.
Torch-free.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from vestige.errors import ConfigError, near_misses
from vestige.records import Example

PLAIN = "plain"


def rewrite(examples: Sequence[Example], *, form: str) -> list[Example]:
    """The examples with their completions in this form, in the order given; ids, prompts and groups stay.

    * `plain`: as they are.
    * `lowercase`: every letter that has a lower case in it (`str.lower`, so `İ` becomes two characters).
    * `swap-0` to `swap-9`: versions with words swapped, one pair at a time, drawn anew for each of a fifth of the
      words, at least once; a completion of one word stays. Blanks keep their places. The draws depend on the version
      and the completion. `swap-0-30`: drawn for 30 of a hundred words.
    * `prefixed-256` and `members-256`: as they are; `beginning_of` says how many tokens come before them, of the role
      `context`, or of known members of the cell that scores them (`is_behind_members`). `prefixed-256-2`: behind the
      second beginning, of other texts than the first (`place_of`).
    * `masked-0:name` to `masked-9:name`: not here, since a masked language model, `name`, has to be asked
      (`stats/neighbours.py`); `masked_by` says which.

    ConfigError, with the near misses, for a form that there is not.
    """
    check_form(form)
    change = _change(PLAIN if beginning_of(form) else form)
    assert change is not None, "a form that check_form knows and nothing makes here"
    return [replace(example, completion=change(example.completion)) for example in examples]


def leaves_all(examples: Sequence[Example], *, form: str) -> bool:
    """Whether a form that is made here, beginnings left out, is the text as it is for every example."""
    change = _change(form)
    return change is not None and all(change(example.completion) == example.completion for example in examples)


def beginning_of(form: str) -> int:
    """Tokens that come before every text in this form: 256 for `prefixed-256` and `members-256-2`, 0 for others."""
    found = _BEGINNING.fullmatch(form)
    return int(found[2]) if found else 0


def place_of(form: str) -> int:
    """Which beginning comes before every text, from 0: 1 for `prefixed-256-2`."""
    found = _BEGINNING.fullmatch(form)
    return int(found[3] or 1) - 1 if found else 0


def is_behind_members(form: str) -> bool:
    """Whether what comes before every text are members of the cell that scores it, and not the role `context`."""
    return form.startswith("members-")


def masked_by(form: str) -> tuple[int, str] | None:
    """Version and masked language model of a form that one makes: (3, "some/bert") for `masked-3:some/bert`."""
    found = re.fullmatch(r"masked-([0-9]):(.+)", form)
    return (int(found[1]), found[2]) if found else None


def check_form(form: str) -> None:
    """ConfigError, with the near misses, for a form that there is not."""
    if _change(form) is None and not beginning_of(form) and not masked_by(form):
        known = [*_FORMS, "swap-0", "prefixed-256"]
        raise ConfigError(f"an attack needs the text in the unknown form {form!r}.{near_misses(form, known)}")


def _change(form: str) -> Callable[[str], str] | None:
    """What a form makes of a completion; None where there is no such form, or it is not made here."""
    found = _SWAP.fullmatch(form)
    if found:
        return partial(_swapped, version=int(found[1]), percent=int(found[2] or _FIFTH))
    return _FORMS.get(form)


def _swapped(completion: str, *, version: int, percent: int) -> str:
    parts = re.split(r"(\s+)", completion)
    words = [place for place, part in enumerate(parts) if part and not part.isspace()]
    if len(words) < 2:
        return completion
    chance = random.Random(f"{version}:{completion}")  # seeded by a digest of the string: the same everywhere
    for _ in range(max(1, len(words) * percent // 100)):
        one, other = chance.sample(words, 2)
        parts[one], parts[other] = parts[other], parts[one]
    return "".join(parts)


_FIFTH = 20

_SWAP = re.compile(r"swap-([0-9])(?:-([1-9][0-9]?|100))?")
_BEGINNING = re.compile(r"(prefixed|members)-([1-9][0-9]{0,5})(?:-([2-9]|[1-9][0-9]))?")

_FORMS: Mapping[str, Callable[[str], str]] = {PLAIN: str, "lowercase": str.lower}
