"""Fields are guessed by their names and by what they hold; a wrong guess would be visible, a crash would not do."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from vestige.data.columns import guess_fields
from vestige.errors import DataError

TEXT = "a letter of several words about matter"


def write(folder: Path, rows: Sequence[Mapping[str, object]]) -> Path:
    file = folder / "letters.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file


def records(**fields: str) -> list[dict[str, object]]:
    """Sixty rows; `{i}` in a value counts them, `{g}` counts groups of three."""
    return [{name: value.format(i=i, g=i // 3) for name, value in fields.items()} for i in range(60)]


@pytest.mark.parametrize(
    ("fields", "roles"),
    [
        ({"text": f"{TEXT} {{i}}"}, {"completion": "text"}),
        ({"was": f"{TEXT} {{i}}", "n": "{i}"}, {"completion": "was"}),
        (
            {"date": "May {i}", "customer": "c{g}", "prompt": "Why {i}?", "answer": f"{TEXT} {{i}}"},
            {"completion": "answer", "prompt": "prompt", "group": "customer"},
        ),
        (
            {"instruction": "Sum up {i}.", "input": TEXT * 3, "output": f"{TEXT} {{i}}"},
            {"completion": "output", "prompt": "instruction"},
        ),
        (
            {"article": f"{TEXT * 9} {{i}}", "highlights": f"{TEXT} {{i}}", "article_id": "a-{i}"},
            {"completion": "article", "id": "article_id"},
        ),
        (
            {"Case No": "{i}", "Patient ID": "p{g}", "Customer Question": "Why {i}?", "modelResponse": f"{TEXT} {{i}}"},
            {"completion": "modelResponse", "prompt": "Customer Question", "group": "Patient ID", "id": "Case No"},
        ),
        ({"address": "street {i}", "text": f"{TEXT} {{i}}"}, {"completion": "text"}),
        ({"question": f"{TEXT} {{i}}?", "answer": "yes"}, {"completion": "answer", "prompt": "question"}),
        (
            {"source": "the press", "title": "No {i}", "text": f"{TEXT} {{i}}"},
            {"completion": "text", "prompt": "title"},
        ),
        ({"long": f"{TEXT * 2} {{i}}", "longer": f"{TEXT * 5} {{i}}"}, {"completion": "longer", "prompt": "long"}),
    ],
)
def test_roles_of_fields(tmp_path: Path, fields: dict[str, str], roles: dict[str, str]) -> None:
    guess = guess_fields(write(tmp_path, records(**fields)))
    assert guess.fields.model_dump(exclude_none=True) == roles
    assert guess.records == 60
    assert set(guess.unused) == {*fields} - {*roles.values()}


def test_a_group_of_few_values_is_told_of_and_not_used(tmp_path: Path) -> None:
    rows = [{"text": f"{TEXT} {i}", "company": "ab"[i % 2]} for i in range(60)]
    guess = guess_fields(write(tmp_path, rows))
    assert guess.fields.group is None
    assert guess.why["group"].startswith("company has only 2 values")


def test_whole_numbers_name_and_other_values_do_not(tmp_path: Path) -> None:
    rows = [{"text": f"{TEXT} {i}", "id": i, "user": i // 4, "session": i / 4, "extra": [i]} for i in range(60)]
    fields = guess_fields(write(tmp_path, rows)).fields
    assert (fields.id, fields.group) == ("id", "user")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"a": 1, "b": None}], "No field of letters.jsonl holds texts. Fields there: a, b."),
        ([{"messages": [{"role": "user", "content": TEXT}]}], r"holds chat messages"),
        ([], "letters.jsonl holds no record"),
    ],
)
def test_files_without_texts(tmp_path: Path, rows: list[dict[str, object]], message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        guess_fields(write(tmp_path, rows))
    assert TEXT not in str(caught.value)
