"""What trained attack models share: the columns they read, the model they are fitted to, and whom they refuse."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Self, final

import numpy as np
from pydantic import BaseModel, ConfigDict, model_validator

from vestige.attacks.base import TARGET_TOKEN, ZLIB_BYTES, Attack, Needs, Tables
from vestige.attacks.learned.features import READS
from vestige.attacks.needs.learned import Learned
from vestige.attacks.seeds import in_32_bits
from vestige.errors import DataError
from vestige.records import AttackModel, Bools, Ints, Texts

SHOWN = 5

Parts = list[tuple[Ints, Ints]]
"""For each part that is left out: the places of the texts to fit on, and of those left out."""


@final
class TrainOn(BaseModel):
    """Whose shadow an attack model learns from where that is not the target's own: a method by its label, a corpus, a
    base, or several of them; what is not named is the target's.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: str | None = None
    corpus: str | None = None
    base: str | None = None

    @model_validator(mode="after")
    def _names_something(self) -> Self:
        if not self.named:
            raise ValueError("train_on names a method, a corpus or a base: { method = … }")
        return self

    @property
    def named(self) -> dict[str, str]:
        """What is named, in the order base, corpus, method."""
        parts = {"base": self.base, "corpus": self.corpus, "method": self.method}
        return {what: name for what, name in parts.items() if name is not None}


class LearnedAttack(Attack, ABC):
    """An attack that is fitted on a shadow before it scores a target.

    The shadow is fine-tuned as the target is, on half of the texts of the `shadow` role, so that the attacker knows who
    its members are; settings are chosen by cross-validation over its groups, and the target's truth plays no part. With
    `train_on` the shadow is one of another method, corpus or base. What was learned is a need of its own; a text
    that it was fitted on is refused.
    """

    needs: ClassVar[Needs] = (TARGET_TOKEN, *READS, ZLIB_BYTES)
    train_on: TrainOn | None = None
    """Whose shadow it learns from where that is not the target's own: `{ method = …, corpus = …, base = … }`."""

    @abstractmethod
    def fit(self, tables: Tables, is_member: Bools, *, groups: Texts, seed: int = 0) -> AttackModel:
        """Learn from the views of a shadow who its members are.

        `is_member` and `groups` have shape (texts,). The same input gives the same model. Raises DataError where a
        class has texts of fewer than two groups.
        """

    @property
    def reads(self) -> Needs:
        return (*self.needs, self.learned)

    @property
    def learned(self) -> Learned:
        """What it learns before it scores, as a need."""
        return Learned(self)

    @property
    def fitted_as(self) -> str:
        return self.name

    @property
    def trains_on(self) -> Mapping[str, str]:
        return self.train_on.named if self.train_on is not None else {}

    @property
    def told(self) -> dict[str, Any]:
        """The spec without `train_on`: two attacks that agree in it learn the same from the same shadow."""
        return {name: value for name, value in self.spec().items() if name != "train_on"}

    @property
    def label(self) -> str:
        """The name, and whose shadow it learned from: `forest(train_on=prompt)`."""
        own = self.model_dump(mode="json", exclude_defaults=True, exclude={"name", "train_on"})
        changed = [f"{name}={json.dumps(value)}" for name, value in own.items()]
        if self.train_on is not None:
            changed.append("train_on=" + ", ".join(self.train_on.named.values()))
        return f"{self.name}({', '.join(changed)})" if changed else self.name

    def _learned(self, tables: Tables) -> AttackModel:
        """What was learned, once it is sure that none of these texts was there; DataError where one was."""
        model = tables.read(self.learned)
        seen = np.isin(fingerprints(tables), model.seen) & (tables[TARGET_TOKEN.view].lengths > 0)
        if seen.any():
            names = ", ".join(tables.ids[seen][:SHOWN]) + (", …" if seen.sum() > SHOWN else "")
            raise DataError(
                f"{self.label}: {seen.sum()} of the texts under attack are among those it was fitted on ({names}), "
                "and it would know them again. Give it a shadow of other texts."
            )
        return model


def fingerprints(tables: Tables) -> Ints:
    """A number for each text, shape (texts,), by its record id and its scored tokens.

    By both, since a long prompt may leave of two texts the same two tokens.
    """
    table = tables[TARGET_TOKEN.view]
    tokens = np.ascontiguousarray(table.tokens["token_id"], dtype="<i4")
    parts = zip(table.ids, table.offsets[:-1], table.offsets[1:], strict=True)
    contents = (f"{name}\0".encode() + tokens[start:stop].tobytes() for name, start, stop in parts)
    digests = [hashlib.blake2b(content, digest_size=8).digest() for content in contents]
    return np.frombuffer(b"".join(digests), dtype="<i8").astype(np.int64)


def grouped_parts(is_member: Bools, *, groups: Texts, seed: int, most: int = 5) -> Parts:
    """At most so many parts for cross-validation (fewer where a class has fewer groups), none of which splits a group.

    `is_member` and `groups` have shape (texts,). Raises DataError where a class has texts of fewer than two groups.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    count = min(most, *(len(np.unique(groups[is_member == one])) for one in (True, False)))
    if count < 2:
        raise DataError(
            "An attack model needs members and non-members of at least two groups each among the texts of the shadow "
            f"that can be scored; there are {is_member.sum()} members and {(~is_member).sum()} non-members in "
            f"{len(np.unique(groups))} groups. Raise `shadow` in [[corpus]], or name a finer `group`."
        )
    splitter = StratifiedGroupKFold(count, shuffle=True, random_state=in_32_bits(seed))
    return list(splitter.split(np.zeros(len(groups)), is_member, groups))
