"""The record of a store's inputs: which bases, corpora and masked models a study was run on, by identity.

One file for each distinct set of inputs, beside the record of runs. Its name begins with what the study file says of
its inputs, so that it is found again where neither they nor the study file lie where they did. It holds hashes, counts
and names, no text. Keys and comparisons of stores do not know of it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, final

from vestige.data.corpus import said_of
from vestige.errors import StoreError
from vestige.outcome.lengths import Lengths
from vestige.records import ROLES
from vestige.store.io import read_json, refuse_link, write_text
from vestige.store.keys import canonical_json
from vestige.store.layout import LOGS, Store
from vestige.study.identity import BaseIdentity, CorpusIdentity, Identities, MaskedIdentity, Prompts, masked_models
from vestige.study.spec import Study

_VERSION: Final = 1

_OF_A_BASE: Final = ("kind", "weights", "dtype", "origin", "has_end", "foreign", "parameters")


@final
@dataclass(frozen=True)
class Recorded:
    """The inputs of a run as the record has them, and when each study was first run on them, by its name."""

    identities: Identities
    studies: Mapping[str, str]


def record_inputs(store: Store, study: Study, identities: Identities) -> None:
    """Add that a study is run on these inputs, unless that is what the record says already; the store must be locked.

    Raises:
        StoreError: the record is damaged or cannot be written; it is named.
    """
    content, name = content_of(identities), study.study.name
    latest = recorded(store, study)[:1]
    if latest and name in latest[0].studies and content_of(latest[0].identities) == content:
        return
    path = _folder(store) / f"inputs-{_said(study)}-{_hash(content)}.json"
    studies = _read(path)["studies"] if path.exists() else {}
    now = datetime.now(UTC).isoformat(timespec="microseconds")
    whole = {"version": _VERSION, "studies": {**studies, name: now}, **content}
    # Not sorted: tables of the report keep the order of what they show.
    write_text(path, json.dumps(whole, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def recorded(store: Store, study: Study) -> list[Recorded]:
    """Every set of inputs that a run of a study that says the same of them is on record with: those of this study
    first, the latest first.

    Raises:
        StoreError: a file of the record is damaged; it is named.
    """
    paths = sorted(_folder(store).glob(f"inputs-{_said(study)}-*.json"))
    found = [_recorded(path, study) for path in paths]
    name = study.study.name
    return sorted(found, key=lambda one: (name in one.studies, one.studies.get(name, max(one.studies.values()))))[::-1]


def _said(study: Study) -> str:
    """A hash of what a study says of its inputs: names, sizes and files, and nothing of where they lie."""
    texts = study.generate.texts if study.study.text_utility else None
    pretraining = {"pretraining": study.pretrain.said()} if study.pretrain else {}
    return _hash(
        {
            **pretraining,
            "bases": {base.model: base.dtype for base in study.base},
            "corpora": {corpus.name: said_of(corpus) for corpus in study.corpus},
            "masked": sorted(masked_models(study)),
            "asked": texts,
        }
    )


def _hash(value: object) -> str:
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()[:20]


def content_of(identities: Identities) -> dict[str, Any]:
    """Identities as JSON; `identities_from` turns it back. Places are left out."""
    bases = {name: {key: getattr(one, key) for key in _OF_A_BASE} for name, one in identities.bases.items()}
    return {
        "bases": {name: {**one, "weights": dict(one["weights"])} for name, one in bases.items()},
        "corpora": {
            name: {"identity": dict(one.identity), "facts": dict(one.facts)} for name, one in identities.corpora.items()
        },
        "masked": {name: dict(one.identity) for name, one in identities.masked.items()},
        "pairs": [
            {"base": base, "corpus": corpus, "lengths": {role: asdict(one) for role, one in lengths.items()}}
            | ({"prompts": asdict(identities.prompts[base, corpus])} if identities.prompts else {})
            for (base, corpus), lengths in identities.lengths.items()
        ],
    }


def _recorded(path: Path, study: Study) -> Recorded:
    content = _read(path)
    try:
        return Recorded(identities_from(content, study), dict(content["studies"]))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise _damaged(path) from error


def identities_from(content: Mapping[str, Any], study: Study) -> Identities:
    """The same identities, in the order and at the places of a study."""
    bases = {
        one.model: BaseIdentity(
            name=one.model,
            place=study.place_of(one.model, strict=False),
            **{**content["bases"][one.model], "foreign": tuple(content["bases"][one.model]["foreign"])},
        )
        for one in study.base
    }
    corpora = {one.name: CorpusIdentity(spec=one, **content["corpora"][one.name]) for one in study.corpus}
    pairs = {(one["base"], one["corpus"]): one for one in content["pairs"]}
    in_order = {(base, corpus): pairs[base, corpus] for base in bases for corpus in corpora}
    return Identities(
        bases=bases,
        corpora=corpora,
        masked={
            name: MaskedIdentity(content["masked"][name], study.place_of(name, strict=False))
            for name in masked_models(study)
        },
        lengths={
            pair: {role: Lengths(**one["lengths"][role]) for role in ROLES if role in one["lengths"]}
            for pair, one in in_order.items()
        },
        prompts={pair: Prompts(**one["prompts"]) for pair, one in in_order.items() if "prompts" in one},
    )


def _folder(store: Store) -> Path:
    folder = store.root / LOGS
    refuse_link(folder)
    return folder


def _read(path: Path) -> dict[str, Any]:
    try:
        content = read_json(path)
        if content["version"] == _VERSION and content["studies"]:
            return dict(content)
    except (StoreError, KeyError, TypeError):
        pass
    raise _damaged(path)


def _damaged(path: Path) -> StoreError:
    return StoreError(
        f"The record of inputs {path} is damaged, or of a newer vestige. Restore it, or remove it: models and texts "
        "are then read anew, and must be here."
    )
