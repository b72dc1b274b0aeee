"""Everything that can be wrong with the user's input, found before the first byte is written to the store.

Models are resolved (and fetched into the cache), corpora read and cut into roles, texts encoded, lengths held against
the model's context. What is learned on the way is kept for the plan and the report.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, final

import numpy as np

from vestige.attacks.learned.base import LearnedAttack
from vestige.data.corpus import CorpusSpec, identity, load_examples
from vestige.data.encode import encode_behind, encode_prompts, stop_ids
from vestige.data.lengths import NO_END, Lengths, remarks
from vestige.data.marks import settled
from vestige.data.splits import cut, fold_members, manifest
from vestige.data.validity import drop_duplicates
from vestige.errors import ConfigError, DataError, ModelError, printable
from vestige.metrics.text import refuse_missing_libraries
from vestige.models.loading import (
    BaseSpec,
    context_length,
    load_config,
    load_masked_once,
    load_tokenizer,
    resolve_dtype,
    vocabulary,
)
from vestige.models.sources import ModelSource, get, resolve
from vestige.records import Example, Fold, Role, Split
from vestige.stats.views import PLAIN, beginning_of, check_form, is_behind_members, leaves_all, masked_by, place_of
from vestige.store.keys import Task, canonical_json
from vestige.study.bases import PreparedBase
from vestige.study.dry_run import try_base
from vestige.study.seen import (
    Tokenizers,
    lengths_seen,
    refuse_own_marks,
    refuse_shared_texts,
    same_after_cut,
)
from vestige.study.spec import Study

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

LEFT_OUT = "same_after_cut"
"""Where the identity of a corpus has the ids that a base takes for earlier texts, if there are any."""


@final
@dataclass(frozen=True)
class PreparedCorpus:
    """A corpus cut into roles, and the task that stores it."""

    spec: CorpusSpec
    split: Split
    task: Task

    @property
    def facts(self) -> dict[str, Any]:
        """Texts, groups and hash of each role; no text."""
        return manifest(self.split)


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
class Prepared:
    """A study whose input is sound. `lengths` is keyed by (base, corpus) names, then by role; `prompts` by (base,
    corpus), and empty where nothing is to be generated; `masked` holds the masked language models of attacks, by name.
    """

    study: Study
    bases: Mapping[str, PreparedBase]
    corpora: Mapping[str, PreparedCorpus]
    lengths: Mapping[tuple[str, str], Mapping[Role, Lengths]]
    prompts: Mapping[tuple[str, str], Prompts]
    masked: Mapping[str, ModelSource]

    @property
    def examples(self) -> list[Example]:
        """Every record of every corpus, whatever its role."""
        roles = (corpus.split.roles for corpus in self.corpora.values())
        return [example for one in roles for examples in one.values() for example in examples]

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


def prepare(study: Study, *, say: Callable[[str], None] = lambda _: None, trying: bool = True) -> Prepared:
    """Check a study against its data and models; `say` is told what takes long, such as the first fetching of a model.

    `trying`: the study's methods are tried on each base, as is right before a model is run; who only shows what is in
    the store spares it.

    Raises:
        ConfigError, DataError, ModelError: as the messages say; nothing has been written to a store.
    """
    refuse_missing_libraries(study.study.text_utility)
    forms = {column.view.text for attack in study.attacks.use for column in attack.reads}
    for form in sorted(forms):
        check_form(form)
    corpora = {spec.name: _corpus(spec) for spec in study.corpus}
    _check_roles(corpora, study)
    bases = {spec.model: _base(spec, study, say=say) for spec in study.base}
    tokenizers = {name: load_tokenizer(base.source) for name, base in bases.items()}
    if seen_twice := {name: ids for name, one in corpora.items() if (ids := _seen_twice(one, tokenizers))}:
        corpora |= {name: _corpus(corpora[name].spec, left_out=ids) for name, ids in seen_twice.items()}
        _check_roles(corpora, study)
    _refuse_shared_texts(study, corpora, tokenizers)
    masked = {name: _masked(name, study, say=say) for _, name in filter(None, map(masked_by, sorted(forms)))}
    for form in sorted(filter(beginning_of, forms), key=place_of, reverse=True):  # one message for all beginnings
        for base in bases.values():
            for corpus in corpora.values():
                _refuse_beginning(base, corpus, form, study, tokenizers[base.spec.model])
    lengths = {
        (base, corpus): _lengths(bases[base], corpora[corpus], tokenizers[base]) for base in bases for corpus in corpora
    }
    if masked:
        refuse_own_marks(lengths)
    prompts = _all_prompts(study, bases, corpora, tokenizers) if study.study.text_utility else {}
    for name, base in bases.items():
        bases[name] = replace(base, foreign=try_base(base.source, study if trying else None, dtype=base.dtype, say=say))
    return Prepared(study, bases, corpora, lengths, prompts, masked=masked)


def split_of(spec: CorpusSpec, *, left_out: tuple[str, ...] = ()) -> Split:
    """The corpus read and cut into roles, without the ids `left_out`; kept for the stage that stores it, and read anew
    where a file has changed.
    """
    return _split_of(spec, left_out, canonical_json(identity(spec)))


@functools.lru_cache(maxsize=4)
def _split_of(spec: CorpusSpec, left_out: tuple[str, ...], _: str) -> Split:
    return cut(load_examples(spec), spec, left_out=frozenset(left_out))


def corpus_identity(spec: CorpusSpec, *, left_out: tuple[str, ...] = ()) -> dict[str, Any]:
    """What the roles of a corpus follow from: its identity, and what a base of the study takes for an earlier text."""
    return {**identity(spec), LEFT_OUT: list(left_out)} if left_out else identity(spec)


def _corpus(spec: CorpusSpec, *, left_out: tuple[str, ...] = ()) -> PreparedCorpus:
    facts = corpus_identity(spec, left_out=left_out)
    task = Task("corpus", spec=facts, where={"corpus": spec.model_dump_json()}, about=f"{spec.name}: texts")
    return PreparedCorpus(spec=spec, split=split_of(spec, left_out=left_out), task=task)


def _seen_twice(corpus: PreparedCorpus, tokenizers: Tokenizers) -> tuple[str, ...]:
    """The ids of a corpus's texts that are to be dropped because a base takes them for earlier ones."""
    if corpus.spec.duplicates != "drop":
        return ()
    examples = drop_duplicates(load_examples(corpus.spec))
    return same_after_cut(examples, tokenizers, max_length=corpus.spec.max_length)


