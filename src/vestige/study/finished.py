"""The inputs of a study that has been run, for whoever reads what its store holds: taken from the record of the run and
held against what of them is on this machine. No model is loaded, and no text read but for its hash.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self, final

from vestige.data.corpus import LEFT_OUT, identity_of
from vestige.data.paths import expanded, on_disk
from vestige.errors import ModelError, StoreError, named, printable
from vestige.models.places import is_scratch
from vestige.models.sources import resolve
from vestige.pretraining.start import is_place_of
from vestige.store.io import sha256_of
from vestige.store.keys import canonical_json
from vestige.store.layout import Store
from vestige.study.identity import BaseIdentity, CorpusIdentity, Identities
from vestige.study.inputs import read_inputs
from vestige.study.inputs_record import recorded
from vestige.study.spec import Study

_LONG = 1000


def identities_of(study: Study, store: Store, *, say: Callable[[str], None]) -> Identities:
    """The identities that a study was run with. What is absent is taken at its recorded identity; what is here and
    differs counts as it is here, so that nothing of what the store holds of the old is shown. `say` is told of both.

    A study that no run has recorded is read as a run reads it.

    Raises:
        ConfigError, DataError, ModelError: what differs, or is not on record, cannot be read; the messages say why.
        StoreError: the record is damaged; it is named.
    """
    records = [one.identities for one in recorded(store, study)]
    here = Here.of(records[0]) if records else None
    for identities in records:
        assert here is not None
        if not here.differing(identities):
            if absent := here.absent:
                say(f"not on this machine, and taken as it was at the run: {named(absent, limit=_LONG)}")
            return identities
    if here is not None:
        say(
            f"not what it was at the run: {named(here.differing(records[0]), limit=_LONG)}. Nothing is shown of what "
            "the store holds of the old. Put back what was there, or run the study again."
        )
    return read_inputs(study, trying=False).identities


@final
@dataclass(frozen=True)
class Here:
    """What of a study's inputs this machine has: what the files of each model are known by, and the hash of each file
    of each corpus; None for what is absent.
    """

    models: Mapping[str, Mapping[str, str] | None]
    files: Mapping[str, Mapping[str, str | None]]

    @classmethod
    def of(cls, identities: Identities) -> Self:
        """Look for what lies at the places of these."""
        models = {name: _weights_of(one) for name, one in identities.bases.items()}
        models |= {name: _weights(one.place) for name, one in identities.masked.items()}
        paths = {name: one.spec.paths for name, one in identities.corpora.items()}
        return cls(models, {name: {path: _hash(path) for path in own} for name, own in paths.items()})

    @property
    def absent(self) -> list[str]:
        """What is not here, as a reader knows it."""
        models = [f"the model {printable(name)}" for name, weights in self.models.items() if weights is None]
        gone = {name: [path for path, found in own.items() if found is None] for name, own in self.files.items()}
        return models + [_texts(name, paths) for name, paths in gone.items() if paths]

    def differing(self, identities: Identities) -> list[str]:
        """What is here and is not what these identities say."""
        known = {name: one.weights for name, one in identities.bases.items()}
        known |= {name: one.identity for name, one in identities.masked.items()}
        models = [name for name, found in self.models.items() if found is not None and dict(found) != dict(known[name])]
        corpora = [one for one in identities.corpora.values() if not self._has(one)]
        return [f"the model {printable(name)}" for name in models] + [
            _texts(one.spec.name, one.spec.paths) for one in corpora
        ]

    def _has(self, corpus: CorpusIdentity) -> bool:
        """Whether the texts that are here are those of a corpus, as far as they are here. What makes generated texts
        may be of another version: they are not made to be looked at.
        """
        files = zip(self.files[corpus.spec.name].values(), corpus.identity["files"], strict=True)
        found = identity_of(
            corpus.spec,
            files=[own or known for own, known in files],
            generator=corpus.identity["generator"],
            left_out=corpus.identity.get(LEFT_OUT, ()),
        )
        return canonical_json(found) == canonical_json(dict(corpus.identity))


def _weights_of(base: BaseIdentity) -> Mapping[str, str] | None:
    """Those of a base; what one that is pretrained is known by follows from the texts, whether it is here or not."""
    if base.kind != "scratch":
        return _weights(base.place)
    if is_scratch(base.place):
        return None
    return base.weights if is_place_of(Path(base.place), base.weights) else {}


def _weights(place: str) -> Mapping[str, str] | None:
    """What the files of a model are known by; None where they are not here, or not whole."""
    try:
        source = resolve(place, fetch=False)
    except (ModelError, StoreError):
        return None
    return source.identity if source.ready or source.kind == "gguf" else None


def _hash(path: str) -> str | None:
    file = expanded(path)
    try:
        return sha256_of(file) if on_disk(file, lambda one: one.is_file()) else None
    except OSError:  # nobody may read it
        return None


def _texts(name: str, paths: Sequence[str]) -> str:
    files = f" ({', '.join(printable(path, limit=200) for path in paths)})" if paths else ""
    return f"the texts of the corpus '{printable(name)}'{files}"
