"""Everything that can be wrong with the texts and models of a study: pure functions over what was read, each of which
raises or says nothing. Those of one kind stand in a list at the end; `inputs.py` asks each once, before the first byte
is written to a store.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, final

import numpy as np

from vestige.data.encode import Encoded, encode_behind, refuse_unscorable, stop_ids
from vestige.data.splits import groups_of, members_of
from vestige.data.validity import SHOWN, equal, listed, repeated, same_text
from vestige.errors import ConfigError, DataError, ModelError, named, near_misses, printable
from vestige.forms import ONE_OF_EACH, PLAIN, Behind, Form, Rewritten
from vestige.outcome.lengths import Lengths
from vestige.records import Example, Fold, Role
from vestige.study.identity import Pair, Prompts, forms_of
from vestige.study.material import Base, Corpus, Seen
from vestige.study.seen import contents, digest, every_text
from vestige.study.spec import Study

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_FEWEST_TOKENS: Final = 2
"""The least that `max_length` can be: a token to predict from, and one that is predicted."""


def refuse_unknown_forms(study: Study) -> None:
    """Every form of the texts that an attack asks for can be made."""
    for form in forms_of(study):
        if type(form) not in map(type, ONE_OF_EACH):
            near = near_misses(form.name, (one.name for one in ONE_OF_EACH))
            raise ConfigError(f"an attack needs the text in the unknown form {form.name!r}.{near}")


def refuse_few_groups(study: Study, corpus: Corpus) -> None:
    """An interval resamples groups, so the validation texts and each half of the pool must be of at least two."""
    halves = {"validation": [{example.group for example in corpus.texts("validation")}]}
    halves["each half of the pool"] = _halves(corpus.texts("pool"), study=study)
    for what, sets in halves.items():
        if min(map(len, sets)) < 2:
            raise DataError(
                f"Corpus '{corpus.name}': {what} needs texts of at least 2 groups, so that an interval can be given; "
                f"got {min(map(len, sets))}. Enlarge it, lower `per_group`, or name a finer `group`."
            )


def refuse_folds_of_given_halves(study: Study, corpus: Corpus) -> None:
    """Where members are those of a training file, nobody trains on the test file in turn."""
    if corpus.spec.design == "official-splits" and study.study.folds == 2:
        raise ConfigError(
            f"Corpus '{printable(corpus.name)}': design = \"official-splits\" trains on the texts of `path` and never "
            "on those of `non_members`, so that there is one fold: set folds = 1 in [study], or leave `design` out, "
            "which deals the halves out at random and trains on both in turn."
        )


def refuse_unmet_needs(study: Study, corpus: Corpus) -> None:
    """The study has on this corpus what each of its attacks needs: shadows, other cells, calibration texts."""
    supply = Supplied(study, corpus)
    for attack in study.attacks.use:
        for need in attack.reads:
            need.refuse(attack.label, supply)


@final
@dataclass(frozen=True)
class Supplied:
    """What a study has on one corpus to meet needs with (`attacks.needs.outside.Supply`)."""

    study: Study
    of: Corpus

    @property
    def corpus(self) -> str:
        """The corpus, by name."""
        return self.of.name

    @property
    def seeds(self) -> int:
        """How many there are."""
        return len(self.study.study.seeds)

    @property
    def folds(self) -> int:
        """How many there are."""
        return self.study.study.folds

    def texts(self, role: Role) -> Sequence[Example]:
        """The texts of a role."""
        return self.of.texts(role)

    def fewest_others(self, *, trained: bool) -> int:
        """The fewest cells of other seeds, whichever the own one is, that (not) `trained` on a text of the pool."""
        pool, seeds = self.of.texts("pool"), self.study.study.seeds
        of_seed = {one: [members_of(pool, seed=one, fold=fold) for fold in _folds(self.study)] for one in seeds}
        others = [[cell for other in of_seed if other != seed for cell in of_seed[other]] for seed in of_seed]
        return int(min(np.sum([cell == trained for cell in cells], axis=0).min() if cells else 0 for cells in others))

    def fewest_groups(self, role: Role) -> int:
        """The fewest groups that a half of a role has."""
        return min(map(len, _halves(self.of.texts(role), study=self.study)))


def refuse_unchanged(study: Study, corpus: Corpus) -> None:
    """An attack that compares a text with another form of it needs a form that changes some text."""
    for attack in study.attacks.use:
        forms = {view.form for need in attack.reads for view in need.views} - {PLAIN}
        if forms and all(_leaves_all(corpus.texts("pool"), form) for form in forms):
            raise ConfigError(
                f"{attack.label} compares each text with another form of it, and all "
                f"{len(corpus.texts('pool'))} texts of the pool of the corpus '{corpus.name}' stay as they "
                "are in that form: they have no capitals, or no two words with a blank between them. Leave the attack "
                "out of [attacks] use."
            )


def _leaves_all(examples: Sequence[Example], form: Form) -> bool:
    """Whether a form that is made of the completion alone is the text as it is for every example."""
    return isinstance(form, Rewritten) and all(form.changed(one.completion) == one.completion for one in examples)


def refuse_no_context(study: Study, base: Base) -> None:
    """A base must take a text at all, and one behind the longest prompt of the study's methods."""
    if base.context is None:
        return
    if base.context < _FEWEST_TOKENS:
        raise ModelError(
            f"{printable(base.name)} is made for texts of {base.context} tokens, its config.json says. Mend it."
        )
    longest = max(study.method, key=lambda method: method.virtual_tokens)
    if base.context - longest.virtual_tokens < _FEWEST_TOKENS:
        raise ConfigError(
            f"{longest.label} puts {longest.virtual_tokens} virtual tokens before every text, which leaves no room "
            f"for one in the context of {printable(base.name)}, {base.context} tokens. Give the method fewer of them."
        )


