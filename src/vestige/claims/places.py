"""Where a part of a claim is looked at: which methods of the study it means, on which bases and corpora."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from vestige.claims.protocol import OpenQuestionError
from vestige.outcome.facts import Facts, MethodFacts
from vestige.outcome.frames import Results
from vestige.outcome.points import Section, sections

_WITH_SETTINGS: Final = re.compile(r"(?P<name>[^(]+)\((?P<settings>.*)\)")


def methods_of(facts: Facts, named: Sequence[str]) -> list[str]:
    """The labels that these names stand for, in the order of the study. OpenQuestionError where one stands for none."""
    found: dict[str, None] = {}
    for name in named:
        own = _meant(facts.methods, name)
        if not own:
            raise OpenQuestionError(f"the study has no method {name}: train one")
        found |= dict.fromkeys(own)
    return [method.label for method in facts.methods if method.label in found]


def _meant(methods: Sequence[MethodFacts], name: str) -> list[str]:
    exact = [one.label for one in methods if one.label == name]
    return exact or [one.label for one in methods if one.family == name or _is(one, name)]


def _is(method: MethodFacts, name: str) -> bool:
    """Whether a method bears a name such as `lora`, or `lora(targets=all)`, which the default also is."""
    match = _WITH_SETTINGS.fullmatch(name)
    if match is None:
        return method.name == name
    settings = [one.strip().split("=", 1) for one in match["settings"].split(",")]
    return method.name == match["name"].strip() and all(
        len(pair) == 2 and str(method.spec.get(pair[0].strip())) == pair[1].strip() for pair in settings
    )


def places_of(results: Results, *, bases: Sequence[str], corpora: Sequence[str]) -> list[list[Section]]:
    """For each corpus the sections of its bases, of those that are named, or of all there are. OpenQuestionError where
    the study has none of them.
    """
    own = [one for one in results.facts.corpora if not corpora or {one.name, one.source} & set(corpora)]
    if not own:
        raise OpenQuestionError(f"the study has no corpus {' or '.join(corpora)}: add one")
    every = [one for one in sections(results) if not bases or one.base in bases]
    if not every:
        raise OpenQuestionError(f"the study has no base {' or '.join(bases)}: add one")
    return [[one for one in every if one.corpus == corpus.name] for corpus in own]


def parameters_of(facts: Facts, base: str) -> int:
    """How many parameters a base has. OpenQuestionError where a run of before it was noted is all there is."""
    parameters = facts.base(base).parameters
    if parameters is None:
        raise OpenQuestionError(f"how many parameters {base} has is not on record: run the study again, which notes it")
    return parameters
