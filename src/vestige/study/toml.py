"""The tables of a study as the text of a study file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def as_toml(tables: Mapping[str, Any]) -> str:
    """A section for each table, and one for each of a list of them; what is nested deeper stands in its line."""
    lines = []
    for name, section in tables.items():
        for table in section if isinstance(section, list) else [section]:
            lines.append(f"[[{name}]]" if isinstance(section, list) else f"[{name}]")
            lines += [f"{key} = {value_as_toml(value)}" for key, value in table.items()]
    return "\n".join(lines) + "\n"


def value_as_toml(value: object) -> str:
    """One value as it stands behind `=`."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(key)} = {value_as_toml(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(value_as_toml, value))}]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
