"""The stages: each is run from its JSON spec and the keys of its inputs alone, and leaves its files in a folder."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, final

import numpy as np
import pyarrow as pa
from safetensors.numpy import load_file, save_file

from vestige.attacks.base import Tables, score_in_blocks
from vestige.attacks.blind import floor_labels, floor_scores
from vestige.attacks.learned.base import LearnedAttack
from vestige.attacks.registry import make_attack
from vestige.data.corpus import LEFT_OUT, CorpusSpec, identity
from vestige.data.encode import Encoded, decode, encode, encode_behind, encode_prompts, stop_ids
from vestige.data.marks import settled, without_end
from vestige.data.splits import fold_members, manifest, split_of
from vestige.errors import DataError, ModelError
from vestige.metrics.common_texts import apart, common_texts
from vestige.metrics.leakage import auc, auc_above_floor, tpr_at_fpr
from vestige.metrics.text import text_utility
from vestige.metrics.uncertainty import Bootstrap, own_groups
from vestige.metrics.utility import perplexity, validation_loss
from vestige.models.loading import load_base, load_masked, load_tokenizer
from vestige.models.sources import ModelSource, resolve
from vestige.records import (
    AttackModel,
    Estimate,
    Example,
    Fold,
    Generations,
    GradientNorms,
    Labelled,
    Labels,
    OtherCell,
    Role,
    Scores,
    TokenCounts,
    TokenStats,
    View,
)
from vestige.stats.table import read_table, write_table
from vestige.stats.views import PLAIN, beginning_of, is_behind_members, place_of, rewrite
from vestige.store.io import read_json, read_parquet, replacing, write_json, write_parquet
from vestige.store.keys import Task, canonical_json
from vestige.store.layout import DONE, UNFINISHED, Store
from vestige.tuning.methods import make_method
from vestige.tuning.schedule import Training

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

_MODELS: Mapping[str, Literal["base", "shadow", "target"]] = {"base": "base", "shadow": "shadow", "target": "target"}

_SEEN = "seen"
"""The array of a stored attack model that holds the fingerprints of its texts."""

_ORDER, _START = 11, 12
"""First words of the seed sequences of the order of the texts and of the start of what is trained."""


@final
@dataclass(frozen=True)
class Bench:
    """Where a stage works: the store it reads its inputs from, the folder it fills, and whom it tells of its
    progress, and of what people must know.
    """

    store: Store
    folder: Path
    progress: Callable[[int], None]
    say: Callable[[str], None] = lambda _: None


Stage = Callable[[Task, Bench], None]


def run_stage(task: Task, bench: Bench) -> None:
    """Run one task; its files are in `bench.folder` afterwards."""
    STAGES[task.stage](task, bench)


def _corpus(task: Task, bench: Bench) -> None:
    corpus = CorpusSpec.model_validate_json(task.where["corpus"])
    left_out = tuple(task.spec.get(LEFT_OUT, ()))
    if canonical_json(identity(corpus, left_out=left_out)) != canonical_json(task.spec):
        raise DataError(f"The files of the corpus '{corpus.name}' changed after the study began. Run it again.")
    split = split_of(corpus, left_out=left_out)
    rows = [
        {**asdict(example), "references": list(example.references), "role": role}
        for role, examples in split.roles.items()
        for example in examples
    ]
    columns = {name: pa.array([row[name] for row in rows]) for name in ("id", "role", "group", "prompt", "completion")}
    columns["references"] = pa.array([row["references"] for row in rows], pa.list_(pa.string()))
    write_parquet(bench.folder / "examples.parquet", pa.table(columns))
    write_json(bench.folder / "manifest.json", manifest(split))


def examples_of(store: Store, address: str, role: Role) -> list[Example]:
    """The examples of one role of a stored corpus, in their order."""
    table = read_parquet(store.open(address) / "examples.parquet").to_pylist()
    return [
        Example(row["id"], row["prompt"], row["completion"], tuple(row["references"]), row["group"])
        for row in table
        if row["role"] == role
    ]


def members_of(examples: list[Example], *, seed: int, fold: Fold) -> np.ndarray:
    """True for the examples of a role, in a study the pool or `shadow`, that the cell (seed, fold) trains on."""
    return fold_members([example.group for example in examples], seed=seed, fold=fold)


def _train(task: Task, bench: Bench) -> None:
    from vestige.tuning.checkpoint import WEIGHTS, count_trained
    from vestige.tuning.train import CHECKPOINTS, Job, isolated_rng, train

    spec = task.spec
    training = Training.model_validate(spec["training"])
    method = make_method({**spec["method"], "learning_rate": spec["learning_rate"]})
    base, tokenizer = _model(task)
    texts = _training_texts(task, bench.store, tokenizer)
    entropy = (spec["seed"], "AB".index(spec["fold"]))
    steps = training.steps(texts=len(texts))
    start = int(np.random.SeedSequence((_START, *entropy)).generate_state(1)[0])
    job = Job(
        training=training,
        learning_rate=spec["learning_rate"],
        warmup_steps=round(method.warmup * training.step_of(1, texts=len(texts))),
        seed=start,
        texts=texts,
        batches=training.batches([len(text.ids) for text in texts], entropy=(_ORDER, *entropy)),
        steps=sorted(set(steps.values())),
        folder=bench.folder / UNFINISHED,
        pad_id=_pad_id(tokenizer, base),
        rate_factor=method.rate_factor,
    )
    with isolated_rng(start), method.prepare(base, seed=start) as model:
        losses = train(model, job, progress=bench.progress, say=bench.say)
        trainable = count_trained(model)
    for step in job.steps:
        _link(job.folder, bench.folder, name=f"{CHECKPOINTS}/{step}/{WEIGHTS}")
    facts = {"texts": len(texts), "trainable": trainable, "losses": losses}
    write_json(bench.folder / "training.json", facts | {"steps": {f"{epoch:g}": step for epoch, step in steps.items()}})


def _link(source: Path, destination: Path, *, name: str) -> None:
    """The same bytes under a second name where the disk can; the first name goes when `unfinished/` does."""
    with replacing(destination / name) as temporary:
        try:
            os.link(source / name, temporary)
        except OSError:
            shutil.copyfile(source / name, temporary)


def _training_texts(task: Task, store: Store, tokenizer: PreTrainedTokenizerBase) -> list[Encoded]:
    """The members of the cell, or of a shadow, that have a token to train, encoded."""
    role = task.spec.get("role", "pool")
    whole = examples_of(store, task.inputs["corpus"], role)
    members = members_of(whole, seed=task.spec["seed"], fold=task.spec["fold"])
    chosen = [example for example, is_member in zip(whole, members, strict=True) if is_member]
    texts = encode(chosen, tokenizer, max_length=task.spec["max_length"])
    trained = [text for text in texts if text.first < len(text.ids)]
    if not trained:
        raise DataError(
            f"None of the {len(texts)} texts of this half of the role `{role}` has a token to train within "
            f"max_length = {task.spec['max_length']}. Raise it, or give longer completions or shorter prompts."
        )
    return trained


def _model(task: Task) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    source = _source(task)
    return load_base(source, dtype=task.spec["base"]["dtype"]), load_tokenizer(source)


def _source(task: Task) -> ModelSource:
    source = replace(resolve(task.where["place"]), name=task.where["model"])
    if dict(source.identity) != task.spec["base"]["model"]:
        raise ModelError(f"The files of the model {source.name} changed after the study began. Run it again.")
    return source


def _pad_id(tokenizer: PreTrainedTokenizerBase, model: PreTrainedModel | PeftModel) -> int:
    """Any token that the model has a row for will do: padding is masked, never trained and never scored."""
    from vestige.models.head import base_of

    rows = base_of(model).get_input_embeddings().get_parameter("weight").shape[0]
    for token in (tokenizer.pad_token_id, tokenizer.eos_token_id):
        if token is not None and token < rows:
            return int(token)
    return 0


def _stats(task: Task, bench: Bench) -> None:
    from vestige.stats.collect import collect

    examples = examples_of(bench.store, task.inputs["corpus"], task.spec["role"])
    with _checkpoint(task, bench.store) as (model, tokenizer):
        if "neighbours" in task.inputs:
            examples = _replaced(examples, bench.store, task.inputs["neighbours"])
        else:
            # A form is one of what a text says, not of the marks that it brings.
            examples = rewrite([one.example for one in settled(examples, tokenizer)], form=task.spec["view"])
        texts = encode(examples, tokenizer, max_length=task.spec["max_length"])
        beginning = None
        if tokens := beginning_of(task.spec["view"]):
            is_of_members = is_behind_members(task.spec["view"])
            ahead = _members(task, bench.store) if is_of_members else _role(task, bench.store, "context")
            behind = encode_behind(ahead, texts, tokenizer, tokens=tokens, place=place_of(task.spec["view"]))
            beginning, texts = behind.beginning, behind.texts
            if is_of_members:
                texts = _without_groups_of(ahead[: behind.used], ahead, texts)
        table = collect(model, texts, pad_id=_pad_id(tokenizer, model), beginning=beginning, progress=bench.progress)
    write_table(bench.folder / "tokens.parquet", table)


def _role(task: Task, store: Store, role: Role) -> list[Example]:
    return examples_of(store, task.inputs["corpus"], role)


def _members(task: Task, store: Store) -> list[Example]:
    """The texts that the cell of a task was trained on."""
    cell = read_json(store.open(task.inputs["cell"]) / DONE)["spec"]
    whole = _role(task, store, cell.get("role", "pool"))
    is_member = members_of(whole, seed=cell["seed"], fold=cell["fold"])
    return [example for example, chosen in zip(whole, is_member, strict=True) if chosen]


def _without_groups_of(known: list[Example], members: list[Example], texts: list[Encoded]) -> list[Encoded]:
    """The texts, of which those have no scored token that stand before themselves, or share a group with one that does:
    they would be told by what they have in common.
    """
    groups = {example.group for example in known}
    ids = {example.id for example in members if example.group in groups}
    return [replace(text, end=text.first) if text.id in ids else text for text in texts]


def _neighbours(task: Task, bench: Bench) -> None:
    """One version of the texts of a role, with words replaced by a masked language model."""
    from vestige.stats.neighbours import neighbours

    source = resolve(task.where["masked_lm"])
    if dict(source.identity) != task.spec["masked_lm"]:
        raise ModelError(f"The files of the model {source.name} changed after the study began. Run it again.")
    examples = examples_of(bench.store, task.inputs["corpus"], task.spec["role"])
    found = neighbours(
        [example.completion for example in examples],
        version=task.spec["version"],
        model=load_masked(source),
        tokenizer=load_tokenizer(source),
        progress=bench.progress,
    )
    if all(new == example.completion for new, example in zip(found, examples, strict=True)):
        raise ModelError(
            f"masked_lm = {source.name!r} replaced no word in any of the {len(found)} texts of the role "
            f"`{task.spec['role']}`: it has no token for any of their words. Name a masked language model of their "
            "language, or leave it out: words are then swapped."
        )
    columns = {"id": [example.id for example in examples], "completion": found}
    write_parquet(bench.folder / "neighbours.parquet", pa.table(columns))


def _replaced(examples: list[Example], store: Store, address: str) -> list[Example]:
    """The examples with the completions of their neighbours."""
    table = read_parquet(store.open(address) / "neighbours.parquet")
    completions = dict(zip(table["id"].to_pylist(), table["completion"].to_pylist(), strict=True))
    return [replace(example, completion=completions[example.id]) for example in examples]


@contextlib.contextmanager
def _checkpoint(task: Task, store: Store) -> Iterator[tuple[PreTrainedModel | PeftModel, PreTrainedTokenizerBase]]:
    """The model that a task is about, in evaluation mode: a checkpoint of its cell, or the base where it names none."""
    from vestige.tuning.checkpoint import load_weights
    from vestige.tuning.train import CHECKPOINTS, isolated_rng

    base, tokenizer = _model(task)
    if "cell" not in task.inputs:
        yield base, tokenizer
        return
    cell = store.open(task.inputs["cell"])
    spec = read_json(cell / DONE)["spec"]
    method = make_method({**spec["method"], "learning_rate": spec["learning_rate"]})
    step = read_json(cell / "training.json")["steps"][f"{task.spec['epoch']:g}"]
    with isolated_rng(0), method.prepare(base, seed=0) as model:
        load_weights(model, cell / CHECKPOINTS / str(step))
        yield model.eval(), tokenizer


def stats_of(store: Store, address: str) -> TokenStats:
    """The per-token table of a finished scoring pass."""
    return read_table(store.open(address) / "tokens.parquet")


def _gradients(task: Task, bench: Bench) -> None:
    from vestige.stats.gradients import gradient_norms

    examples = examples_of(bench.store, task.inputs["corpus"], task.spec["role"])
    with _checkpoint(task, bench.store) as (model, tokenizer):
        texts = encode(examples, tokenizer, max_length=task.spec["max_length"])
        norms = gradient_norms(model, texts, pad_id=_pad_id(tokenizer, model), progress=bench.progress)
    columns = {"id": norms.ids.tolist(), "first": norms.first, "second": norms.second}
    write_parquet(bench.folder / "gradients.parquet", pa.table(columns))


def gradients_of(store: Store, address: str) -> GradientNorms:
    """The norms of the gradients of a role's texts at one checkpoint."""
    table = read_parquet(store.open(address) / "gradients.parquet")
    ids = np.asarray(table["id"].to_pylist(), dtype=np.str_)
    return GradientNorms(ids=ids, first=table["first"].to_numpy(), second=table["second"].to_numpy())


