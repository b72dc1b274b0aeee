"""Forms of a text, by the name that a `View` bears: what becomes of an example before it is encoded.

A form changes the completion only, never the prompt, and depends on the example alone, so that the same text has the
same form in every pass. What comes before every text in `prefixed-256` (the number is free: so many tokens, 256 unless
an attack is asked for another) is put there by `encode_behind`. Torch-free.
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
      and the completion.
    * `prefixed-256` and `members-256`: as they are; `beginning_of` says how many tokens come before them, of the role
      `context`, or of known members of the cell that scores them (`is_behind_members`).
    * `masked-0:name` to `masked-9:name`: not here, since a masked language model, `name`, has to be asked
      (`stats/neighbours.py`); `masked_by` says which.

    ConfigError, with the near misses, for a form that there is not.
    """
    check_form(form)
    change = _FORMS[PLAIN if beginning_of(form) else form]
    return [replace(example, completion=change(example.completion)) for example in examples]


def beginning_of(form: str) -> int:
    """Tokens that come before every text in this form: 256 for `prefixed-256` and `members-256`, 0 for others."""
    found = re.fullmatch(r"(prefixed|members)-([1-9][0-9]{0,5})", form)
    return int(found[2]) if found else 0


def is_behind_members(form: str) -> bool:
    """Whether what comes before every text are members of the cell that scores it, and not the role `context`."""
    return form.startswith("members-")


def masked_by(form: str) -> tuple[int, str] | None:
    """Version and masked language model of a form that one makes: (3, "some/bert") for `masked-3:some/bert`."""
    found = re.fullmatch(r"masked-([0-9]):(.+)", form)
    return (int(found[1]), found[2]) if found else None


def check_form(form: str) -> None:
    """ConfigError, with the near misses, for a form that there is not."""
    if form not in _FORMS and not beginning_of(form) and not masked_by(form):
        raise ConfigError(
            f"an attack needs the text in the unknown form {form!r}.{near_misses(form, [*_FORMS, 'prefixed-256'])}"
        )


def _swapped(completion: str, *, version: int) -> str:
    parts = re.split(r"(\s+)", completion)
    words = [place for place, part in enumerate(parts) if part and not part.isspace()]
    if len(words) < 2:
        return completion
    chance = random.Random(f"{version}:{completion}")  # seeded by a digest of the string: the same everywhere
    for _ in range(max(1, len(words) // _WORDS_PER_SWAP)):
        one, other = chance.sample(words, 2)
        parts[one], parts[other] = parts[other], parts[one]
    return "".join(parts)


_WORDS_PER_SWAP = 5

_FORMS: Mapping[str, Callable[[str], str]] = {
    PLAIN: str,
    "lowercase": str.lower,
    **{f"swap-{version}": partial(_swapped, version=version) for version in range(10)},
}
