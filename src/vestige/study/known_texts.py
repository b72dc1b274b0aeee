"""Texts of a study that its bases are pretrained on: refused, or left out of the corpus. What counts of a text is its
completion, since that is trained.
"""

from __future__ import annotations

from collections.abc import Sequence

from vestige.data.near import ALIKE
from vestige.data.validity import listed
from vestige.errors import DataError, printable
from vestige.pretraining.runs import RUN, Runs
from vestige.records import Example
from vestige.study.material import Corpus


def known_among(examples: Sequence[Example], pretrained: Runs) -> tuple[str, ...]:
    """The ids of the examples that occur in the texts of a pretraining, whole or nearly so, in their order."""
    return tuple(example.id for example in examples if pretrained.hold(example.completion))


def refuse_known(corpus: Corpus, pretrained: Runs) -> None:
    """No text of a study may be among those that its bases are pretrained on: they would know it beforehand."""
    texts = [one for examples in corpus.split.roles.values() for one in examples]
    if known := known_among(texts, pretrained):
        raise DataError(
            f"Corpus '{printable(corpus.name)}': {listed(known)} of {len(texts)} occur in the texts of [pretrain], "
            f'whole or nearly so (they share {ALIKE:.0%} of their runs of {RUN} words). Set duplicates = "drop" to '
            "leave them out of the corpus, or pretrain on other texts."
        )