def _counts(task: Task, bench: Bench) -> None:
    """Token counts of the scored tokens of some roles: tokenized as for a scoring pass, no model run."""
    tokenizer = load_tokenizer(_source(task))
    vocabulary = 1 + max(tokenizer.get_vocab().values())
    counts = np.zeros(vocabulary, dtype=np.int64)
    for role in task.spec["roles"]:
        examples = examples_of(bench.store, task.inputs["corpus"], role)
        for text in encode(examples, tokenizer, max_length=task.spec["max_length"]):
            counts += np.bincount(text.ids[text.first : text.end], minlength=vocabulary)
    write_parquet(bench.folder / "counts.parquet", pa.table({"count": counts}))


def counts_of(store: Store, address: str) -> TokenCounts:
    """The token counts of a population."""
    return TokenCounts(read_parquet(store.open(address) / "counts.parquet")["count"].to_numpy())


def _attack_model(task: Task, bench: Bench) -> None:
    """An attack fitted on a shadow; kept as safetensors and JSON."""
    shadow = examples_of(bench.store, task.inputs["corpus"], "shadow")
    attack = make_attack(task.spec["attack"])
    assert isinstance(attack, LearnedAttack)
    seed = task.spec["seed"]
    is_member = members_of(shadow, seed=seed, fold=task.spec["fold"])
    tables = Tables({view: stats_of(bench.store, address) for view, address in _views(task).items()})
    groups = own_groups(np.asarray([example.group for example in shadow], dtype=np.str_), ids=tables.ids)
    model = attack.fit(tables, is_member, groups=groups, seed=seed)
    with replacing(bench.folder / "model.safetensors") as temporary:
        save_file({**model.arrays, _SEEN: model.seen}, temporary)
    write_json(bench.folder / "model.json", model.facts)