def refuse_overlong_texts(study: Study, base: Base) -> None:
    """The longest texts fit the context behind the longest prompt."""
    virtual = _virtual_tokens(study)
    for corpus in study.corpus:
        if base.context is not None and corpus.max_length + virtual > base.context:
            raise ConfigError(
                f"max_length = {corpus.max_length} of the corpus '{printable(corpus.name)}' and {virtual} virtual "
                f"tokens of the longest prompt are beyond the context of {printable(base.name)}, {base.context} "
                f"tokens. Lower max_length to {base.context - virtual} or less."
            )


def refuse_no_beginning(study: Study, base: Base, corpus: Corpus) -> None:
    """A beginning before every text needs texts to be made of, and room in the context of the model."""
    beginnings = [form for form in forms_of(study) if isinstance(form, Behind)]
    for form in sorted(beginnings, key=lambda form: form.which, reverse=True):  # one message for all of them
        _refuse_no_texts_for(form, study, base, corpus)
        _refuse_no_room_for(form, study, base, corpus)


def _refuse_no_texts_for(form: Behind, study: Study, base: Base, corpus: Corpus) -> None:
    sources = [corpus.texts("context")]
    if form.whose == "members":
        pool = corpus.texts("pool")
        halves = _halves(pool, study=study)
        sources = [tuple(example for example in pool if example.group in half) for half in halves]
    if not all(sources):
        raise ConfigError(
            f"an attack puts {form.tokens} tokens of the role `context` before every text, and the corpus "
            f"'{corpus.name}' has no text in that role. Set `context` in [[corpus]], or leave the attack out."
        )
    for examples in sources:
        encode_behind(examples, [], base.tokenizer, tokens=form.tokens, place=form.which - 1)


def _refuse_no_room_for(form: Behind, study: Study, base: Base, corpus: Corpus) -> None:
    tokens, max_length, virtual = form.tokens, corpus.spec.max_length, _virtual_tokens(study)
    if base.context is not None and tokens + max_length + virtual > base.context:
        raise ConfigError(
            f"the {tokens} tokens that an attack puts before every text, max_length = {max_length} of the corpus "
            f"'{corpus.name}' and {virtual} virtual tokens of the longest prompt are beyond the context of "
            f"{base.name}, {base.context} tokens. Lower max_length, ask for fewer tokens in the attack, or leave it "
            "out."
        )


