"""docs/reference/study-file.md, made from the models that read a study file: `python -m vestige.study.reference`.

The text of a section is the docstring of its class, that of a key the string below its field; methods and attacks,
which have docstrings that `vestige list` shows too, bring what they say of their parameters there.
"""

from __future__ import annotations

import ast
import inspect
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from vestige.attacks.base import Attack
from vestige.attacks.registry import discover as discover_attacks
from vestige.study.explain import model_of
from vestige.study.spec import Study
from vestige.tuning.methods import MOST_METHODS
from vestige.tuning.methods import discover as discover_methods
from vestige.tuning.methods.base import Method

_INTRODUCTION: Final = f"""\
# The study file

Made by `make reference` from the models that read it; a test holds it. A study file is TOML in UTF-8 (a byte order mark
and UTF-16 are taken). `[study]` is a table; `[[base]]`, `[[corpus]]` and `[[method]]` are written once for each base,
corpus and method. Every combination of them is trained. From Python the same tables are a dict.

Paths are relative to the folder of the study file; those of a dict to the working directory. `~` is the user's home.
A Windows path stands in single quotes: `'C:\\models\\tiny'`.

A single value may stand where a list is expected. A list where a method expects one value is an arm for each of them:
`r = [1, 4, 16]` trains three, two such lists train every combination, {MOST_METHODS} at most. `learning_rate` is a grid
to search instead.
"""

_NAMES: Final[Mapping[Any, str]] = {bool: "true or false", int: "whole number", float: "number", str: "text"}

_BOUNDS: Final[Mapping[str, str]] = {
    "ge": "≥ {}",
    "gt": "> {}",
    "le": "≤ {}",
    "lt": "< {}",
    "min_length": "at least {}",
    "max_length": "at most {}",
}


def page() -> str:
    """The whole page, as Markdown."""
    sections = [line for name in Study.model_fields for line in _section(name, Study.model_fields[name])]
    return "\n".join([_INTRODUCTION, *sections]).rstrip() + "\n"


def _section(name: str, field: FieldInfo) -> Iterator[str]:
    model = model_of(field.annotation)
    assert model is not None
    brackets = f"[[{name}]]" if get_origin(field.annotation) is tuple else f"[{name}]"
    yield f"## `{brackets}`\n"
    if model is Method:
        yield from _each("method", discover_methods().own())
        return
    yield f"{_about(model)}\n"
    yield from _table(model)
    for inner_name, inner in model.model_fields.items():
        inner_model = model_of(inner.annotation)
        if inner_model is Attack:
            yield from _each("attack", discover_attacks().own())
        elif inner_model is not None:
            yield f"### `{name}.{inner_name}`\n\n{_about(inner_model)}\n"
            yield from _table(inner_model)


def _each(kind: str, classes: Mapping[str, type[BaseModel]]) -> Iterator[str]:
    for name, model in classes.items():
        yield f"### The {kind} `{name}`\n\n{_about(model)}\n"
        yield from _table(model, without=("name",))


def _about(model: type[BaseModel]) -> str:
    return inspect.cleandoc(model.__doc__ or "")


def _table(model: type[BaseModel], *, without: Sequence[str] = ()) -> Iterator[str]:
    """A row for each key: what it takes, what it is where it is left out, what it means."""
    texts = _texts(model)
    rows = [
        f"| `{name}` | {_values(field.annotation, field.metadata)} | {_default(field)} | {texts.get(name, '')} |"
        for name, field in model.model_fields.items()
        if name not in without
    ]
    if rows:
        yield from ("| key | value | left out | |", "|---|---|---|---|", *rows, "")


def _texts(model: type[BaseModel]) -> dict[str, str]:
    """The strings below the fields of a class and of those that it derives from, on one line each."""
    found: dict[str, str] = {}
    for kind in reversed(model.__mro__):
        if kind.__module__.startswith("vestige."):
            (body,) = ast.parse(inspect.cleandoc("\n" + inspect.getsource(kind))).body
            assert isinstance(body, ast.ClassDef)
            for field, text in zip(body.body, body.body[1:], strict=False):
                if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr):
                    found[ast.unparse(field.target)] = " ".join(str(ast.literal_eval(text.value)).split())
    return found


def _values(annotation: Any, metadata: Sequence[Any] = ()) -> str:
    """What a field takes, with its bounds."""
    own = ", ".join(_bounds(metadata))
    if get_origin(annotation) is Annotated:
        inner, *more = get_args(annotation)
        return _values(inner, [*more, *metadata])
    if get_origin(annotation) in (Union, UnionType):
        options = [one for one in get_args(annotation) if one is not NoneType]
        return " or ".join(_values(one, metadata if len(options) == 1 else ()) for one in options)
    if get_origin(annotation) is Literal:
        return ", ".join(f"`{json.dumps(one)}`" for one in get_args(annotation))
    if get_origin(annotation) is tuple:
        return f"list, each: {_values(get_args(annotation)[0])}" + (f" ({own} of them)" if own else "")
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "attack" if annotation is Attack else "table"
    unit = " characters" if annotation is str else ""
    return _NAMES[annotation] + (f", {own}{unit}" if own else "")


def _bounds(metadata: Sequence[Any]) -> Iterator[str]:
    for one in metadata:
        if isinstance(one, FieldInfo):
            yield from _bounds(one.metadata)
        for name, text in _BOUNDS.items():
            if (value := getattr(one, name, None)) is not None and not isinstance(one, FieldInfo):
                yield text.format("2⁶³" if value == 2**63 else f"{value:,}" if isinstance(value, int) else value)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.default
    if isinstance(value, BaseModel) or value in (None, ""):
        return ""
    return f"`{json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)}`"


if __name__ == "__main__":
    sys.stdout.write(page())
