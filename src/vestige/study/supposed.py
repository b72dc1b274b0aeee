"""A study priced from its file alone: what its models and texts are supposed to be where none of them is read.

Models have the shapes that their names are known for, texts the greatest length that the study allows, so that a price
is the most that a study comes to.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from vestige.data.corpus import CorpusSpec, identity_of
from vestige.errors import ConfigError, VestigeError, near_misses, printable
from vestige.models.loading import BaseSpec, load_config, resolve_dtype
from vestige.models.places import is_scratch
from vestige.models.shapes import SHAPES, Shape
from vestige.models.sources import Kind, resolve
from vestige.outcome.lengths import Lengths
from vestige.pretraining.sizes import config_of, size_of
from vestige.records import Role
from vestige.study.grid import Pair
from vestige.study.identity import BaseIdentity, CorpusIdentity, Identities, MaskedIdentity, Prompts, masked_models
from vestige.study.spec import Study

_NOWHERE: Final = "not read"


def shapes_of(study: Study) -> dict[str, Shape]:
    """The shape of each base of a study, by its name: as it is known, else from its files where they are here.

    Raises:
        ConfigError: a base is neither here nor known; the near misses are named.
    """
    return {base.model: _shape(study, base.model) for base in study.base}


def _shape(study: Study, name: str) -> Shape:
    if is_scratch(name):
        from transformers import AutoConfig

        assert study.pretrain is not None
        told = config_of(size_of(name, study.pretrain), study.pretrain, end=0)
        return Shape.of(AutoConfig.for_model(study.pretrain.shape, **told))
    known = name.partition("@")[0]
    if known in SHAPES:
        return SHAPES[known]
    try:
        source = resolve(study.place_of(name, strict=False), fetch=False)
        if source.ready:
            return Shape.of(load_config(source))
    except VestigeError:
        pass
    raise ConfigError(
        f"The model '{printable(name)}' is not on this machine, and its shape is not known.{near_misses(name, SHAPES)} "
        "Fetch it, or leave out --device, which prices a study from its file alone."
    )


def supposed(study: Study, shapes: dict[str, Shape]) -> Identities:
    """Identities that a plan can be made from, and nothing else: no key of them is that of a run."""
    pairs = [Pair(base.model, corpus.name) for base in study.base for corpus in study.corpus]
    specs = {corpus.name: corpus for corpus in study.corpus}
    return Identities(
        bases={base.model: _base(base, shapes[base.model]) for base in study.base},
        corpora={name: _corpus(spec) for name, spec in specs.items()},
        masked={name: MaskedIdentity({"supposed": name}, name) for name in masked_models(study)},
        lengths={pair: _lengths(specs[pair.corpus]) for pair in pairs},
        prompts={pair: _prompts(study, specs[pair.corpus]) for pair in pairs} if study.study.text_utility else {},
    )


def _base(base: BaseSpec, shape: Shape) -> BaseIdentity:
    kind: Kind = "scratch" if is_scratch(base.model) else "hub"
    known = {"supposed": base.model}
    dtype = resolve_dtype(base.dtype) if base.dtype != "auto" else "bfloat16"
    return BaseIdentity(base.model, kind, known, dtype, str(Path(_NOWHERE)), parameters=shape.parameters)


def _corpus(spec: CorpusSpec) -> CorpusIdentity:
    roles = {role: {"texts": size, "groups": size} for role, size in spec.sizes.items()}
    facts = {"roles": roles, "dropped_duplicates": 0, "sha256": ""}
    return CorpusIdentity(spec, identity_of(spec, files=[f"{_NOWHERE}: {spec.name}"], generator={}), facts)


def _lengths(spec: CorpusSpec) -> dict[Role, Lengths]:
    return {
        role: Lengths(size, size * spec.max_length, size * spec.max_length, cut=0, unscorable=0)
        for role, size in spec.sizes.items()
        if size
    }


def _prompts(study: Study, spec: CorpusSpec) -> Prompts:
    texts = min(spec.validation, study.generate.texts)
    return Prompts(texts=texts, tokens=texts * spec.max_length, longest=spec.max_length)
