"""Forms of a text: what becomes of an example before a model scores it, each a frozen class.

A form changes the completion only, never the prompt, and depends on the example alone, so that the same text has the
same form in every pass. To add one that is made of the completion alone, write a `Rewritten` here, and put it into
`ONE_OF_EACH`.
"""

from __future__ import annotations

import json
import random
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final, Literal, final

_FIFTH = 20


@dataclass(frozen=True, slots=True)
class Form(ABC):
    """A form of a text. `name` is what stores, keys and people know it by; nothing is read out of it."""

    @property
    @abstractmethod
    def name(self) -> str: ...

    @property
    def key_name(self) -> str:
        """What the key of a scoring pass knows it by: `name`, but for what names something on this machine."""
        return self.name


@dataclass(frozen=True, slots=True)
class Rewritten(Form):
    """A form that is made of the completion alone."""

    @abstractmethod
    def changed(self, completion: str) -> str:
        """The completion in this form."""


@final
@dataclass(frozen=True, slots=True)
class Plain(Rewritten):
    """The text as it is."""

    @property
    def name(self) -> str:
        return "plain"

    def changed(self, completion: str) -> str:
        return completion


@final
@dataclass(frozen=True, slots=True)
class Lowercase(Rewritten):
    """Every letter that has a lower case in it (`str.lower`, so `İ` becomes two characters)."""

    @property
    def name(self) -> str:
        return "lowercase"

    def changed(self, completion: str) -> str:
        return completion.lower()


@final
@dataclass(frozen=True, slots=True)
class Swapped(Rewritten):
    """Words swapped, one pair at a time, drawn anew for each of `percent` of a hundred words, at least once.

    A completion of one word stays. Blanks keep their places. The draws depend on `version`, 0 to 9, and the completion.
    """

    version: int
    percent: int = _FIFTH

    def __post_init__(self) -> None:
        if not (0 <= self.version <= 9 and 1 <= self.percent <= 100):
            raise ValueError(f"expected a version of 0 to 9 and a percent of 1 to 100, got {self}")

    @property
    def name(self) -> str:
        """`swap-3`, and `swap-3-30` where it is not a fifth of the words."""
        return f"swap-{self.version}" + ("" if self.percent == _FIFTH else f"-{self.percent}")

    def changed(self, completion: str) -> str:
        parts = re.split(r"(\s+)", completion)
        words = [place for place, part in enumerate(parts) if part and not part.isspace()]
        if len(words) < 2:
            return completion
        chance = random.Random(f"{self.version}:{completion}")  # seeded by a digest of the string: the same everywhere
        for _ in range(max(1, len(words) * self.percent // 100)):
            one, other = chance.sample(words, 2)
            parts[one], parts[other] = parts[other], parts[one]
        return "".join(parts)


@final
@dataclass(frozen=True, slots=True)
class Behind(Form):
    """The text as it is, behind so many tokens of other texts.

    `whose`: of the role `context`, or of known members of the cell that scores the text. `which`: the how many-th such
    beginning, from 1, each of texts of its own.
    """

    tokens: int
    whose: Literal["context", "members"]
    which: int = 1

    def __post_init__(self) -> None:
        if not (1 <= self.tokens <= 999_999 and 1 <= self.which <= 99 and self.whose in {"context", "members"}):
            raise ValueError(
                f"expected 1 to 999999 tokens of `context` or `members`, and one of 1 to 99 beginnings, got {self}"
            )

    @property
    def name(self) -> str:
        """`prefixed-256`, `members-256`, and of the second beginning `members-256-2`."""
        kind = "prefixed" if self.whose == "context" else "members"
        return f"{kind}-{self.tokens}" + (f"-{self.which}" if self.which > 1 else "")


@final
@dataclass(frozen=True, slots=True)
class Masked(Form):
    """Words replaced by what a masked language model, a folder or hub id, holds likely; `version` is 0 to 9."""

    version: int
    model: str

    def __post_init__(self) -> None:
        if not (0 <= self.version <= 9 and self.model):
            raise ValueError(f"expected a version of 0 to 9 and the name of a model, got {self}")

    @property
    def name(self) -> str:
        """`masked-3:some/bert`."""
        return f"{self.key_name}:{self.model}"

    @property
    def key_name(self) -> str:
        """`masked-3`: which model it was, the texts that it made say."""
        return f"masked-{self.version}"


PLAIN: Final = Plain()

ONE_OF_EACH: Final[tuple[Form, ...]] = (PLAIN, Lowercase(), Swapped(0), Behind(256, "context"), Masked(0, "some/bert"))
"""A form of every kind that there is: a study with one of another kind is refused."""

_KINDS: Final[Mapping[str, type[Form]]] = {type(one).__name__: type(one) for one in ONE_OF_EACH}


def to_json(form: Form) -> str:
    """A form as JSON, for a task to carry it: its kind and its fields."""
    return json.dumps({"kind": type(form).__name__, **asdict(form)})


def from_json(told: str) -> Form:
    """The form that `to_json` gave; ValueError where it is none of this file."""
    fields = json.loads(told)
    try:
        return _KINDS[fields.pop("kind")](**fields)
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"expected a form as `to_json` gives it, got {told}") from error
