"""Forms of a text: what changes and what never does; and their names, which are in every key of every store."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from vestige.forms import (
    ONE_OF_EACH,
    PLAIN,
    Behind,
    Form,
    Lowercase,
    Masked,
    Plain,
    Rewritten,
    Swapped,
    from_json,
    to_json,
)
from vestige.records import View

NAMES: dict[str, Form] = {
    "plain": Plain(),
    "lowercase": Lowercase(),
    "swap-3": Swapped(3),
    "swap-3-30": Swapped(3, percent=30),
    "prefixed-256": Behind(256, "context"),
    "members-256-2": Behind(256, "members", which=2),
    "masked-3:some/bert": Masked(3, "some/bert"),
}


@pytest.mark.parametrize(("name", "form"), NAMES.items())
def test_a_form_has_the_name_that_stores_know(name: str, form: Form) -> None:
    assert form.name == name
    assert View("base", form).name == ("base" if form == PLAIN else f"base/{name}")


def test_a_key_knows_a_masked_form_by_its_version_and_every_other_by_its_name() -> None:
    assert {name for name, form in NAMES.items() if form.key_name != name} == {"masked-3:some/bert"}
    assert Masked(3, "/home/a:b").key_name == "masked-3"


@pytest.mark.parametrize("form", [*NAMES.values(), Masked(0, 'C:\\a "b"')], ids=lambda form: form.name)
def test_a_form_comes_back_from_its_json(form: Form) -> None:
    assert from_json(to_json(form)) == form


def test_every_kind_of_form_comes_back_from_its_json() -> None:
    assert {type(form) for form in ONE_OF_EACH} == {type(form) for form in NAMES.values()}


@pytest.mark.parametrize(
    "told", ["[]", "{}", '"plain"', '{"kind": "Upper"}', '{"kind": "Swapped"}', '{"kind": "Swapped", "version": "3"}']
)
def test_what_is_no_form_does_not_come_back(told: str) -> None:
    with pytest.raises(ValueError, match="expected a form"):
        from_json(told)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (Swapped, (10,)),
        (Swapped, (0, 0)),
        (Swapped, (3, 101)),
        (Behind, (0, "context")),
        (Behind, (40, "others")),
        (Behind, (9, "members", 0)),
        (Masked, (0, "")),
    ],
)
def test_a_form_that_cannot_be_is_refused(kind: type[Form], values: tuple[object, ...]) -> None:
    with pytest.raises(ValueError, match="expected"):
        kind(*values)


def test_the_plain_form_is_the_text_as_it_is() -> None:
    for text in ("Ada Sold a BOAT in Lund.", "", " word\n"):
        assert PLAIN.changed(text) == text


def test_lowercase_changes_every_letter_that_has_a_lower_case() -> None:
    texts = ("Ada Sold a BOAT in Lund.", "already small", "ÉTÉ İ ß Ω", "所有文字")
    lower = [Lowercase().changed(text) for text in texts]
    assert lower == ["ada sold a boat in lund.", "already small", "été i̇ ß ω", "所有文字"]


def test_swaps_move_words_and_nothing_else() -> None:
    words = "Ada  sold a boat in Lund\nand Bruno painted the mill."
    versions = [Swapped(version).changed(words) for version in range(10)]
    assert all(sorted(version.split()) == sorted(words.split()) for version in versions)
    assert all(re.findall(r"\s+", version) == re.findall(r"\s+", words) for version in versions)
    assert len(set(versions)) > 5
    moved = [sum(a != b for a, b in zip(one.split(), words.split(), strict=True)) for one in versions]
    assert 0 < max(moved) <= 4


def test_a_swap_depends_on_the_text_and_the_version_alone() -> None:
    assert Swapped(3).changed("one two three four five six") == "one four three two five six"
    for short in ("", "word", " word\n"):
        assert Swapped(0).changed(short) == short


def test_more_words_are_swapped_where_it_is_asked_for() -> None:
    """As the authors of PAC do: 30 draws of two in a hundred words, which displaces about 45 of them."""
    text = " ".join(f"w{place}" for place in range(100))

    def displaced(form: Rewritten) -> int:
        return sum(word != f"w{place}" for place, word in enumerate(form.changed(text).split()))

    fifth, third = (sum(displaced(Swapped(i, percent)) for i in range(10)) / 10 for percent in (20, 30))
    assert 29 <= fifth <= 37
    assert 41 <= third <= 49
    assert Swapped(3, 20) == Swapped(3)


def test_the_name_of_a_form_is_no_form() -> None:
    with pytest.raises(TypeError, match=r"expected a form such as .*, got 'swap-3'"):
        View("target", "swap-3")  # type: ignore[arg-type]


def test_forms_are_worked_out_without_torch() -> None:
    code = "import sys, vestige.forms; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
