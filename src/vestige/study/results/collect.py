"""From the stages of a study in the store to its outcome; reads what is done, runs nothing."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from vestige.outcome.at_utility import at_utility
from vestige.outcome.frames import SCORES, Results
from vestige.study.executors.base import Failure
from vestige.study.plan import Plan
from vestige.study.results.estimates import estimates
from vestige.study.results.facts import facts_of
from vestige.study.results.losses import losses
from vestige.study.results.scores import corners_of, noted_scores


def collect(plan: Plan, *, failures: Sequence[Failure] = ()) -> Results:
    """Everything that its store holds of a study, as frames and facts.

    Raises:
        StoreError: a stored file is damaged; it is named.
    """
    noted = noted_scores(plan)
    facts = facts_of(plan, failures=failures, corners=corners_of(noted))
    return Results(
        facts=facts,
        estimates=pl.concat([estimates(plan), at_utility(facts)]),
        scores=noted.select(list(SCORES)),
        losses=losses(plan),
    )
