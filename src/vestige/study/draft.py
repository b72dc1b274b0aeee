"""A first study file for texts of one's own: fields guessed, sizes that fit, a comment on all that may be changed."""

from __future__ import annotations

import json
import math
import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

from vestige.data.columns import Guess, guess_fields
from vestige.data.corpus import CorpusSpec, load_examples
from vestige.data.fields import FieldMap
from vestige.data.near import without_near_copies
from vestige.data.sources import name_of
from vestige.data.validity import drop_duplicates
from vestige.errors import ConfigError, DataError, printable
from vestige.models.registry import KNOWN
from vestige.models.sources import ModelSource, resolve
from vestige.records import Example
from vestige.study.sections import AttackSection
from vestige.study.stages.registry import stages

_TOKENS = 14_000  # of the pool together: what the study's four trainings of three epochs learn in minutes on two cores
_POOL = (64, 256)  # texts of the pool, at least and at most, where so many are there
_FEWEST = 40  # texts from which a study says anything at all
_SHARES = {"pool": 0.55, "validation": 0.15, "calibration": 0.2}
_LONGEST = 512  # tokens; longer texts are cut at first
_COUNTED = 2000  # texts by which lengths are judged
_VIRTUAL = 20  # tokens of the prompt that is tuned
_COLUMN = 36  # where comments begin


@final
@dataclass(frozen=True)
class Draft:
    """What a study file was made of: the fields of its texts, and how many go to each role."""

    guess: Guess
    sizes: Mapping[str, int]
    max_length: int


