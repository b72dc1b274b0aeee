"""Results in the form of peft's method comparison, with leakage beside accuracy: one JSON for each base and method.

https://github.com/huggingface/peft/tree/main/method_comparison: `run_info`, `train_info` and `meta_info` have every key
that its tables are made from; `leakage_info` is what it has no column for. What that comparison measures and vestige
does not (memory of an accelerator, size of a file, forgetting) is 0 there, and `not_measured` names it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from vestige.metrics.comparison import MEMORIZATION, PRIMARY_LEVEL
from vestige.outcome.facts import MethodFacts
from vestige.outcome.frames import Results
from vestige.outcome.points import Point, Section, method_labels, sections, text_quantities
from vestige.outcome.wording import tpr_key
from vestige.records import Estimate
from vestige.report.naming import file_name
from vestige.store.io import write_text

Json = Mapping[str, Any]

_NOT_MEASURED: Final = (
    "accelerator_memory_reserved_avg",
    "accelerator_memory_max",
    "accelerator_memory_reserved_99th",
    "file_size",
)

_NOT_COUNTED: Final = ("train total tokens", "forgetting")
"""Of the metrics of the last step."""

_TYPES: Final[Mapping[str, str]] = {"prompt": "PROMPT_TUNING", "prefix": "PREFIX_TUNING", "p_tuning": "P_TUNING"}
"""What methods of ours are called there, where it is not their name."""


def write_comparison(results: Results, folder: Path) -> list[Path]:
    """Write a JSON file for each method of each base and corpus, called after them; the paths, sorted. StoreError where
    a file cannot be written.
    """
    written: list[Path] = []
    stems: set[str] = set()
    for section in sections(results):
        for label in method_labels(results):
            if section.trajectory(label):
                path = folder / f"{file_name(f'{label} {section.name}', stems)}.json"
                write_text(path, json.dumps(as_comparison(results, section, label), indent=2) + "\n")
                written.append(path)
    return sorted(written)


def as_comparison(results: Results, section: Section, label: str) -> Json:
    """One method of a base and corpus."""
    facts, method = results.facts, next(one for one in results.facts.methods if one.label == label)
    points = section.trajectory(label)
    return {
        "run_info": {
            "created_at": facts.study.attacked_since or "",
            "total_time": sum(facts.seconds.values()),
            "experiment_name": f"{method.name}/{section.base}-{label}",
            "peft_branch": "main",
            "train_config": _train_config(results, section, points[-1]),
            "peft_config": None if method.name == "full" else {"peft_type": _type_of(method), **method.spec},
            "error_msg": "",
        },
        "train_info": {
            **dict.fromkeys(_NOT_MEASURED, 0),
            "train_time": facts.seconds.get("train", 0.0),
            "status": "success",
            "num_trainable_params": method.trainable.get(section.base, 0),
            "num_total_params": facts.base(section.base).parameters or 0,
            "metrics": [*(_metrics(results, point) for point in points), _last(results, section, points)],
        },
        "leakage_info": _leakage(results, section, method, points),
        "meta_info": {
            "package_info": {**_packages(results)},
            "system_info": {"system": _environment(results).get("platform", "")},
            "pytorch_info": "",
        },
        "not_measured": [*_NOT_MEASURED, *_NOT_COUNTED],
    }


def _type_of(method: MethodFacts) -> str:
    """peft's name for what a method is."""
    return str(method.spec.get("type") or _TYPES.get(method.name, method.name)).upper()


def _last(results: Results, section: Section, points: list[Point]) -> Json:
    """What the training came to, as the comparison's tables read it."""
    point, training = points[-1], results.facts.study.training
    quantity = "final_number" if "final_number" in text_quantities(results) else "exact_match"
    texts = results.facts.corpus(section.corpus).roles["pool"].texts // 2
    losses = results.losses.filter(
        base=section.base, corpus=section.corpus, method=point.method, learning_rate=point.learning_rate
    )["loss"]
    return {
        **_metrics(results, point),
        "step": math.ceil(texts / training.batch_size * training.epochs),
        "test accuracy": point.estimate(quantity).value or 0.0,
        "train loss": float(losses.tail(10).mean() or 0.0) if len(losses) else 0.0,  # type: ignore[arg-type]
        "train samples": round(texts * training.epochs),
        **dict.fromkeys(_NOT_COUNTED, 0),
    }


def _train_config(results: Results, section: Section, point: Point) -> Json:
    training, base = results.facts.study.training, results.facts.base(section.base)
    return {
        "model_id": base.name,
        "dtype": base.dtype,
        "max_seq_length": results.facts.corpus(section.corpus).max_length,
        "batch_size": training.batch_size,
        "epochs": training.epochs,
        "seeds": list(results.facts.study.seeds),
        "folds": results.facts.study.folds,
        "optimizer_type": "AdamW",
        "optimizer_kwargs": {"lr": point.learning_rate, "weight_decay": training.others.get("weight_decay")},
        "lr_scheduler": None,
    }


def _metrics(results: Results, point: Point) -> Json:
    names = {"valid loss": "loss", **{f"valid {name}": name for name in text_quantities(results)}}
    if "final_number" in names.values():
        names["valid accuracy"] = "final_number"
    return {"epoch": point.epoch, **{name: point.estimate(quantity).value for name, quantity in names.items()}}


def _leakage(results: Results, section: Section, method: MethodFacts, points: list[Point]) -> Json:
    primary, rates = results.facts.study.primary, [tpr_key(fpr) for fpr in results.facts.study.fpr]
    places = {"best": [one for one in points if one.is_best], "last": [one for one in points if one.is_last]}
    standing = next(
        (
            one
            for one in results.facts.standings(base=section.base, corpus=section.corpus)
            if one.method == method.label and not one.set_aside
        ),
        None,
    )
    at_utility = {what: standing and standing.at(what) for what in (primary, MEMORIZATION)}
    return {
        "attack": primary,
        "at_equal_utility": {
            "share_of_the_reachable_gain": PRIMARY_LEVEL,
            "auc": _estimate(at_utility[primary]),
            "memorization_nats_per_token": _estimate(at_utility[MEMORIZATION]),
        },
        **{
            f"at_{place}_checkpoint": {
                "epoch": own[0].epoch,
                "auc": _estimate(own[0].estimate("auc", primary)),
                **{rate: _estimate(own[0].estimate(rate, primary)) for rate in rates},
                "memorization_nats_per_token": _estimate(own[0].estimate("memorization")),
            }
            for place, own in places.items()
            if own
        },
    }


def _estimate(found: Estimate | None) -> Json | None:
    if found is None:
        return None
    counts = {"members": found.counts.members, "non_members": found.counts.non_members}
    refused = {"refused": found.reason} if found.value is None else {}
    return {"value": found.value, "low": found.low, "high": found.high, **counts, **refused}


def _packages(results: Results) -> Json:
    record = _environment(results)
    found = {f"{name}-version": value for name, value in record.get("packages", {}).items()}
    return {"datasets-version": "", "bitsandbytes-version": "", **found, "vestige-version": record.get("vestige", "")}


def _environment(results: Results) -> Json:
    environments = results.facts.environments
    return environments[-1].record if environments else {}