def attack_model_of(store: Store, address: str) -> AttackModel:
    """What an attack learned from a shadow."""
    folder = store.open(address)
    arrays = load_file(folder / "model.safetensors")
    seen = arrays.pop(_SEEN)
    return AttackModel(arrays=arrays, facts=read_json(folder / "model.json"), seen=seen)


def _scores(task: Task, bench: Bench) -> None:
    views = {view: stats_of(bench.store, address) for view, address in _views(task).items()}
    tables = Tables(
        views,
        counts=counts_of(bench.store, task.inputs["counts"]) if "counts" in task.inputs else None,
        gradients=gradients_of(bench.store, task.inputs["gradients"]) if "gradients" in task.inputs else None,
        cells=_other_cells(task, bench.store),
        calibration=_calibration(task, bench.store),
        model=attack_model_of(bench.store, task.inputs["model"]) if "model" in task.inputs else None,
    )
    scores = score_in_blocks(make_attack(task.spec["attack"]), tables, control=task.spec["control"])
    values = pa.array(scores.values, mask=~scores.scored)
    columns = {"id": scores.ids.tolist(), "score": values, "reason": scores.reasons.tolist()}
    if scores.notes is not None:
        columns["note"] = scores.notes.tolist()
    write_parquet(bench.folder / "scores.parquet", pa.table(columns))


