"""A study of what peft's method comparison trains: its folders of experiments, and the rows that it trains on.

https://github.com/huggingface/peft/tree/main/method_comparison. Each experiment is a folder with an
`adapter_config.json` (none: full fine-tuning) and perhaps a `training_params.json` over the defaults of all.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

from vestige.data.recipes.metamathqa import TEMPLATE
from vestige.data.sources import file_rows
from vestige.errors import ConfigError, DataError, printable
from vestige.store.io import write_text
from vestige.study.draft import refuse_existing
from vestige.study.toml import as_toml, value_as_toml
from vestige.tuning.adapter_config import method_of
from vestige.tuning.methods import make_methods

_ADAPTER: Final = "adapter_config.json"
_PARAMS: Final = "training_params.json"
_DEFAULTS: Final = "default_training_params.json"

_LONGEST: Final = 1300
"""Characters of query and response beyond which the comparison leaves a row out."""

_DECAY: Final = 0.01
"""AdamW's weight decay in torch where none is named."""

_FEWEST: Final = 20
_VALIDATION: Final = 100

Common = tuple[tuple[str, Any], ...]
"""What experiments of one study must agree on."""


@final
@dataclass(frozen=True)
class Experiment:
    """One folder: its name (`lora/llama-3.2-3B-rank32`), and what it was told."""

    name: str
    config: Mapping[str, Any] | None
    params: Mapping[str, Any]

    @property
    def common(self) -> Common:
        """Model, precision, and how it is trained."""
        decay = self.params.get("optimizer_kwargs", {}).get("weight_decay", _DECAY)
        names = ("model_id", "dtype", "max_seq_length", "batch_size", "max_steps", "grad_norm_clip", "query_template")
        return (*((name, self.params.get(name)) for name in names), ("weight_decay", decay))

    @property
    def method(self) -> dict[str, Any]:
        """Its table in a study; ConfigError where it cannot be had."""
        if (optimizer := self.params.get("optimizer_type", "AdamW")) != "AdamW":
            raise ConfigError(f"its optimizer is {printable(str(optimizer))}, and a study trains by AdamW")
        if self.params.get("dtype") not in ("float32", "bfloat16"):
            raise ConfigError(f"its base is held in {printable(str(self.params.get('dtype')))}")
        if self.params.get("query_template", TEMPLATE) != TEMPLATE:
            raise ConfigError("its query_template is not that of the recipe metamathqa")
        table = {"name": "full"} if self.config is None else method_of(self.config)
        table["learning_rate"] = self.params["optimizer_kwargs"]["lr"]
        make_methods(table)
        return table


@final
@dataclass(frozen=True)
class Imported:
    """The experiments that came in, why others did not, and how many rows are on either side."""

    methods: Sequence[str]
    left_out: Mapping[str, str]
    members: int
    others: int


