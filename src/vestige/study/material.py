"""What was read of a study's bases and corpora, for whoever judges it (`refusals.py`) and whoever counts it
(`inputs.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from vestige.data.corpus import CorpusSpec
from vestige.data.encode import Encoded
from vestige.models.loading import Dtype
from vestige.models.sources import ModelSource
from vestige.records import Example, Role, Split

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@final
@dataclass(frozen=True)
class Base:
    """A base whose files are here, in the precision that this machine resolves to: its tokenizer, the positions that
    it was made for (`context`) and the rows of its embedding, None for what its configuration does not say. `place` is
    what `resolve` finds it by.
    """

    source: ModelSource
    dtype: Dtype
    place: str
    tokenizer: PreTrainedTokenizerBase
    context: int | None
    rows: int | None

    @property
    def name(self) -> str:
        """As the study has it."""
        return self.source.name


@final
@dataclass(frozen=True)
class Corpus:
    """A corpus, read and cut into roles, without the ids `left_out` that a base takes for earlier texts."""

    spec: CorpusSpec
    split: Split
    left_out: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """As the study has it."""
        return self.spec.name

    def texts(self, role: Role) -> Sequence[Example]:
        """The texts of a role; none where the study asks for none."""
        return self.split.roles.get(role, ())


@final
@dataclass(frozen=True)
class Seen:
    """A corpus as a base sees it: its texts as tokens, by role."""

    base: Base
    corpus: Corpus
    texts: Mapping[Role, Sequence[Encoded]]
