"""Recipes on literal rows of the hub's shapes, and on the development corpora where they are at hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from vestige.data import recipes
from vestige.data.corpus import CorpusSpec, load_examples
from vestige.data.recipes import discover, find_recipe
from vestige.data.rows import Row
from vestige.errors import ConfigError, DataError
from vestige.records import Example

PARAGRAPH = " ".join(["word"] * 20)


def run(recipe: str, records: Iterable[Mapping[str, Any]]) -> list[Example]:
    rows = (Row(record, number, "rows") for number, record in enumerate(records, start=1))
    return list(find_recipe(recipe).examples(rows))


def lines(*texts: str) -> list[Example]:
    return run("wikitext", ({"text": text} for text in texts))


def test_every_recipe_is_found_and_complete() -> None:
    files = {path.stem for path in Path(recipes.__file__).parent.glob("*.py")} - {"__init__"}
    assert {
        "webnlg",
        "wikitext",
        "xsum",
        "case_notes",
        "case_texts",
        "pubmed",
        "gsm8k",
        "e2e",
        "dialogsum",
        "metamathqa",
    } <= set(discover().own())
    assert len(discover().own()) == len(files)
    for name, recipe in discover().items():
        assert recipe.name == name
        assert recipe.about
        assert recipe.licence
        assert recipe.hub or recipe.generate


def test_case_texts_are_the_notes_of_case_notes_without_their_records() -> None:
    notes, texts = find_recipe("case_notes"), find_recipe("case_texts")
    assert notes.generate is not None
    assert texts.generate is not None
    whole = list(notes.examples(notes.generate(5, seed=3)))
    for record, text in zip(whole, texts.examples(texts.generate(5, seed=3)), strict=True):
        assert (text.id, text.group, text.prompt) == (record.id, record.group, "")
        assert f" {text.completion}" == record.completion


def test_unknown_recipe_names_the_near_miss() -> None:
    with pytest.raises(ConfigError, match="Did you mean 'webnlg'"):
        find_recipe("web_nlg")


LOCAL = {
    "webnlg_id": "Airport/1/Id1",
    "category": "Airport",
    "input": ['Aarhus_Airport | cityServed | "Aarhus, Denmark"', "Aarhus_Airport | elevation | 25"],
    "references": ["Aarhus Airport serves Aarhus.", "Aarhus is served by it.", "Aarhus Airport serves Aarhus."],
}


def test_webnlg_local_row() -> None:
    (example,) = run("webnlg", [LOCAL])
    assert example.id == "Airport/1/Id1"
    assert example.prompt == "Aarhus Airport | cityServed | Aarhus, Denmark\nAarhus Airport | elevation | 25\nText:"
    assert example.completion == " Aarhus Airport serves Aarhus."
    assert example.references == (" Aarhus Airport serves Aarhus.", " Aarhus is served by it.")


def test_webnlg_group_is_the_set_of_triples_whatever_its_order() -> None:
    turned = {**LOCAL, "webnlg_id": "x", "input": LOCAL["input"][::-1]}
    other = {**LOCAL, "webnlg_id": "y", "input": LOCAL["input"][:1]}
    first, second, third = run("webnlg", [LOCAL, turned, other])
    assert first.group == second.group != third.group
    assert "Aarhus" not in first.group  # groups are printed, and texts are not


def test_webnlg_entry_without_reference_is_left_out() -> None:
    assert run("webnlg", [{**LOCAL, "references": []}, {**LOCAL, "references": ["  "]}]) == []


def test_webnlg_quotes_within_a_value_stay() -> None:
    (example,) = run("webnlg", [{**LOCAL, "input": ['A | main | "Squeezed" or "smashed" chicken']}])
    assert example.prompt.startswith('A | main | "Squeezed" or "smashed" chicken\n')


def test_webnlg_gem_training_rows_of_one_set_become_one_entry() -> None:
    row = {"gem_id": "web_nlg_en-train-0", "input": ["A | b | C"], "target": "A b C.", "references": []}
    (example,) = run("webnlg", [row, {**row, "gem_id": "web_nlg_en-train-1", "target": "C is b of A."}])
    assert example.id == "web_nlg_en-train-0"
    assert example.references == (" A b C.", " C is b of A.")


def test_webnlg_gem_evaluation_row() -> None:
    row = {"gem_id": "v-0", "input": ["A | b | C"], "target": "A b C.", "references": ["A b C.", "C is b of A."]}
    (example,) = run("webnlg", [row])
    assert example.completion == " A b C."
    assert example.references == (" A b C.", " C is b of A.")


def test_webnlg_challenge_row() -> None:
    row = {
        "category": "Airport",
        "size": 1,
        "eid": "Id7",
        "modified_triple_sets": {"mtriple_set": [["A | b | C"]]},
        "lex": {"text": ["A b C.", "wrong", "C is b of A."], "comment": ["good", "toFix", ""], "lid": ["1", "2", "3"]},
    }
    (example,) = run("webnlg", [row])
    assert example.id == "Airport/1/Id7"
    assert example.prompt == "A | b | C\nText:"
    assert example.references == (" A b C.", " C is b of A.")


def test_webnlg_challenge_row_of_another_shape_is_refused() -> None:
    with pytest.raises(DataError, match="Unexpected shape of web_nlg in row 1"):
        run("webnlg", [{"modified_triple_sets": [], "lex": {}, "category": "a", "size": 1, "eid": "1"}])


def test_webnlg_row_of_no_known_shape_names_the_field() -> None:
    with pytest.raises(DataError, match="no field 'webnlg_id'"):
        run("webnlg", [{"text": "x"}])


def test_pubmed_is_read_from_a_file_and_as_the_hub_has_it() -> None:
    local, hub = run("pubmed", [{"id": "a", "text": "T.\nB."}, {"id": 7, "title": "T.", "content": "B.", "PMID": 1}])
    assert (local.id, local.group, local.prompt, local.completion) == ("a", "a", "", "T.\nB.")
    assert (hub.id, hub.completion) == ("7", "T.\nB.")
    assert run("pubmed", [{"id": "b", "text": " "}]) == []


def test_gsm8k_has_one_text_for_each_problem() -> None:
    row = {"question": "Ann has 2 pears and buys 3. How many?", "answer": "2 + 3 = 5\n#### 5"}
    first, other = run("gsm8k", [row, {**row, "answer": "#### 5"}, {**row, "question": "Or 4?"}])
    assert (first.id, other.id) == ("row-1", "row-3")
    assert first.prompt == "Ann has 2 pears and buys 3. How many?\nAnswer:"
    assert first.references == (" 2 + 3 = 5\n#### 5", " #### 5")
    assert first.completion == first.references[0]
    assert first.group != other.group
    assert "Ann" not in first.group


def test_e2e_gathers_the_descriptions_of_the_same_facts() -> None:
    facts = "name[The Mill], food[Thai]"
    published = run("e2e", [{"mr": facts, "ref": "The Mill is Thai."}, {"mr": facts, "ref": "Thai food at The Mill."}])
    assert [one.references for one in published] == [(" The Mill is Thai.", " Thai food at The Mill.")]
    assert published[0].prompt == "name[The Mill], food[Thai]\nText:"
    row = {"gem_id": "v-0", "meaning_representation": facts, "target": "A.", "references": ["A.", "B."]}
    training = {**row, "gem_id": "t-0", "references": []}
    assert [one.references for one in run("e2e", [row])] == [(" A.", " B.")]
    (one,) = run("e2e", [training, {**training, "gem_id": "t-1", "target": "C."}])
    assert (one.id, one.references) == ("t-0", (" A.", " C."))


def test_dialogsum_gathers_the_summaries_of_a_conversation() -> None:
    row = {"id": "test_0_1", "dialogue": "#Person1#: Hi.", "summary": "They greet.", "topic": "greeting"}
    (one,) = run("dialogsum", [row, {**row, "id": "test_0_2", "summary": "A greeting."}])
    assert (one.id, one.prompt) == ("test_0_1", "#Person1#: Hi.\nSummary:")
    assert one.references == (" They greet.", " A greeting.")
    assert run("dialogsum", [{**row, "summary": None}]) == []


def test_wikitext_groups_by_article_of_the_first_level() -> None:
    found = lines("", " = One = ", "", PARAGRAPH, "", " = = Part = = ", "", PARAGRAPH, "", " = Two = ", "", PARAGRAPH)
    assert [(example.id, example.group) for example in found] == [
        ("article-1/1", "article-1"),
        ("article-1/2", "article-1"),
        ("article-2/1", "article-2"),
    ]


def test_wikitext_titles_that_repeat_are_two_articles() -> None:
    found = lines(" = One = ", PARAGRAPH, "", " = One = ", PARAGRAPH)
    assert [example.group for example in found] == ["article-1", "article-2"]


def test_wikitext_formula_within_a_paragraph_is_no_heading() -> None:
    found = lines(" = One = ", "", PARAGRAPH, " = 1 <unk> / s and a nominal k = ", PARAGRAPH)
    assert {example.group for example in found} == {"article-1"}


def test_wikitext_short_paragraphs_and_long_headings_are_no_examples() -> None:
    assert lines(" ".join(["word"] * 19), f" = = {PARAGRAPH} = = ") == []


def test_wikitext_keeps_the_raw_text_stripped() -> None:
    (example,) = lines(f"  {PARAGRAPH} @-@ <unk> , \n")
    assert example.completion == f"{PARAGRAPH} @-@ <unk> ,"
    assert example.prompt == ""
    assert example.references == ()


def test_wikitext_a_second_file_begins_a_new_article(tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text(f"{PARAGRAPH} {name}\n", encoding="utf-8")
    paths = (str(tmp_path / "a.txt"), str(tmp_path / "b.txt"))
    found = load_examples(CorpusSpec(recipe="wikitext", path=paths, pool=4, validation=1))
    assert [example.id for example in found] == ["article-1/1", "article-2/1"]


def test_xsum_row() -> None:
    (example,) = run("xsum", [{"document": "Long story.", "summary": "Short.", "id": "42"}])
    assert example == Example("42", "Long story.\nSummary:", " Short.", (" Short.",), "42")


def test_xsum_empty_summary_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text('{"document": "d", "summary": " ", "id": "42"}\n', encoding="utf-8")
    with pytest.raises(DataError, match=r"empty in 1 record \(42\)"):
        load_examples(CorpusSpec(recipe="xsum", path=str(tmp_path / "x.jsonl"), pool=4, validation=1))


def test_local_webnlg(shared_data: Path) -> None:
    paths = tuple(str(shared_data / "webnlg" / name) for name in ("train.jsonl", "dev.jsonl"))
    found = load_examples(CorpusSpec(recipe="webnlg", path=paths, pool=4, validation=1))
    assert len(found) == 6940 + 872 - 2
    assert len({example.group for example in found}) == 6893 + 871 - 2 - 11
    assert all(example.references[0] == example.completion for example in found)


def test_local_wikitext(shared_data: Path) -> None:
    paths = tuple(str(shared_data / "wikitext2" / name) for name in ("valid.txt", "test.txt"))
    found = load_examples(CorpusSpec(recipe="wikitext", path=paths, pool=4, validation=1))
    assert len(found) == 3482
    assert len({example.group for example in found}) == 120  # 60 and 60; two formulas look like headings


def test_local_xsum(shared_data: Path) -> None:
    path = str(shared_data / "xsum" / "validation-1000.jsonl")
    found = load_examples(CorpusSpec(recipe="xsum", path=path, pool=4, validation=1))
    assert len(found) == len({example.group for example in found}) == 1000


def test_metamathqa_keeps_the_wordings_of_a_problem_together() -> None:
    rows = [
        {"query": "What is 1 + 1?", "response": "The answer is: 2", "original_question": "1 + 1", "type": "x"},
        {"query": "Add 1 to 1.", "response": "It is 2.", "original_question": "1 + 1", "type": "x"},
        {"query": "What is 3?", "response": "3", "original_question": "3", "type": "x"},
        {"query": "Nothing?", "response": "", "original_question": "0", "type": "x"},
    ]
    first, second, third = run("metamathqa", rows)
    assert first.prompt == "Question: What is 1 + 1? Think step by step.\nAnswer:"
    assert (first.completion, first.references) == ("The answer is: 2", ("The answer is: 2",))
    assert first.group == second.group != third.group
    assert "1 + 1" not in first.group
