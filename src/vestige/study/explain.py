"""What pydantic finds wrong with a study, said to whoever wrote it: a line for each problem, with its place."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from types import UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from vestige.errors import near_misses, printable
from vestige.tuning.methods import discover
from vestige.tuning.methods.base import Method

_MOST: Final = 20
"""Problems that are listed; the others are counted."""

_LONGEST: Final = 500
"""Characters of one line."""

_IN_ALL: Final = 2_500
"""Characters of all lines."""

ELSEWHERE: Final[Mapping[str, str]] = {
    "rank": "r",
    "lora_r": "r",
    "lora_alpha": "alpha",
    "lora_dropout": "dropout",
    "target_modules": "targets",
    "use_rslora": "rslora",
    "use_dora": "dora",
    "num_virtual_tokens": "tokens",
    "prefix_length": "tokens",
    "prompt_length": "tokens",
    "lr": "learning_rate",
    "warmup_ratio": "warmup",
    "num_epochs": "epochs",
    "num_train_epochs": "epochs",
    "per_device_train_batch_size": "batch_size",
    "max_grad_norm": "clip",
    "max_seq_length": "max_length",
    "max_seq_len": "max_length",
    "block_size": "max_length",
    "file": "path",
    "data_files": "path",
    "data_path": "path",
    "dataset": "hub",
    "split": "hub_split",
    "subset": "hub_config",
    "model_name_or_path": "model",
    "torch_dtype": "dtype",
    "n_bootstrap": "samples",
}
"""What other libraries call a key, and its name here."""

_EXPECTED: Final[Mapping[str, str]] = {
    "bool_type": "should be true or false",
    "bool_parsing": "should be true or false",
    "float_type": "should be a number",
    "float_parsing": "should be a number",
    "int_type": "should be a whole number",
    "int_parsing": "should be a whole number",
    "int_parsing_size": "should be a whole number of less digits",
    "int_from_float": "should be a whole number",
    "string_type": "should be text, in quotes",
    "tuple_type": "should be a list, [ … ]",
    "model_type": "should be a table, { … }",
    "model_attributes_type": "should be a table, { … }",
    "dict_type": "should be a table, { … }",
    "string_pattern_mismatch": "should begin with a letter or digit, and hold only those, '.', '_' and '-'",
}
"""Kind of problem → what pydantic says in the words of Python, in those of a study file."""


def problems(error: ValidationError, *, tables: Mapping[str, Any], model: type[BaseModel]) -> str:
    """The problems of a study whose file holds `tables`, a line each, as many as can be read at once. `model` is that
    of the whole file; its fields are the known keys.
    """
    found = list(_causes(error.errors(include_url=False, include_context=True)))
    lines = list(dict.fromkeys(f"  {printable(_line(one, tables, model), limit=_LONGEST)}" for one in found))
    ends = itertools.accumulate(map(len, lines))
    shown = max(1, sum(end <= _IN_ALL for end in itertools.islice(ends, _MOST)))
    more = [f"  … and {len(lines) - shown} more"] if len(lines) > shown else []
    return "\n".join([*lines[:shown], *more])


def _causes(found: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """The problems without those that follow from another: a list is "too short" where one of its values is wrong."""
    places = [one["loc"] for one in found]
    for one in found:
        place = one["loc"]
        inside = any(len(other) > len(place) and other[: len(place)] == place for other in places)
        if not (inside and one["type"] == "too_short"):
            yield one


def _line(problem: Mapping[str, Any], tables: Mapping[str, Any], model: type[BaseModel]) -> str:
    place = [part for part in problem["loc"] if part != "function-wrap"]
    where = ".".join(str(part + 1) if isinstance(part, int) else printable(str(part), limit=60) for part in place)
    text = _message(problem, place, tables, model)
    return f"{where}: {text}" if where else text


def _message(problem: Mapping[str, Any], place: list[Any], tables: Mapping[str, Any], model: type[BaseModel]) -> str:
    kind, given = problem["type"], problem.get("input")
    if kind == "extra_forbidden":
        return f"unknown key.{_nearest(str(place[-1]), _known_keys(place[:-1], tables, model))}"
    if kind == "missing":
        return "is missing."
    if kind == "tuple_type" and isinstance(given, Mapping) and len(place) == 1:
        return f"should be a list of tables: write [[{place[0]}]], with two brackets."
    if kind == "tuple_type" and isinstance(given, str):
        return f"should be a number or a list of numbers, without quotes (got {_got(given)})"
    if kind in ("too_long", "too_short"):
        return _length_message(kind, problem["ctx"])
    message = _EXPECTED.get(kind) or re.sub(r"^(Value error, |Input |String )", "", problem["msg"])
    got = _got(given) if kind in _EXPECTED or not isinstance(given, dict | list) else ""
    return f"{message} (got {got})" if got and got not in message else message


def _length_message(kind: str, bounds: Mapping[str, Any]) -> str:
    if kind == "too_short":
        return "is an empty list: give it a value."
    return f"should have at most {bounds['max_length']:,} values, and has {bounds['actual_length'] or 'more'}"


def _got(given: object) -> str:
    if isinstance(given, bool):
        return str(given).lower()
    if isinstance(given, str | int | float):
        return printable(repr(given), limit=100)
    if isinstance(given, dict):
        return "a table"
    return "a list" if isinstance(given, list) else ""


def _nearest(key: str, known: Sequence[str]) -> str:
    here = ELSEWHERE.get(key.lower())
    return f" It is called '{here}' here." if here in known else near_misses(key, known)


def _known_keys(place: Sequence[Any], tables: Mapping[str, Any], model: type[BaseModel]) -> list[str]:
    """The keys of the table at a place, found along the fields of the models."""
    given: Any = tables
    for part in place:
        given = given[part]
        if isinstance(part, int):
            if model is Method:  # the one that is named there
                model = discover()[given["name"]]
        elif inner := model_of(model.model_fields[part].annotation):
            model = inner
    return list(model.model_fields)


def model_of(annotation: Any) -> type[BaseModel] | None:
    """The model in an annotation: itself, or that of a list, or of what may be left out."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (Annotated, tuple, Union, UnionType):
        return next(filter(None, map(model_of, get_args(annotation))), None)
    return None
