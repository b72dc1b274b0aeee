"""Forms that change no text: refused before the run where that can be told, masked with a reason where it cannot."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from vestige.errors import ConfigError
from vestige.testing.models import save_tiny_masked_model
from vestige.testing.studies import plan_of

Table = dict[str, Any]

ARABIC = "ابتثجحخدذرزسشصضطظعغفقكلمنهوي"
CHINESE = "病人今天感觉好多了医生建议他继续服药下周三再来医院复查"


def _study(table: Table, folder: Path, texts: list[str], *attacks: Any) -> Table:
    path = folder / "notes.jsonl"
    rows = [{"number": place, "question": "", "note": text} for place, text in enumerate(texts)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    table["corpus"][0] |= {"path": str(path), "max_length": 100}
    table["attacks"] = {"use": ["loss", *attacks], "primary": "loss"}
    return table


def _turned(letters: str, *, blank: str) -> list[str]:
    """Thirty different texts of these letters."""
    return [blank.join([letters[place:] + letters[:place], letters[: 1 + place]]) for place in range(26)]


@pytest.mark.parametrize(
    ("attack", "texts"),
    [
        ("lowercase", _turned(ARABIC, blank=" ")),
        ("lowercase", _turned(CHINESE, blank="")),
        ("pac", _turned(CHINESE, blank="")),
        ({"name": "pac", "far": 0.05, "alpha": 0.3, "versions": 5}, _turned(CHINESE, blank="")),
        ("neighbourhood", _turned(CHINESE, blank="。")),
        ("neighbourhood", [f"Answer{place}" for place in range(26)]),
        ("lowercase", [f"all small {place}" for place in range(26)]),
    ],
)
def test_an_attack_whose_form_changes_no_text_is_refused_before_the_run(
    table: Table, tmp_path: Path, attack: Any, texts: list[str]
) -> None:
    name = attack if isinstance(attack, str) else attack["name"]
    with pytest.raises(ConfigError, match=rf"(?s){name}.* all 16 texts of the pool of the corpus 'notes' stay"):
        plan_of(_study(table, tmp_path, texts, attack), tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_one_text_that_changes_is_enough_to_go_on(table: Table, tmp_path: Path) -> None:
    """Words that are swapped need a blank, which Arabic has; a corpus may have a capital here and there."""
    plan_of(_study(table, tmp_path, _turned(ARABIC, blank=" "), "pac", "neighbourhood"), tmp_path / "runs")
    some = [text + "A" * (place % 2) for place, text in enumerate(_turned(CHINESE, blank=""))]
    plan_of(_study(table, tmp_path, some, "lowercase"), tmp_path / "runs")


def test_what_only_a_model_can_tell_is_left_to_the_run(table: Table, tmp_path: Path) -> None:
    """A beginning changes what comes before a text, and a masked model may know its words."""
    bert = str(save_tiny_masked_model(tmp_path / "bert"))
    masked = {"name": "neighbourhood", "versions": 1, "masked_lm": bert}
    behind = {"name": "recall", "prefix": 8, "beginnings": 1}
    table = _study(table, tmp_path, [f"answer{place}" for place in range(30)], masked, behind)
    table["corpus"][0]["context"] = 4
    plan_of(table, tmp_path / "runs")
