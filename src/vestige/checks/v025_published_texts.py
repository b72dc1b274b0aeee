"""Texts of a public data set, which the reference may have been trained on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, final

from vestige.checks.base import SectionCheck
from vestige.outcome.frames import Results
from vestige.outcome.points import Section
from vestige.outcome.wording import joined

_OWN: Final = "own files"


@final
class PublishedTexts(SectionCheck):
    """The texts are of no public data set, which the base, and so every reference, may have been pretrained on."""

    code = "V025"
    nothing = "whether a base was pretrained on files of your own, only you can tell"

    def look_at(self, results: Results, section: Section) -> Sequence[str] | None:
        corpus = results.facts.corpus(section.corpus)
        if corpus.published:
            return [_sentence(corpus.published, _calibrated(results))]
        return None if corpus.source == _OWN else []


def _calibrated(results: Results) -> list[str]:
    return [attack.label for attack in results.facts.attacks if attack.assumes["reference_model"]]


def _sentence(published: str, calibrated: Sequence[str]) -> str:
    said = (
        f"public texts ({published}): the base may have been pretrained on members and non-members alike, so that "
        "fine-tuning adds less to what it knows than it would of private texts."
    )
    shared = f" The reference of {joined(list(calibrated))} would share training data with the target."
    return said + (shared if calibrated else "")