def draft(source: Path, *, out: Path, model: str, force: bool = False) -> Draft:
    """A study of the texts in `source`, written to the file `out`; `force`: in the place of one that is there.

    Raises:
        ConfigError: `out` exists, or cannot be written.
        DataError: the file cannot be read, holds no texts or too few.
        ModelError: there is no such model.
    """
    if not force:
        refuse_existing(out)
    guess = guess_fields(source)
    examples = _distinct(source, guess.fields)
    if guess.fields.group is not None and not _sizes(examples):
        guess = _without_group(guess)
        examples = _distinct(source, guess.fields)
    most = _sizes(examples)
    if not most:
        raise DataError(
            f"{printable(source.name)} has {len(examples)} different texts, and a study needs at least {_FEWEST}: half "
            "of the pool is trained on, the other half is compared with it, and others tell when to stop. Add texts."
        )
    found = resolve(model, fetch=False)
    tokens = _token_counts(examples, found)
    max_length = _max_length(tokens, found)
    sizes = _moderate(most, mean=sum(min(one, max_length) for one in tokens) / len(tokens))
    cut = sum(one > max_length for one in tokens) / len(tokens)
    repeats = guess.records - len(examples)
    lines = [
        f"# A first study of {printable(source.name)}, written by `vestige new`. Look it over, then: vestige plan.",
        *_study_lines(source, out=out, model=model),
        *_corpus_lines(source, out=out, guess=guess, sizes=sizes, repeats=repeats),
        _line("max_length", max_length, _said_of_length(cut, exact=found.ready and len(tokens) == len(examples))),
        *_METHODS,
        *_attack_lines(sizes["pool"] // 2),
    ]
    _write(out, "\n".join(lines) + "\n")
    return Draft(guess, sizes, max_length)


def refuse_existing(out: Path) -> None:
    """ConfigError where there is such a file, or none can be."""
    try:
        exists = out.exists()
    except OSError as error:
        raise ConfigError(f"{printable(str(out), limit=300)} cannot be written: {error.strerror}.") from None
    if exists:
        raise ConfigError(f"{printable(str(out), limit=300)} exists. Name another file with --out, or give --force.")


def _write(out: Path, text: str) -> None:
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{printable(str(out), limit=300)} cannot be written: {error.strerror}.") from None


def _distinct(source: Path, fields: FieldMap) -> list[Example]:
    """The texts as a study with these fields reads them, without those that an earlier one equals, or nearly."""
    spec = CorpusSpec(
        name=printable(source.name), path=str(source), fields=fields, pool=_POOL[0], validation=1, duplicates="drop"
    )
    return without_near_copies(drop_duplicates(load_examples(spec)))


def _without_group(guess: Guess) -> Guess:
    name = printable(guess.fields.group or "", limit=40)
    why = {**guess.why, "group": f"some {name} has too many records to cut roles by it"}
    fields = guess.fields.model_copy(update={"group": None})
    return Guess(guess.records, fields, why, (*guess.unused, guess.fields.group or ""))


def _sizes(examples: Sequence[Example]) -> dict[str, int]:
    """The largest sizes of the roles that whole groups can fill, a tenth kept in reserve; empty where they are too
    small.
    """
    largest = max(Counter(example.group for example in examples).values())
    # Every role may lose all but one text of the group that completes it.
    usable = len(examples) - len(_SHARES) * (largest - 1)
    sizes = {role: int(usable * share) for role, share in _SHARES.items()}
    sound = usable >= _FEWEST and sizes["pool"] >= 4 * largest and sizes["validation"] > largest
    return sizes if sound else {}


def _moderate(most: Mapping[str, int], *, mean: float) -> dict[str, int]:
    """Sizes that take minutes: `mean` is the length of a text in tokens."""
    pool = min(most["pool"], _POOL[1], max(_POOL[0], int(_TOKENS / mean)))
    return {
        "pool": pool - pool % 2,
        "validation": min(most["validation"], 48),
        "calibration": min(most["calibration"], 64),
    }


def _token_counts(examples: Sequence[Example], model: ModelSource) -> list[int]:
    """Tokens of each text with its prompt and its end: counted where the model is on this machine, else guessed by
    the characters.
    """
    few = examples[:: math.ceil(len(examples) / _COUNTED)]
    texts = [(example.prompt + example.completion)[: 20 * _LONGEST] for example in few]
    if not model.ready:
        return [2 + math.ceil(sum(0.3 if mark.isascii() else 1.5 for mark in text)) for text in texts]
    from vestige.models.loading import load_tokenizer

    ids = load_tokenizer(model)(texts, add_special_tokens=False, verbose=False)["input_ids"]
    return [2 + len(one) for one in ids]


def _max_length(tokens: Sequence[int], model: ModelSource) -> int:
    """A multiple of 16 that 95 of 100 texts fit in, as far as the model's context and moderate times allow."""
    room = _LONGEST
    if model.ready:
        from vestige.models.loading import context_length, load_config

        room = min(room, (context_length(load_config(model)) or _LONGEST) - _VIRTUAL)
    fitting = sorted(tokens)[math.ceil(0.95 * len(tokens)) - 1]
    return max(2, min(room, max(32, 16 * math.ceil(fitting / 16))))


def _said_of_length(cut: float, *, exact: bool) -> str:
    how = "counted with the model's tokenizer" if exact else "estimated; `vestige plan` counts"
    if not cut:
        return f"in tokens, prompt and text; every text fits ({how})"
    return f"in tokens, prompt and text; {100 * cut:.0f}% are longer and lose their end ({how})"


def _line(key: str, value: object, comment: str) -> str:
    written = json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return f"{f'{key} = {written}':<{_COLUMN}} # {comment}"


def _without(key: str, comment: str) -> str:
    return f'# {key} = "…"'.ljust(_COLUMN) + f" # {comment}"


def _study_lines(source: Path, *, out: Path, model: str) -> list[str]:
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", name_of(str(source)))[:60].strip("-._") or "study"
    folds = "2 trains on either half of the pool in turn: twice the time, better intervals,"
    return [
        "",
        "[study]",
        _line("name", f"{name}-study" if name in stages() else name, "the folder of the report, in runs"),
        _line("folds", 1, folds),
        f"{'':<{_COLUMN}} # and how much better each record is known to the model that learned it",
        "",
        "[[base]]",
        _line("model", _model_path(model, out), "the model to fine-tune: a known name, folder, .gguf file or hub id"),
    ]


def _model_path(model: str, out: Path) -> str:
    """A folder or file as seen from the study file; other names as they are."""
    if model in KNOWN or not Path(model).expanduser().exists():
        return model
    seen = _path_from(Path(model), out)
    return seen if "/" in seen else f"./{seen}"


def _path_from(path: Path, out: Path) -> str:
    """A path as the study file `out` names it: relative to its folder, unless it was given as absolute."""
    if path.is_absolute() or str(path).startswith("~"):
        return path.as_posix()
    return Path(os.path.relpath(path.resolve(), out.parent.resolve())).as_posix()


def _corpus_lines(source: Path, *, out: Path, guess: Guess, sizes: Mapping[str, int], repeats: int) -> list[str]:
    fields, why = guess.fields, guess.why
    lines = ["", "[[corpus]]", _line("path", _path_from(source, out), "from the folder of this file")]
    lines += [_line("fields.completion", fields.completion, f"what is trained on and attacked: {why['completion']}")]
    if fields.prompt:
        lines += [_line("fields.prompt", fields.prompt, "what stands before it, neither trained on nor scored")]
    lines += [
        _line("fields.group", fields.group, f"{why['group']}; the records of one are never parted")
        if fields.group
        else _without("fields.group", why.get("group", "what several records share, if there is such a field")),
        _line("fields.id", fields.id, "what a record is called in reports")
        if fields.id
        else _without("fields.id", "a field to call records by in reports; else by their line or row"),
    ]
    same = f"{repeats} repeat another text; the first of each is kept" if repeats else "no text repeats another one"
    return [
        *lines,
        _line("duplicates", "drop", f'{same}; "refuse" stops instead'),
        _line("near_duplicates", "drop", "so that no near copy of a member is a non-member or a validation text"),
        _line("pool", sizes["pool"], "half of it is trained on, the other half are the non-members; more is surer"),
        _line("validation", sizes["validation"], "choose the learning rate and the checkpoint"),
        _line("calibration", sizes["calibration"], "no model sees them: p-values of single records"),
    ]


_METHODS = (
    "",
    "[[method]]",
    _line("name", "lora", "`vestige list methods` has the others"),
    _line("learning_rate", [3e-4, 1e-3], "the one with the lowest validation loss is taken"),
    "",
    "[[method]]",
    _line("name", "prompt", "a tuned prompt in front of the text, to compare with"),
    _line("tokens", _VIRTUAL, "its length"),
    _line("learning_rate", [1e-2, 3e-2], "as above; prompts want larger ones"),
    "",
    "[training]",
    _line("epochs", 3, "as many as you train in earnest"),
    _line("checkpoints", [1, 2, 3], "in epochs; the report shows the best and the last"),
)


def _attack_lines(outside: int) -> list[str]:
    """The sections on attacks and report; `outside` is the number of non-members, which bounds the measurable FPR."""
    rate = 0.1 if outside < 60 else 0.05
    attacks = AttackSection()
    return [
        "",
        "[attacks]",
        _line("use", [attack.name for attack in attacks.use], "`vestige list attacks` has the others"),
        _line("primary", attacks.primary, "the one that counts: name it before the run"),
        "",
        "[report]",
        _line("fpr", [rate], f"{outside} non-members: much smaller rates cannot be measured with so few"),
    ]