def refuse_unknown_ids(seen: Seen) -> None:
    """A base has a row in its embedding for every token of the texts and of their end.

    Only tokens that were added to a tokenizer are spelled in the message: others are pieces of the texts.
    """
    rows, tokenizer = seen.base.rows, seen.base.tokenizer
    if rows is None:
        return
    texts = every_text(seen.texts)
    own = {int(text.ids.max(initial=0)) for text in texts} | set(stop_ids(tokenizer))
    if max(own, default=0) < rows:
        return
    beyond = sorted({int(one) for text in texts for one in text.ids[text.ids >= rows]} | {i for i in own if i >= rows})
    added = tokenizer.added_tokens_decoder
    tokens = [f"{str(added[one])!r} ({one})" if one in added else str(one) for one in beyond]
    raise ModelError(
        f"The tokenizer of {printable(seen.base.name)} and its weights do not match: the texts, or the token that ends "
        f"them, have ids that the model has no row for, {named(tokens, most=SHOWN)}. Its embedding has {rows} rows, "
        f"its tokenizer {len(tokenizer)} tokens. Save the model with a resized embedding "
        f"(model.resize_token_embeddings({max(*beyond, len(tokenizer) - 1) + 1})), fine-tuned with it, or put the "
        "tokenizer in its folder that belongs to it."
    )


def refuse_same_after_cut(seen: Seen) -> None:
    """Where duplicates are refused, no two texts of different groups are one to the model."""
    spec = seen.corpus.spec
    if spec.duplicates != "refuse":
        return
    texts = every_text(seen.texts)
    examples = [example for role in seen.texts for example in seen.corpus.texts(role)]
    pairs = repeated(examples, [digest(text.ids) if text.first < len(text.ids) else None for text in texts])
    if not pairs:
        return
    raise DataError(
        f"Corpus '{printable(spec.name)}': to the model {printable(seen.base.name)}, {len(pairs)} of the texts chosen "
        f"are the same as one of another group ({equal(pairs)}), and would be member and non-member at once. "
        f"{_why_same(pairs, texts, max_length=spec.max_length)} "
        'Or set `duplicates = "drop"` to keep the first of each.'
    )


def _why_same(pairs: Sequence[tuple[Example, Example]], texts: Sequence[Encoded], *, max_length: int) -> str:
    cut = {text.id for text in texts if text.was_cut}
    beyond = sum(one.id in cut or other.id in cut for one, other in pairs)
    alike = "spelled in ways that its tokenizer does not tell apart"
    if not beyond:
        return f"They are {alike}: remove the later ones."
    others = f", and {len(pairs) - beyond} are {alike}" if beyond < len(pairs) else ""
    who = "They" if not others else f"{beyond} of them"
    return f"{who} differ only beyond max_length = {max_length}: raise max_length{others}."


def refuse_no_scored_token(seen: Seen) -> None:
    """Each role has something that can be scored."""
    for texts in seen.texts.values():
        refuse_unscorable(texts, max_length=seen.corpus.spec.max_length)


def refuse_shared_texts(study: Study, bases: Mapping[str, Base], corpora: Mapping[str, Corpus]) -> None:
    """Within a corpus no text is in two roles; an attack model that goes to another corpus must not meet its own texts
    there, neither as texts nor as any of the bases sees them.
    """
    for name in sorted({one.trains_on["corpus"] for one in study.attacks.use if "corpus" in one.trains_on}):
        for other in (corpus for corpus in corpora.values() if corpus.name != name):
            refuse_shared_with(corpora[name], other, [base.tokenizer for base in bases.values()])


