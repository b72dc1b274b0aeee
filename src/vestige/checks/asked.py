"""The numbers that a study was made for, which two checks look at."""

from __future__ import annotations

from vestige.outcome.frames import Results
from vestige.outcome.points import Section, text_quantities
from vestige.outcome.wording import tpr_key
from vestige.records import Estimated


def asked_numbers(results: Results, section: Section) -> list[Estimated]:
    """What the headline shows of the primary attack and of generated texts, measured or not; the base's first."""
    study = results.facts.study
    of_attack = [(quantity, study.primary) for quantity in ("auc", *map(tpr_key, study.fpr))]
    keys = [*of_attack, *((quantity, None) for quantity in text_quantities(results))]
    return [point.number(*key) for point in (section.floor, *section.points) for key in keys]
