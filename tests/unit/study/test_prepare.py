"""What is wrong with data and models is found before the first byte is written to the store."""

from __future__ import annotations

import json
import string
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vestige.data.splits import split_of
from vestige.errors import ConfigError, DataError, ModelError, VestigeError
from vestige.study.inputs import read_inputs
from vestige.study.spec import make_study
from vestige.testing.studies import run_study, write_tiny_corpus

Table = dict[str, Any]
SECRET = "kept to ourselves"


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def use_rows(table: Table, folder: Path, rows: list[dict[str, Any]]) -> None:
    path = folder / "mine.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    table["corpus"][0]["path"] = str(path)


def _beyond_the_context(table: Table, folder: Path) -> None:
    table["corpus"][0]["max_length"] = 125


def _all_too_short(table: Table, folder: Path) -> None:
    letters = string.ascii_letters[:30]
    use_rows(table, folder, [{"number": i, "question": "", "note": letter} for i, letter in enumerate(letters)])


def _filled_by_the_prompt(table: Table, folder: Path) -> None:
    notes = [{**row, "question": "Why? " * 30} for row in rows_of(Path(table["corpus"][0]["path"]))]
    use_rows(table, folder, notes)


def _too_few(table: Table, folder: Path) -> None:
    table["corpus"][0]["pool"] = 100


def _duplicates(table: Table, folder: Path) -> None:
    rows = rows_of(Path(table["corpus"][0]["path"]))
    use_rows(table, folder, [{**row, "note": SECRET if row["number"] in (3, 9) else row["note"]} for row in rows])
    table["corpus"][0] |= {"pool": 22}


def _not_utf8(table: Table, folder: Path) -> None:
    path = folder / "latin.jsonl"
    path.write_bytes(b'{"number": 1, "question": "", "note": "caf\xe9"}\n')
    table["corpus"][0]["path"] = str(path)


def _empty_text(table: Table, folder: Path) -> None:
    rows = rows_of(Path(table["corpus"][0]["path"]))
    use_rows(table, folder, [*rows[:5], {**rows[5], "note": "  "}, *rows[6:]])


def _missing_file(table: Table, folder: Path) -> None:
    (folder / "notes.jsonl").touch()
    table["corpus"][0]["path"] = str(folder / "note.jsonl")


def _missing_field(table: Table, folder: Path) -> None:
    table["corpus"][0]["fields"]["completion"] = "notes"


def _unknown_model(table: Table, folder: Path) -> None:
    table["base"][0]["model"] = "smollm2-135"


def _no_weights(table: Table, folder: Path) -> None:
    (folder / "config.json").write_text("{}")
    table["base"][0]["model"] = str(folder)


def _one_group(table: Table, folder: Path) -> None:
    rows = [{**row, "topic": str(row["number"] < 20)} for row in rows_of(Path(table["corpus"][0]["path"]))]
    use_rows(table, folder, rows)
    table["corpus"][0]["fields"]["group"] = "topic"
    table["corpus"][0] |= {"pool": 8, "validation": 8}


@pytest.mark.parametrize(
    ("spoil", "kind", "expected"),
    [
        (_beyond_the_context, ConfigError, r"max_length = 125 .*4 virtual tokens.*128 tokens.*Lower max_length to 124"),
        (_all_too_short, DataError, "too short to score"),
        (_filled_by_the_prompt, DataError, "too short to score.*shorter prompts"),
        (_too_few, DataError, r"too few texts: 100 \+ 8 = 108 are needed .* there are 30"),
        (_duplicates, DataError, r"1 of the texts .*(3 = 9|9 = 3).*duplicates = \"drop\""),
        (_not_utf8, DataError, r"latin\.jsonl is not UTF-8"),
        (_empty_text, DataError, r"the completion is empty in 1 record \(5\)"),
        (_missing_file, DataError, r"no file .*note\.jsonl.*Did you mean 'notes\.jsonl'"),
        (_missing_field, DataError, r"no field 'notes' in line 1 of notes\.jsonl.*Did you mean 'note'"),
        (_unknown_model, ModelError, r"Unknown model 'smollm2-135'.*'smollm2-135m'"),
        (_no_weights, ModelError, "no safetensors weights"),
        (_one_group, DataError, "need at least 2.*finer `group`"),
    ],
    ids=lambda value: value.__name__.strip("_") if callable(value) and not isinstance(value, type) else "",
)
def test_bad_input_is_the_users_mistake_and_nothing_is_written(
    table: Table, tmp_path: Path, spoil: Callable[[Table, Path], None], kind: type[VestigeError], expected: str
) -> None:
    (tmp_path / "input").mkdir()
    spoil(table, tmp_path / "input")
    with pytest.raises(kind, match=f"(?s){expected}") as caught:
        run_study(table, tmp_path / "runs")
    assert caught.value.exit_status == 2
    assert SECRET not in str(caught.value)
    assert not (tmp_path / "runs").exists()


def test_the_longest_prompt_of_the_study_decides(table: Table) -> None:
    table["corpus"][0]["max_length"] = 124
    read_inputs(make_study(table))
    table["method"].append({"name": "prompt", "tokens": 5})
    with pytest.raises(ConfigError, match="Lower max_length to 123"):
        read_inputs(make_study(table))


def test_lengths_count_texts_tokens_and_what_was_cut(table: Table) -> None:
    long, short = ({**table["corpus"][0], "name": name, "validation": 4} for name in ("long", "short"))
    # Cut there, questions with their first token of an answer repeat each other.
    table["corpus"] = [{**long, "max_length": 64}, {**short, "max_length": 12, "duplicates": "drop"}]
    prepared = read_inputs(make_study(table))
    ((base, _), *_) = prepared.identities.lengths
    whole, cut = prepared.identities.lengths[base, "long"]["pool"], prepared.identities.lengths[base, "short"]["pool"]
    assert (whole.texts, whole.cut, whole.unscorable) == (16, 0, 0)
    assert (cut.texts, cut.cut, cut.tokens) == (16, 16, 16 * 12)
    assert cut.scored < whole.scored < whole.tokens


def test_a_file_that_changed_is_read_anew(table: Table, tmp_path: Path) -> None:
    """The key of a corpus holds the hash of its file, so that what was read before must not be stored under it."""
    path = tmp_path / "notes.jsonl"
    table["corpus"][0]["path"] = str(path)
    found = []
    for seed in (0, 1):
        write_tiny_corpus(path, seed=seed)
        corpus = read_inputs(make_study(table)).identities.corpora["notes"]
        texts = {example.completion for example in split_of(corpus.spec).roles["pool"]}
        assert texts <= {row["note"] for row in rows_of(path)}
        found.append((corpus.task.key, texts))
    assert found[0][0] != found[1][0]
    assert found[0][1] != found[1][1]


def test_a_prompt_without_room_for_a_text_is_named(table: Table) -> None:
    table["method"].append({"name": "prompt", "tokens": 127})
    with pytest.raises(
        ConfigError, match=r"prompt\(tokens=127\) puts 127 virtual tokens .*128 tokens.*fewer"
    ) as caught:
        read_inputs(make_study(table))
    assert "max_length" not in str(caught.value)