def refuse_shared_with(source: Corpus, other: Corpus, tokenizers: Sequence[PreTrainedTokenizerBase]) -> None:
    """No text that is attacked in the other corpus is among those of the shadow of the first one."""
    shadow, attacked = source.texts("shadow"), [*other.texts("pool"), *other.texts("calibration")]
    known = {same_text(example) for example in shadow}
    shared = {example.id for example in attacked if same_text(example) in known}
    for tokenizer in tokenizers:
        met = set(contents(shadow, tokenizer, max_length=source.spec.max_length)) - {b""}
        read = contents(attacked, tokenizer, max_length=other.spec.max_length)
        shared |= {example.id for example, content in zip(attacked, read, strict=True) if content in met}
    if shared:
        ids = [example.id for example in attacked if example.id in shared]
        raise DataError(
            f"train_on = {{ corpus = '{printable(source.name)}' }}: its role `shadow` shares texts with the corpus "
            f"'{printable(other.name)}', {listed(ids)}, and an attack model would know them again. Remove them from "
            "one of the two, or leave this transfer out."
        )


def refuse_no_mask(name: str, tokenizer: PreTrainedTokenizerBase) -> None:
    """A masked language model has a mask to fill, and a tokenizer that says where each word stands."""
    if tokenizer.mask_token_id is None or not tokenizer.is_fast:
        raise ModelError(
            f"masked_lm = {name!r} is not a masked language model with a fast tokenizer: there is no mask token, or no "
            "offsets. Name one such as bert-base-cased, or leave it out: words are then swapped."
        )


def refuse_own_marks(lengths: Mapping[Pair, Mapping[Role, Lengths]]) -> None:
    """A masked language model, which knows other marks, would take pieces of the texts' own BOS or EOS for words."""
    for (_, corpus), roles in lengths.items():
        if any(one.own_bos or one.own_eos for one in roles.values()):
            raise DataError(
                f"Corpus '{printable(corpus)}': its texts bring their own BOS or EOS, and masked_lm would replace "
                "words within these marks. Remove the marks from the texts, or leave masked_lm out: words are "
                "then swapped."
            )


def refuse_no_prompts(study: Study, prompts: Sequence[Prompts]) -> None:
    """A corpus without prompts is fine beside one that has some; not one of them has any."""
    if not any(one.texts for one in prompts):
        raise ConfigError(
            f"utility = {list(study.study.text_utility)} needs texts with a prompt and references, and no corpus of "
            f"the study has one among its first {study.generate.texts} validation texts. Leave it out, or name the "
            "fields `prompt` and `completion` of your files under `fields`."
        )


def refuse_overlong_answers(study: Study, base: Base, corpus: Corpus, prompts: Prompts) -> None:
    """The longest answer fits the context behind the longest prompts of the corpus and of the methods."""
    virtual, asked, context = _virtual_tokens(study), study.generate.max_new_tokens, base.context
    room = None if context is None else context - virtual - prompts.longest
    if prompts.texts and room is not None and asked > room:
        raise ConfigError(
            f"generate.max_new_tokens = {asked}, the longest prompt of the corpus "
            f"'{corpus.name}', {prompts.longest} tokens, and {virtual} virtual tokens are beyond the context of "
            f"{base.name}, {context} tokens. Lower max_new_tokens to {room} or less."
        )


def _halves(examples: Sequence[Example], *, study: Study) -> list[set[str]]:
    """The groups of both halves of a role, for each seed."""
    groups = groups_of(examples)
    members = [members_of(examples, seed=seed, fold="A") for seed in study.study.seeds]
    return [set(groups[half]) for one in members for half in (one, ~one)]


def _folds(study: Study) -> tuple[Fold, ...]:
    return ("A", "B") if study.study.folds == 2 else ("A",)


def _virtual_tokens(study: Study) -> int:
    """Positions that the longest prompt of a method takes."""
    return max(method.virtual_tokens for method in study.method)


OF_A_CORPUS: Final[Sequence[Callable[[Study, Corpus], None]]] = (
    refuse_folds_of_given_halves,
    refuse_few_groups,
    refuse_unmet_needs,
    refuse_unchanged,
)
OF_A_BASE: Final[Sequence[Callable[[Study, Base], None]]] = (refuse_no_context, refuse_overlong_texts)
OF_A_PAIR: Final[Sequence[Callable[[Study, Base, Corpus], None]]] = (refuse_no_beginning,)
OF_WHAT_IS_SEEN: Final[Sequence[Callable[[Seen], None]]] = (
    refuse_unknown_ids,
    refuse_same_after_cut,
    refuse_no_scored_token,
)