def import_comparison(
    folder: Path, *, data: Path, out: Path, texts: int | None = None, force: bool = False
) -> Imported:
    """Write a study of the experiments in a folder to `out`, and beside it two files: the first rows of `data`, which
    the comparison trains on, and the later ones whose `original_question` is not among them.

    `data`: rows with `query`, `response` and `original_question` in the order in which they are trained on. `texts`:
    how many of each side are taken at most; left out, as many as the comparison trains on.

    Raises:
        ConfigError: there is no experiment, none can be had, or `out` exists and is not to be overwritten.
        DataError: the rows cannot be read, or are too few.
    """
    if not force:
        refuse_existing(out)
    every = list(experiments(folder))
    if not every:
        raise ConfigError(
            f"{printable(str(folder), limit=300)} holds no experiment of peft's comparison: a folder with "
            f"{_ADAPTER} or {_PARAMS}, or folders of such under experiments/."
        )
    common = Counter(one.common for one in every).most_common(1)[0][0]
    tables, left_out = _methods(every, common)
    if not tables:
        listed = "; ".join(f"{name}: {why}" for name, why in left_out.items())
        raise ConfigError(f"None of the experiments can be had in a study: {listed}.")
    told = dict(common)
    first, later = sides(data, trained=told["max_steps"] * told["batch_size"])
    first, later = first[:texts], later[: None if texts is None else texts + _VALIDATION]
    half = min(len(first), len(later) - min(_VALIDATION, len(later) // 4))
    if half < _FEWEST:
        raise DataError(
            f"{printable(data.name)} has {len(first)} rows that are trained on and {len(later)} later ones of other "
            f"questions; at least {_FEWEST} of each are needed. Give more rows."
        )
    members, others = (out.with_name(f"{out.stem}-{name}.jsonl") for name in ("members", "later"))
    for path, rows in ((members, first), (others, later)):
        write_text(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    sections = _sections(told, half=half, members=members, others=others, validation=len(later) - half)
    write_text(out, _text(folder, sections, tables, left_out))
    return Imported([name for names in tables.values() for name in names], left_out, len(first), len(later))


def experiments(folder: Path) -> Iterator[Experiment]:
    """Every experiment in a folder, which may be one itself, by name. ConfigError for a file that cannot be read."""
    places = [path for path in (folder, *folder.glob("experiments/*/*"), *folder.glob("*/*")) if _is_one(path)]
    for place in sorted(dict.fromkeys(places)):
        near = (parent / _DEFAULTS for parent in (place, *place.absolute().parents[:3]))
        defaults = next((path for path in near if path.exists()), None)
        config, own = place / _ADAPTER, place / _PARAMS
        params = {**(_read(defaults) if defaults else {}), **(_read(own) if own.exists() else {})}
        name = f"{place.absolute().parent.name}/{place.absolute().name}"
        yield Experiment(name, _read(config) if config.exists() else None, params)


def _is_one(folder: Path) -> bool:
    return (folder / _ADAPTER).is_file() or (folder / _PARAMS).is_file()


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{printable(str(path), limit=300)} cannot be read as JSON: {error}") from error
    if not isinstance(found, dict):
        raise ConfigError(f"{printable(str(path), limit=300)} holds no JSON object.")
    return found


def _methods(every: Sequence[Experiment], common: Common) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Table of a method as JSON, with the rates of all that differ in nothing else → the experiments; and why others
    are left out.
    """
    found: dict[str, tuple[list[float], list[str]]] = {}
    left_out: dict[str, str] = {}
    for one in every:
        others = [f"{name} = {value}" for name, value in one.common if (name, value) not in common]
        try:
            if others:
                raise ConfigError(f"it is trained otherwise than most: {', '.join(others)}")
            table = one.method
        except ConfigError as error:
            left_out[one.name] = str(error)
            continue
        rate = table.pop("learning_rate")
        rates, names = found.setdefault(json.dumps(table), ([], []))
        rates += [] if rate in rates else [rate]
        names.append(one.name)
    tables = {
        json.dumps({**json.loads(table), "learning_rate": sorted(rates)}): names
        for table, (rates, names) in found.items()
    }
    return tables, left_out


def sides(data: Path, *, trained: int) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """The rows that are trained on, and the later ones of other questions, each once; DataError as in `file_rows`."""
    first: dict[tuple[str, str], dict[str, str]] = {}
    later: dict[tuple[str, str], dict[str, str]] = {}
    read = 0
    for row in file_rows([str(data)]):
        one = {name: row.text(name) for name in ("query", "response", "original_question")}
        if len(f"{one['query']} {one['response']}") <= _LONGEST:
            read += 1
            (first if read <= trained else later).setdefault((one["query"], one["response"]), one)
    known = {one["original_question"] for one in first.values()}
    return [*first.values()], [one for one in later.values() if one["original_question"] not in known]


def _sections(told: Mapping[str, Any], *, half: int, members: Path, others: Path, validation: int) -> dict[str, Any]:
    seen = told["max_steps"] * told["batch_size"]
    return {
        "study": {"name": members.stem.removesuffix("-members"), "folds": 1, "utility": ["loss", "final_number"]},
        "base": [{"model": told["model_id"], "dtype": told["dtype"]}],
        "corpus": [
            {
                "recipe": "metamathqa",
                "path": members.name,
                "design": "official-splits",
                "non_members": others.name,
                "max_length": told["max_seq_length"],
                "pool": 2 * half,
                "validation": min(_VALIDATION, validation),
                "duplicates": "drop",
            }
        ],
        "training": {
            "epochs": max(1.0, round(seen / half, 2)),
            "batch_size": told["batch_size"],
            "weight_decay": told["weight_decay"],
            "clip": told["grad_norm_clip"] or 1000.0,
        },
    }


def _text(
    folder: Path, sections: Mapping[str, Any], tables: Mapping[str, Sequence[str]], left_out: Mapping[str, str]
) -> str:
    lines = [
        f"# Experiments of peft's method comparison ({printable(folder.name)}), by `vestige import peft-comparison`.",
        "# Members are the rows that it trains on, non-members later ones of other questions. It differs here: the",
        "# learning rate stays where it is after the warm-up, so that every checkpoint is a finished training; where",
        "# fewer texts are trained on than there, each is seen the more often, in as many steps.",
        *(f"# Left out: {printable(name)}: {printable(why, limit=200)}." for name, why in left_out.items()),
        "",
        as_toml(sections),
    ]
    for table, names in tables.items():
        lines += [f"# {printable(', '.join(names), limit=200)}", "[[method]]"]
        lines += [f"{key} = {value_as_toml(value)}" for key, value in json.loads(table).items()] + [""]
    return "\n".join(lines).rstrip() + "\n"