def _check_roles(corpora: Mapping[str, PreparedCorpus], study: Study) -> None:
    """The roles have the groups, and the cells the texts, that the study and its attacks need."""
    for corpus in corpora.values():
        _refuse_few_groups(corpus.spec, corpus.split, seeds=study.study.seeds)
    for name in sorted(_corpora_with_shadows(study)):
        _refuse_no_shadow(corpora[name], seeds=study.study.seeds)
    for corpus in corpora.values():
        _refuse_few_cells(corpus, study)
        _refuse_unchanged(corpus, study)


def _refuse_no_shadow(corpus: PreparedCorpus, *, seeds: tuple[int, ...]) -> None:
    """A shadow needs texts of its own, and a trained attack at least two groups of members and of others."""
    examples = corpus.split.roles.get("shadow", ())
    if not examples:
        raise ConfigError(
            "an attack needs a shadow, a model fine-tuned on texts of its own, and the corpus "
            f"'{corpus.spec.name}' has no text in that role. Set `shadow` in [[corpus]] to as many texts as `pool` "
            "has, or leave the attack out."
        )
    few = min(map(len, _halves(examples, seeds=seeds)))
    if few < 2:
        raise DataError(
            f"Corpus '{corpus.spec.name}': each half of the role `shadow` needs texts of at least 2 groups, for a "
            f"trained attack to be cross-validated; got {few}. Enlarge `shadow`, lower `per_group`, or name a finer "
            "`group`."
        )


def _refuse_few_cells(corpus: PreparedCorpus, study: Study) -> None:
    """An attack that compares with other cells needs enough that were trained on each text, and enough others."""
    groups = np.asarray([example.group for example in corpus.split.roles["pool"]], dtype=np.str_)
    folds: tuple[Fold, ...] = ("A", "B") if study.study.folds == 2 else ("A",)
    of_seed = {seed: [fold_members(groups, seed=seed, fold=fold) for fold in folds] for seed in study.study.seeds}
    least: dict[bool, int] = {}
    for members in (True, False):
        others = [[cell for other in of_seed if other != seed for cell in of_seed[other]] for seed in of_seed]
        counts = [np.sum([cell == members for cell in cells], axis=0).min() if cells else 0 for cells in others]
        least[members] = int(min(counts))
    for attack in study.attacks.use:
        inside, outside = attack.fewest_cells
        if least[True] < inside or least[False] < outside:
            raise ConfigError(
                f"{attack.label} compares with other cells, those of the target's own seed left out: at least {inside} "
                f"that were trained on each text and {outside} that were not. The study's seeds, {len(of_seed)}, and "
                f"folds, {len(folds)}, leave {least[True]} and {least[False]} in the corpus '{corpus.spec.name}'. Set "
                f"folds = 2 and at least {1 + max(inside, outside)} seeds, or leave the attack out."
            )
        if attack.needs_calibration and not corpus.split.roles.get("calibration"):
            raise ConfigError(
                f"{attack.label} compares with texts of the role `calibration`, and the corpus '{corpus.spec.name}' "
                "has none. Set `calibration` in [[corpus]], or leave the attack out."
            )


