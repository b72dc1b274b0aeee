"""What a run needs besides the identities of its inputs: everything read, cut and judged before the first byte is
written to the store.

Models are fetched into the cache, corpora read and cut into roles, texts encoded, lengths held against the model's
context. What is learned on the way is kept for the plan and the report.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, final

from vestige.data.corpus import identity
from vestige.data.encode import encode_prompts, stop_ids
from vestige.data.marks import settled
from vestige.data.splits import every_example, manifest, split_of
from vestige.data.validity import drop_duplicates, listed
from vestige.errors import printable
from vestige.metrics.text import refuse_missing_libraries
from vestige.models.loading import (
    BaseSpec,
    context_length,
    load_config,
    load_masked_once,
    load_tokenizer,
    parameters_of,
    resolve_dtype,
    vocabulary,
)
from vestige.models.places import is_scratch
from vestige.models.sources import ModelSource, get, resolve
from vestige.outcome.lengths import Lengths
from vestige.pretraining.runs import Runs
from vestige.pretraining.start import runs_of, start_of
from vestige.records import Example, Role, Split
from vestige.study import refusals
from vestige.study.dry_run import try_base
from vestige.study.identity import (
    BaseIdentity,
    CorpusIdentity,
    Identities,
    MaskedIdentity,
    Pair,
    Prompts,
    masked_models,
)
from vestige.study.known_texts import known_among, refuse_known
from vestige.study.material import Base, Corpus
from vestige.study.seen import lengths_of, same_after_cut, seen
from vestige.study.spec import Study

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Say = Callable[[str], None]


@final
@dataclass(frozen=True)
class Inputs:
    """A study whose input is sound: who its bases and corpora are, and the texts of each corpus by role."""

    study: Study
    identities: Identities
    splits: Mapping[str, Split]

    @property
    def examples(self) -> list[Example]:
        """Every record of every corpus, whatever its role."""
        roles = (split.roles for split in self.splits.values())
        return [example for one in roles for examples in one.values() for example in examples]


def read_inputs(study: Study, *, say: Say = lambda _: None, trying: bool = True) -> Inputs:
    """Read a study's data and models and judge them; `say` is told what takes long, such as the first fetching of a
    model.

    `trying`: the study's methods are tried on each base, as is right before a model is run; who only shows what is in
    the store spares it.

    Raises:
        ConfigError, DataError, ModelError: as the messages say; nothing has been written to a store.
    """
    refuse_missing_libraries(study.study.text_utility)
    for method in study.method:
        method.refuse_missing_library()
    refusals.refuse_unknown_forms(study)
    corpora = _judged(study, {spec.name: Corpus(spec, split_of(spec)) for spec in study.corpus}, dropping=False)
    bases = {spec.model: _base(spec, study, say=say) for spec in study.base}
    tokenizers = [base.tokenizer for base in bases.values()]
    runs = runs_of(study.pretrain, say=say) if study.pretrain else None
    corpora = {name: _settled(corpus, tokenizers, runs, say=say) for name, corpus in corpora.items()}
    _judged(study, corpora, dropping=True)
    refusals.refuse_shared_texts(study, bases, corpora)
    masked = {name: _masked(name, study, say=say) for name in masked_models(study)}
    pairs = [(base, corpus) for base in bases.values() for corpus in corpora.values()]
    for refuse in refusals.OF_A_PAIR:
        for base, corpus in pairs:
            refuse(study, base, corpus)
    lengths = {(base.name, corpus.name): _lengths(base, corpus) for base, corpus in pairs}
    if masked:
        refusals.refuse_own_marks(lengths)
    identities = Identities(
        corpora={name: _corpus_identity(corpus) for name, corpus in corpora.items()},
        lengths=lengths,
        prompts=_all_prompts(study, pairs) if study.study.text_utility else {},
        masked=masked,
        bases={name: _base_identity(base, study if trying else None, say=say) for name, base in bases.items()},
    )
    return Inputs(study, identities, {name: corpus.split for name, corpus in corpora.items()})


def _judged(study: Study, corpora: dict[str, Corpus], *, dropping: bool) -> dict[str, Corpus]:
    """The corpora, of which those are judged whose cut is settled by now: a text that is `dropping` for one that a base
    takes for the same is known only once there are tokenizers.
    """
    for refuse in refusals.OF_A_CORPUS:
        for corpus in corpora.values():
            if (corpus.spec.duplicates == "drop") == dropping:
                refuse(study, corpus)
    return corpora


def _settled(
    corpus: Corpus, tokenizers: Sequence[PreTrainedTokenizerBase], pretrained: Runs | None, *, say: Say
) -> Corpus:
    """The corpus without the texts that are to be dropped: those that a base takes for earlier ones, and those that
    occur in what a base is pretrained on.
    """
    spec = corpus.spec
    if spec.duplicates != "drop":
        if pretrained is not None:
            refuse_known(corpus, pretrained)
        return corpus
    examples = drop_duplicates(every_example(spec))
    known = known_among(examples, pretrained) if pretrained is not None else ()
    if known:
        say(f"{printable(corpus.name)}: left out, since they occur in the texts of [pretrain]: {listed(known)}")
    is_known = frozenset(known)
    others = [one for one in examples if one.id not in is_known]
    left_out = known + same_after_cut(others, tokenizers, max_length=spec.max_length)
    return Corpus(spec, split_of(spec, left_out=left_out), left_out)


def _base(spec: BaseSpec, study: Study, *, say: Say) -> Base:
    source, place = _source(spec, study, say=say)
    config = load_config(source)
    context, rows = context_length(config), vocabulary(config)
    base = Base(source, resolve_dtype(spec.dtype), place, load_tokenizer(source), context, rows)
    for refuse in refusals.OF_A_BASE:
        refuse(study, base)
    return base


def _source(spec: BaseSpec, study: Study, *, say: Say) -> tuple[ModelSource, str]:
    """A base made ready, and what it is found by; of one that the study pretrains, what that starts from."""
    if is_scratch(spec.model):
        assert study.pretrain is not None
        source = start_of(spec.model, study.pretrain, say=say)
        return source, str(source.path)
    place = study.place_of(spec.model)
    get(place, say=say)
    return replace(resolve(place), name=spec.model), place


def _masked(name: str, study: Study, *, say: Say) -> MaskedIdentity:
    """A masked language model that is ready to load; ModelError where it has no mask to fill."""
    place = study.place_of(name)
    get(place, say=say)
    source = resolve(place)
    refusals.refuse_no_mask(name, load_tokenizer(source))
    load_masked_once(source)
    return MaskedIdentity(source.identity, place)


def _lengths(base: Base, corpus: Corpus) -> dict[Role, Lengths]:
    whole = seen(base, corpus)
    for refuse in refusals.OF_WHAT_IS_SEEN:
        refuse(whole)
    return {role: lengths_of(texts) for role, texts in whole.texts.items()}


def _all_prompts(study: Study, pairs: Sequence[tuple[Base, Corpus]]) -> dict[Pair, Prompts]:
    prompts = {(base.name, corpus.name): _prompts(study, base, corpus) for base, corpus in pairs}
    refusals.refuse_no_prompts(study, list(prompts.values()))
    return prompts


def _prompts(study: Study, base: Base, corpus: Corpus) -> Prompts:
    asked = corpus.texts("validation")[: study.generate.texts]
    encoded = encode_prompts(asked, base.tokenizer, max_length=corpus.spec.max_length)
    lengths = [len(prompt.ids) for prompt in encoded if not prompt.reason]
    end = str(base.tokenizer.eos_token) if any(one.own_eos for one in settled(asked, base.tokenizer)) else ""
    prompts = Prompts(texts=len(lengths), tokens=sum(lengths), longest=max(lengths, default=0), end=end)
    refusals.refuse_overlong_answers(study, base, corpus, prompts)
    return prompts


def _base_identity(base: Base, tried: Study | None, *, say: Say) -> BaseIdentity:
    """A base that was loaded, and on which the methods of a study were `tried`, if one is given."""
    source = base.source
    return BaseIdentity(
        name=base.name,
        kind=source.kind,
        weights=source.identity,
        dtype=base.dtype,
        place=base.place,
        origin=source.note,
        has_end=bool(stop_ids(base.tokenizer)),
        foreign=try_base(source, tried, dtype=base.dtype, say=say),
        parameters=parameters_of(source, dtype=base.dtype),
    )


def _corpus_identity(corpus: Corpus) -> CorpusIdentity:
    return CorpusIdentity(
        spec=corpus.spec,
        identity=identity(corpus.spec, left_out=corpus.left_out),
        facts=manifest(corpus.split),
    )
