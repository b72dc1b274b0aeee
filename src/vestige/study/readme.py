"""The tables of README.md and of docs/checks/README.md, made from what is registered.

`python -m vestige.study.readme README.md docs/checks/README.md` writes them anew.

Each stands between two comments, `<!-- attacks: made by `make reference` -->` and `<!-- end of attacks -->`; what is
around them is written by hand.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

from vestige.attacks import discover as discover_attacks
from vestige.attacks.base import Attack
from vestige.checks.registry import discover as discover_checks
from vestige.data.recipes import discover as discover_recipes
from vestige.discovery import about
from vestige.models.registry import list_known
from vestige.tuning.methods import discover as discover_methods

Tables = Mapping[str, Callable[[], Iterator[str]]]
"""Name of a table → its lines."""

_GIVEN: Final = ("log_probabilities", "passes")
"""What every attack has, and what stands beside its name."""

_NOT_LISTED: Final = ("name", "learning_rate", "warmup")
"""Parameters that every method takes."""


def with_tables(text: str, tables: Tables | None = None) -> str:
    """The README with its tables as the registries have them; `tables` are those that it must have.

    Raises:
        ValueError: the comments around a table are missing.
    """
    for name, rows in (tables or TABLES).items():
        begin, end = f"<!-- {name}: made by `make reference` -->\n", f"<!-- end of {name} -->\n"
        if begin not in text or end not in text:
            raise ValueError(f"the README has no place for the table of {name}: {begin!r} … {end!r} is missing")
        before, _, rest = text.partition(begin)
        _, _, after = rest.partition(end)
        text = "".join([before, begin, *(f"{row}\n" for row in rows()), end, after])
    return text


def _methods() -> Iterator[str]:
    yield from ("| name | family | what it does | parameters |", "|---|---|---|---|")
    for name, method in discover_methods().own().items():
        own = [f"`{key}`" for key in method.model_fields if key not in _NOT_LISTED]
        yield _row(f"`{name}`", method.family, about(method), ", ".join(own))


def _attacks() -> Iterator[str]:
    """A row for each combination of what attackers have, the humblest first."""
    rows: dict[tuple[str, ...], list[str]] = {}
    for name, attack in discover_attacks().own().items():
        made = attack.model_validate({"name": name})
        passes = made.assumed.passes
        rows.setdefault(_had(made), []).append(f"`{name}`" + (f" ({passes})" if passes > 1 else ""))
    yield from (
        "| the attacker has | attacks (and their passes over a text, where they take more than one) |",
        "|---|---|",
    )
    for had, names in sorted(rows.items(), key=lambda row: (len(row[0]), row[0])):
        yield _row(", ".join(had) or "no more than log-probabilities", ", ".join(names))


def _had(attack: Attack) -> tuple[str, ...]:
    has = asdict(attack.assumed)
    return tuple(name.replace("_", " ") for name, value in has.items() if name not in _GIVEN and value)


def _corpora() -> Iterator[str]:
    yield from ("| recipe | texts | licence |", "|---|---|---|")
    for name, recipe in discover_recipes().own().items():
        yield _row(f"`{name}`", recipe.about, recipe.licence)


def _models() -> Iterator[str]:
    yield from ("| model | what it is | licence |", "|---|---|---|")
    for model in list_known():
        yield _row(f"`{model.name}`", model.description, model.licence)


def _checks() -> Iterator[str]:
    yield from ("| code | what holds where a study passes |", "|---|---|")
    for code, check in discover_checks().items():
        yield _row(f"[{code}]({code}.md)", about(check))


def _row(*cells: str) -> str:
    escaped = [cell.replace("|", r"\|") for cell in cells]
    return f"| {' | '.join(escaped)} |"


TABLES: Final[Tables] = {
    "methods": _methods,
    "attacks": _attacks,
    "corpora": _corpora,
    "models": _models,
}


OF_CHECKS: Final[Tables] = {"checks": _checks}
"""What stands in the README of `docs/checks/` instead."""


def main(arguments: Sequence[str]) -> None:
    """Write the tables of the files that are named anew."""
    for path in map(Path, arguments):
        tables = OF_CHECKS if path.parent.name == "checks" else TABLES
        path.write_text(with_tables(path.read_text(encoding="utf-8"), tables), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