def _other_cells(task: Task, store: Store) -> tuple[OtherCell, ...]:
    """What other cells say of the pool, where an attack reads them, and whom they trained on."""
    if "cells" not in task.spec:
        return ()
    pool = examples_of(store, task.inputs["corpus"], "pool")
    return tuple(
        OtherCell(
            stats=stats_of(store, task.inputs[f"cell/{cell['name']}"]),
            is_member=members_of(pool, seed=cell["seed"], fold=cell["fold"]),
        )
        for cell in task.spec["cells"]
    )


def _calibration(task: Task, store: Store) -> Tables | None:
    """What the target and other cells say of the calibration texts, on none of which any of them was trained."""
    if "calibration" not in task.inputs:
        return None
    target = stats_of(store, task.inputs["calibration"])
    outside = np.zeros(len(target.ids), dtype=np.bool_)
    names = [cell["name"] for cell in task.spec["cells"]]
    cells = tuple(OtherCell(stats_of(store, task.inputs[f"calibration/{name}"]), outside) for name in names)
    return Tables({View("target"): target}, cells=cells)


def _views(task: Task) -> dict[View, str]:
    """The scoring passes among the inputs of a task, named as `View.name` names them, models and forms in order."""
    named = {name: name.partition("/") for name in sorted(task.inputs)}
    return {
        View(_MODELS[model], text=text or PLAIN): task.inputs[name]
        for name, (model, _, text) in named.items()
        if model in _MODELS
    }


