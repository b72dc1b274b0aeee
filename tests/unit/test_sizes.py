"""The house stays easy to read: how long a file, a class and a function may be, and that no import goes in a circle."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest

import vestige

PACKAGE = Path(vestige.__file__).parent
LINES_OF_A_FILE, LINES_OF_A_CLASS, LINES_OF_A_FUNCTION = 350, 200, 60
ROOT = "vestige"  # names the public things, and imports each only when it is asked for

Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def _definitions(text: str) -> list[Definition]:
    return [node for node in ast.walk(ast.parse(text)) if isinstance(node, Definition)]


def _lines(node: Definition) -> int:
    """Lines of a definition from its first decorator to its end."""
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    assert node.end_lineno is not None
    return node.end_lineno - first + 1


def _limit(node: Definition) -> int:
    return LINES_OF_A_CLASS if isinstance(node, ast.ClassDef) else LINES_OF_A_FUNCTION


def _too_long(text: str) -> list[str]:
    """What is over a limit, a line each."""
    lines = text.count("\n")
    found = [f"{lines} lines, at most {LINES_OF_A_FILE}"] if lines > LINES_OF_A_FILE else []
    over = [node for node in _definitions(text) if _lines(node) > _limit(node)]
    return found + [f"{node.name}: {_lines(node)} lines, at most {_limit(node)}" for node in over]


def _circle(imports: dict[str, set[str]]) -> list[str]:
    """Modules that import each other in a circle, the first of them again at the end; empty where there is none."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        found: list[str] = error.args[1]
        return found
    return []


def test_no_file_class_or_function_is_over_its_limit() -> None:
    files = {path.relative_to(PACKAGE): path.read_text(encoding="utf-8") for path in sorted(PACKAGE.rglob("*.py"))}
    assert files
    over = [f"{path}: {one}" for path, text in files.items() for one in _too_long(text)]
    assert not over, "cut in two what is over its limit, one idea each:\n" + "\n".join(over)


@pytest.mark.parametrize("typing", [False, True], ids=["what runs", "what is only for types, too"])
def test_no_import_goes_in_a_circle(typing: bool) -> None:
    graph = grimp.build_graph(ROOT, exclude_type_checking_imports=not typing)
    modules = graph.modules - {ROOT}
    assert modules
    assert not _circle({one: graph.find_modules_directly_imported_by(one) & modules for one in modules})


def test_a_definition_counts_from_its_first_decorator() -> None:
    body = "    x = 1\n"
    assert not _too_long("def f():\n" + body * (LINES_OF_A_FUNCTION - 1))
    assert _too_long("@final\ndef f():\n" + body * (LINES_OF_A_FUNCTION - 1)) == ["f: 61 lines, at most 60"]
    assert not _too_long("class C:\n" + body * (LINES_OF_A_CLASS - 1))
    assert _too_long("class C:\n" + body * LINES_OF_A_CLASS) == ["C: 201 lines, at most 200"]
    assert _too_long("x = 1\n" * 351) == ["351 lines, at most 350"]


def test_a_circle_is_named() -> None:
    assert sorted(set(_circle({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}))) == ["a", "b", "c"]
    assert not _circle({"a": {"b", "c"}, "b": {"c"}})
