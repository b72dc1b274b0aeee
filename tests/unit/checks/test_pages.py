"""Folder, codes and pages of the checks go together."""

from __future__ import annotations

import re
from inspect import getfile
from pathlib import Path

import pytest

from vestige.checks.registry import discover, page_of
from vestige.discovery import about
from vestige.study.readme import OF_CHECKS, main, with_tables

PARTS = ["## What it looks at", "## Why it matters", "## What to do", "## Source"]


def test_a_file_is_named_after_its_code() -> None:
    for code, check in discover().items():
        name = Path(getfile(check)).name
        assert re.fullmatch(r"V\d{3}", code), f"{name}: the code of a check is V and three digits, got {code!r}"
        assert name.startswith(f"{code.lower()}_"), f"{name}: rename it {code.lower()}_<what is wrong>.py"


def test_every_file_of_a_check_is_found(repo: Path) -> None:
    files = {path.name for path in (repo / "src" / "vestige" / "checks").glob("v[0-9]*.py")}
    assert files == {Path(getfile(check)).name for check in discover().values()}, "a check is a final class with a code"


def test_there_is_a_page_for_each_code_and_no_other(repo: Path) -> None:
    pages = {path.stem for path in (repo / "docs" / "checks").glob("*.md")} - {"README"}
    missing, left = set(discover()) - pages, pages - set(discover())
    assert not missing, f"write docs/checks/{min(missing)}.md, as its neighbours are: {', '.join(PARTS)}"
    assert not left, f"no check has the code of docs/checks/{min(left)}.md: remove the page, or name the check so"


@pytest.mark.parametrize("code", discover())
def test_a_page_says_what_the_check_says(repo: Path, code: str) -> None:
    text = (repo / page_of(code)).read_text(encoding="utf-8")
    own, flat = about(discover()[code]), " ".join(text.split())
    assert text.startswith(f"# {code}: "), f"the page begins with '# {code}: ' and what is wrong where it fails"
    assert re.findall(r"^## .*$", text, re.MULTILINE) == PARTS
    assert own in flat, f"what it looks at is the first sentence of the docstring: {own}"
    assert f"](../../src/vestige/checks/{Path(getfile(discover()[code])).name})" in text


def test_links_of_the_pages_lead_somewhere(repo: Path) -> None:
    folder = repo / "docs" / "checks"
    for page in folder.glob("*.md"):
        for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
            assert (folder / target).exists(), f"{page.name}: {target}"


def test_the_index_has_them_all(repo: Path, tmp_path: Path) -> None:
    index = (repo / "docs" / "checks" / "README.md").read_text(encoding="utf-8")
    assert index == with_tables(index, OF_CHECKS), "docs/checks/README.md is stale: run `make reference`"
    stale = tmp_path / "checks" / "README.md"
    stale.parent.mkdir()
    stale.write_text(index.replace("[V001](V001.md)", "[V999](V999.md)"), encoding="utf-8")
    main([str(stale)])
    assert stale.read_text(encoding="utf-8") == index