def scores_of(store: Store, address: str) -> Scores:
    """What an attack said of one checkpoint."""
    table = read_parquet(store.open(address) / "scores.parquet")
    values = np.asarray(table["score"].to_numpy(zero_copy_only=False), dtype=np.float64)
    return Scores(
        ids=np.asarray(table["id"].to_pylist(), dtype=np.str_),
        values=values,
        reasons=np.asarray(table["reason"].to_pylist(), dtype=np.str_),
        notes=np.asarray(table["note"].to_pylist(), dtype=np.str_) if "note" in table.column_names else None,
    )


def _leakage(task: Task, bench: Bench) -> None:
    bootstrap = Bootstrap.model_validate(task.spec["bootstrap"])
    pool = examples_of(bench.store, task.inputs["corpus"], "pool")
    labels = {
        attack: [_labelled(cell, task.inputs[cell["scores"][attack]], bench.store, pool) for cell in task.spec["cells"]]
        for attack in task.spec["attacks"]
    }
    floors = {attack: scores_of(bench.store, task.inputs[name]) for attack, name in task.spec["floors"].items()}
    left_out = apart(labels)
    rows: list[dict[str, Any]] = []
    for attack, own in common_texts(labels).items():
        found = [*_leakage_rows(task, attack, own, bootstrap)]
        if attack in floors:
            floor = [replace(labelled, scores=floors[attack]) for labelled in own]
            above = auc_above_floor(own, floor, bootstrap=bootstrap)
            found.append(_row(above, quantity="auc_above_floor", attack=attack))
        rows += [row | {"apart": left_out.get(attack, "")} for row in found]
    write_json(bench.folder / "estimates.json", rows)


def _leakage_rows(task: Task, name: str, labels: Labels, bootstrap: Bootstrap) -> Iterator[dict[str, Any]]:
    yield _row(auc(labels, bootstrap=bootstrap), quantity="auc", attack=name)
    for fpr in task.spec["fpr"]:
        yield _row(tpr_at_fpr(labels, fpr=fpr, bootstrap=bootstrap), quantity=f"tpr@{fpr:g}", attack=name)


def _floors(task: Task, bench: Bench) -> None:
    bootstrap = Bootstrap.model_validate(task.spec["bootstrap"])
    pool = examples_of(bench.store, task.inputs["corpus"], "pool")
    table = stats_of(bench.store, task.inputs["base"])
    rows: list[dict[str, Any]] = []
    for name in task.spec["floors"]:
        labels = [_blind(name, cell, table, pool) for cell in task.spec["cells"]]
        rows.extend(_leakage_rows(task, name, labels, bootstrap))
    write_json(bench.folder / "estimates.json", rows)


def _blind(name: str, cell: Mapping[str, Any], table: TokenStats, pool: list[Example]) -> Labelled:
    groups = own_groups(np.asarray([example.group for example in pool], dtype=np.str_), ids=table.ids)
    is_member = members_of(pool, seed=cell["seed"], fold=cell["fold"])
    labels = floor_labels(name, is_member, groups=groups, seed=cell["seed"])
    scores = floor_scores(name, table, labels=labels, groups=groups, seed=cell["seed"])
    return Labelled(scores=scores, is_member=labels, groups=groups, seed=cell["seed"], fold=cell["fold"])