def _refuse_unchanged(corpus: PreparedCorpus, study: Study) -> None:
    """An attack that compares a text with another form of it needs a form that changes some text."""
    for attack in study.attacks.use:
        forms = {column.view.text for column in attack.reads} - {PLAIN}
        if forms and all(leaves_all(corpus.split.roles["pool"], form=form) for form in sorted(forms)):
            raise ConfigError(
                f"{attack.label} compares each text with another form of it, and all "
                f"{len(corpus.split.roles['pool'])} texts of the pool of the corpus '{corpus.spec.name}' stay as they "
                "are in that form: they have no capitals, or no two words with a blank between them. Leave the attack "
                "out of [attacks] use."
            )


def _corpora_with_shadows(study: Study) -> set[str]:
    """The corpora on whose texts a shadow is trained."""
    found: set[str] = set()
    for attack in study.attacks.use:
        if attack.needs_shadow:
            elsewhere = attack.train_on.corpus if isinstance(attack, LearnedAttack) and attack.train_on else None
            found |= {spec.name for spec in study.corpus if elsewhere in (None, spec.name)}
    return found


def _refuse_shared_texts(study: Study, corpora: Mapping[str, PreparedCorpus], tokenizers: Tokenizers) -> None:
    """Of each corpus whose shadow attacks on other corpora learn from."""
    transfers = [one.train_on for one in study.attacks.use if isinstance(one, LearnedAttack) and one.train_on]
    for name in sorted({train_on.corpus for train_on in transfers if train_on.corpus is not None}):
        learned = corpora[name].split.roles["shadow"]
        for other in (corpus for corpus in corpora.values() if corpus is not corpora[name]):
            attacked = [*other.split.roles["pool"], *other.split.roles.get("calibration", ())]
            refuse_shared_texts(corpora[name].spec, learned, other.spec, attacked, tokenizers)


def _halves(examples: Sequence[Example], *, seeds: tuple[int, ...]) -> list[set[str]]:
    """The groups of both halves of a role, for each seed."""
    groups = np.asarray([example.group for example in examples], dtype=np.str_)
    members = [fold_members(groups, seed=seed, fold="A") for seed in seeds]
    return [set(groups[half]) for one in members for half in (one, ~one)]


def _refuse_few_groups(spec: CorpusSpec, split: Split, *, seeds: tuple[int, ...]) -> None:
    """An interval resamples groups, so the validation texts and each half of the pool must be of at least two."""
    halves = {"validation": [{example.group for example in split.roles["validation"]}]}
    halves["each half of the pool"] = _halves(split.roles["pool"], seeds=seeds)
    for what, sets in halves.items():
        if min(map(len, sets)) < 2:
            raise DataError(
                f"Corpus '{spec.name}': {what} needs texts of at least 2 groups, so that an interval can be given; got "
                f"{min(map(len, sets))}. Enlarge it, lower `per_group`, or name a finer `group`."
            )


def _base(spec: BaseSpec, study: Study, *, say: Callable[[str], None]) -> PreparedBase:
    place = study.place_of(spec.model)
    get(place, say=say)
    source = replace(resolve(place), name=spec.model)
    _refuse_overlong(source, study)
    has_end = bool(stop_ids(load_tokenizer(source)))
    return PreparedBase(spec=spec, source=source, dtype=resolve_dtype(spec.dtype), place=place, has_end=has_end)


def _masked(name: str, study: Study, *, say: Callable[[str], None]) -> ModelSource:
    """A masked language model that is ready to load; ModelError where it has no mask to fill."""
    place = study.place_of(name)
    get(place, say=say)
    source = resolve(place)
    tokenizer = load_tokenizer(source)
    if tokenizer.mask_token_id is None or not tokenizer.is_fast:
        raise ModelError(
            f"masked_lm = {name!r} is not a masked language model with a fast tokenizer: there is no mask token, or no "
            "offsets. Name one such as bert-base-cased, or leave it out: words are then swapped."
        )
    load_masked_once(source)
    return source


