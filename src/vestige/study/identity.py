"""What names the keys of a study: its bases, corpora and masked models by identity, and what is known of them. Nothing
here reads, fetches or tokenizes: `inputs.py` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

from vestige.data.corpus import CorpusSpec
from vestige.errors import named, printable
from vestige.forms import Form, Masked
from vestige.models.loading import Dtype
from vestige.models.sources import Kind
from vestige.outcome.lengths import NO_END, Lengths, remarks
from vestige.records import ROLES, Role
from vestige.store.keys import Task
from vestige.study.spec import Study
from vestige.study.stages.corpus import corpus_task
from vestige.study.stages.model import KeyedBase

Pair = tuple[str, str]
"""The names of a base and a corpus."""


def forms_of(study: Study) -> list[Form]:
    """The forms in which the attacks of a study read the texts, by name."""
    forms = {view.form for attack in study.attacks.use for need in attack.reads for view in need.views}
    return sorted(forms, key=lambda form: form.name)


def masked_models(study: Study) -> list[str]:
    """The masked language models that make some of these forms, by the names that the study gives them."""
    return list(dict.fromkeys(form.model for form in forms_of(study) if isinstance(form, Masked)))


@final
@dataclass(frozen=True)
class BaseIdentity:
    """A base model in the precision that its keys name.

    * `weights`: what its files are known by, wherever they lie; `kind` says how they were found.
    * `place`: what `resolve` finds them by on this machine; no part of the identity.
    * `origin`: what is to be said of where they come from, such as a conversion.
    * `has_end`: whether its tokenizer has a token that ends a text.
    * `foreign`: parts of its files that are left aside.
    * `parameters`: how many it has; None where a record is from before this was noted.
    """

    name: str
    kind: Kind
    weights: Mapping[str, str]
    dtype: Dtype
    place: str
    origin: str = ""
    has_end: bool = True
    foreign: tuple[str, ...] = ()
    parameters: int | None = None

    @property
    def left_aside(self) -> str:
        """A sentence on the foreign parts, empty where there are none."""
        return f"left aside, as no part of the language model: {named(self.foreign)}" if self.foreign else ""

    @property
    def note(self) -> str:
        """What to say wherever results of the model are shown; empty where there is nothing to say."""
        return "; ".join(part for part in (self.origin, self.left_aside) if part)

    @property
    def identity(self) -> KeyedBase:
        """What a key needs to know of the base."""
        return KeyedBase(model=self.weights, dtype=self.dtype)


@final
@dataclass(frozen=True)
class MaskedIdentity:
    """A masked language model that an attack asks: what its files are known by, and where this machine has them."""

    identity: Mapping[str, str]
    place: str


@final
@dataclass(frozen=True)
class CorpusIdentity:
    """A corpus by what its texts follow from (`identity`), and how many texts and groups each role got (`facts`, as
    `manifest` has them; no text).
    """

    spec: CorpusSpec
    identity: Mapping[str, Any]
    facts: Mapping[str, Any]

    @cached_property
    def task(self) -> Task:
        """The task that stores it."""
        return corpus_task(self.spec, self.identity)

    def size(self, role: Role) -> int:
        """Texts of a role."""
        texts: int = self.facts["roles"][role]["texts"]
        return texts

    @property
    def roles(self) -> list[Role]:
        """The roles that have a text."""
        return [role for role in ROLES if self.size(role)]


@final
@dataclass(frozen=True)
class Prompts:
    """What a base's models are asked to go on from, on one corpus: texts, their tokens, and those of the longest; `end`
    is the EOS that the completions bring, and their references with them, if they do.
    """

    texts: int
    tokens: int
    longest: int
    end: str = ""


@final
@dataclass(frozen=True)
class Identities:
    """The bases, corpora and masked models of a study, by the names that it gives them. `lengths` is keyed by (base,
    corpus), then by role; `prompts` by (base, corpus), and empty where nothing is to be generated.
    """

    bases: Mapping[str, BaseIdentity]
    corpora: Mapping[str, CorpusIdentity]
    masked: Mapping[str, MaskedIdentity]
    lengths: Mapping[Pair, Mapping[Role, Lengths]]
    prompts: Mapping[Pair, Prompts]

    @property
    def remarks(self) -> list[str]:
        """What is to be known of models and texts before a run, a line each: where texts are cut, for example."""
        lines = [f"{printable(name)}: {NO_END}" for name, base in self.bases.items() if not base.has_end]
        lines += [f"{printable(name)}: {base.left_aside}." for name, base in self.bases.items() if base.foreign]
        for (base, corpus), lengths in self.lengths.items():
            where = printable(corpus) + (f" · {printable(base)}" if len(self.bases) > 1 else "")
            said = remarks(lengths.values(), max_length=self.corpora[corpus].spec.max_length)
            lines += [f"{where}: {one}" for one in said]
        return lines