def _labelled(cell: Mapping[str, Any], address: str, store: Store, pool: list[Example]) -> Labelled:
    return Labelled(
        scores=scores_of(store, address),
        is_member=members_of(pool, seed=cell["seed"], fold=cell["fold"]),
        groups=np.asarray([example.group for example in pool], dtype=np.str_),
        seed=cell["seed"],
        fold=cell["fold"],
    )


def _utility(task: Task, bench: Bench) -> None:
    bootstrap = Bootstrap.model_validate(task.spec["bootstrap"])
    examples = examples_of(bench.store, task.inputs["corpus"], "validation")
    groups = np.asarray([example.group for example in examples], dtype=np.str_)
    seeds = [cell["seed"] for cell in task.spec["cells"]]
    tables = [stats_of(bench.store, task.inputs[cell["stats"]]) for cell in task.spec["cells"]]
    loss = validation_loss(tables, groups=groups, seeds=seeds, bootstrap=bootstrap)
    surprise = perplexity(tables, groups=groups, seeds=seeds, bootstrap=bootstrap)
    rows = [_row(loss, quantity="loss", attack=None), _row(surprise, quantity="perplexity", attack=None)]
    write_json(bench.folder / "estimates.json", rows)


def _generations(task: Task, bench: Bench) -> None:
    from vestige.stats.generate import Limits, generate

    spec = task.spec
    examples = examples_of(bench.store, task.inputs["corpus"], spec["role"])[: spec["texts"]]
    with _checkpoint(task, bench.store) as (model, tokenizer):
        prompts = encode_prompts(examples, tokenizer, max_length=spec["max_length"])
        asked = [prompt for prompt in prompts if not prompt.reason]
        limits = Limits(stop=stop_ids(tokenizer), max_new_tokens=spec["max_new_tokens"])
        ids = [prompt.ids for prompt in asked]
        found = generate(model, ids, limits=limits, progress=bench.progress)
    answers = dict(zip([prompt.id for prompt in asked], decode(found, tokenizer), strict=True))
    columns = {
        "id": [prompt.id for prompt in prompts],
        "text": pa.array([answers.get(prompt.id) for prompt in prompts], pa.string()),
        "reason": [prompt.reason for prompt in prompts],
    }
    write_parquet(bench.folder / "generations.parquet", pa.table(columns))


def generations_of(store: Store, address: str) -> Generations:
    """What one checkpoint answered."""
    table = read_parquet(store.open(address) / "generations.parquet")
    return Generations(
        ids=np.asarray(table["id"].to_pylist(), dtype=np.str_),
        answers=tuple(text or "" for text in table["text"].to_pylist()),
        reasons=np.asarray(table["reason"].to_pylist(), dtype=np.str_),
    )


def _text_utility(task: Task, bench: Bench) -> None:
    cells = [generations_of(bench.store, task.inputs[cell["generations"]]) for cell in task.spec["cells"]]
    examples = examples_of(bench.store, task.inputs["corpus"], "validation")[: len(cells[0].ids)]
    end = task.spec.get("end", "")
    about: dict[str, Any] = {
        # An answer ends before its EOS, and is not to miss one that references bring.
        "references": [tuple(without_end(one, end) for one in example.references) for example in examples],
        "groups": np.asarray([example.group for example in examples], dtype=np.str_),
        "seeds": [cell["seed"] for cell in task.spec["cells"]],
        "bootstrap": Bootstrap.model_validate(task.spec["bootstrap"]),
    }
    estimates = {quantity: text_utility(quantity, cells, **about) for quantity in task.spec["quantities"]}
    rows = [_row(estimate, quantity=quantity, attack=None) for quantity, estimate in estimates.items()]
    write_json(bench.folder / "estimates.json", rows)


def _row(estimate: Estimate, *, quantity: str, attack: str | None) -> dict[str, Any]:
    row = json.loads(json.dumps(asdict(estimate), allow_nan=False))
    return {"quantity": quantity, "attack": attack, **row}


STAGES: Mapping[str, Stage] = {
    "corpus": _corpus,
    "train": _train,
    "stats": _stats,
    "counts": _counts,
    "neighbours": _neighbours,
    "gradients": _gradients,
    "attack_model": _attack_model,
    "scores": _scores,
    "leakage": _leakage,
    "floors": _floors,
    "utility": _utility,
    "generations": _generations,
    "text_utility": _text_utility,
}