def _refuse_overlong(source: ModelSource, study: Study) -> None:
    context = context_length(load_config(source))
    longest = max(study.method, key=lambda method: method.virtual_tokens)
    virtual = longest.virtual_tokens
    if context is not None and context < _FEWEST_TOKENS:
        raise ModelError(
            f"{printable(source.name)} is made for texts of {context} tokens, its config.json says. Mend it."
        )
    if context is not None and context - virtual < _FEWEST_TOKENS:
        raise ConfigError(
            f"{longest.label} puts {virtual} virtual tokens before every text, which leaves no room for one in the "
            f"context of {printable(source.name)}, {context} tokens. Give the method fewer of them."
        )
    for corpus in study.corpus:
        if context is not None and corpus.max_length + virtual > context:
            raise ConfigError(
                f"max_length = {corpus.max_length} of the corpus '{printable(corpus.name)}' and {virtual} virtual "
                f"tokens of the longest prompt are beyond the context of {printable(source.name)}, {context} tokens. "
                f"Lower max_length to {context - virtual} or less."
            )


_FEWEST_TOKENS = 2
"""The least that `max_length` can be: a token to predict from, and one that is predicted."""


def _refuse_beginning(
    base: PreparedBase, corpus: PreparedCorpus, form: str, study: Study, tokenizer: PreTrainedTokenizerBase
) -> None:
    """A beginning before every text needs texts to be made of, and room in the context of the model."""
    tokens = beginning_of(form)
    sources = [corpus.split.roles.get("context", ())]
    if is_behind_members(form):
        pool = corpus.split.roles["pool"]
        halves = _halves(pool, seeds=study.study.seeds)
        sources = [tuple(example for example in pool if example.group in half) for half in halves]
    if not all(sources):
        raise ConfigError(
            f"an attack puts {tokens} tokens of the role `context` before every text, and the corpus "
            f"'{corpus.spec.name}' has no text in that role. Set `context` in [[corpus]], or leave the attack out."
        )
    for examples in sources:
        encode_behind(examples, [], tokenizer, tokens=tokens, place=place_of(form))
    context, max_length = context_length(load_config(base.source)), corpus.spec.max_length
    virtual = max(method.virtual_tokens for method in study.method)
    if context is not None and tokens + max_length + virtual > context:
        raise ConfigError(
            f"the {tokens} tokens that an attack puts before every text, max_length = {max_length} of the corpus "
            f"'{corpus.spec.name}' and {virtual} virtual tokens of the longest prompt are beyond the context of "
            f"{base.source.name}, {context} tokens. Lower max_length, ask for fewer tokens in the attack, or leave it "
            "out."
        )


def _lengths(base: PreparedBase, corpus: PreparedCorpus, tokenizer: PreTrainedTokenizerBase) -> dict[Role, Lengths]:
    rows = vocabulary(load_config(base.source))
    return lengths_seen(corpus.spec, corpus.split.roles, tokenizer, base=base.spec.model, rows=rows)


def _all_prompts(
    study: Study, bases: Mapping[str, PreparedBase], corpora: Mapping[str, PreparedCorpus], tokenizers: Tokenizers
) -> dict[tuple[str, str], Prompts]:
    """The prompts of every (base, corpus); one without any is well where another has some."""
    prompts = {
        (base, corpus): _prompts(bases[base], corpora[corpus], study, tokenizers[base])
        for base in bases
        for corpus in corpora
    }
    if not any(one.texts for one in prompts.values()):
        raise ConfigError(
            f"utility = {list(study.study.text_utility)} needs texts with a prompt and references, and no corpus of "
            f"the study has one among its first {study.generate.texts} validation texts. Leave it out, or name the "
            "fields `prompt` and `completion` of your files under `fields`."
        )
    return prompts


def _prompts(base: PreparedBase, corpus: PreparedCorpus, study: Study, tokenizer: PreTrainedTokenizerBase) -> Prompts:
    asked = corpus.split.roles["validation"][: study.generate.texts]
    encoded = encode_prompts(asked, tokenizer, max_length=corpus.spec.max_length)
    lengths = [len(prompt.ids) for prompt in encoded if not prompt.reason]
    end = str(tokenizer.eos_token) if any(one.own_eos for one in settled(asked, tokenizer)) else ""
    prompts = Prompts(texts=len(lengths), tokens=sum(lengths), longest=max(lengths, default=0), end=end)
    _refuse_overlong_answers(base, corpus, prompts, study)
    return prompts


def _refuse_overlong_answers(base: PreparedBase, corpus: PreparedCorpus, prompts: Prompts, study: Study) -> None:
    context = context_length(load_config(base.source))
    virtual = max(method.virtual_tokens for method in study.method)
    room = None if context is None else context - virtual - prompts.longest
    if prompts.texts and room is not None and study.generate.max_new_tokens > room:
        raise ConfigError(
            f"generate.max_new_tokens = {study.generate.max_new_tokens}, the longest prompt of the corpus "
            f"'{corpus.spec.name}', {prompts.longest} tokens, and {virtual} virtual tokens are beyond the context of "
            f"{base.source.name}, {context} tokens. Lower max_new_tokens to {room} or less."
        )
