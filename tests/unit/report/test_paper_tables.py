"""Tables as papers print them: our numbers at equal utility and at the end, beside what others have published."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import polars as pl
import pytest

from vestige.metrics.comparison import Comparison
from vestige.outcome.facts import ComparisonFacts
from vestige.outcome.frames import Results
from vestige.outcome.points import sections
from vestige.report.html import render
from vestige.report.paper_tables import attacks_by_methods, bases_by_methods
from vestige.report.tables import Group


@pytest.fixture
def webnlg(compared: Results) -> Results:
    """The texts are those of a recipe of which numbers are published."""
    corpora = (replace(compared.facts.corpora[0], source="webnlg"),)
    return replace(compared, facts=replace(compared.facts, corpora=corpora))


def _texts(group: Group) -> list[list[str]]:
    return [[cell.text for cell in row.cells] for row in group.rows]


def test_every_attack_and_method_at_equal_utility_and_at_the_end(compared: Results) -> None:
    table = attacks_by_methods(compared, sections(compared)[0])
    assert table.head == ("Attack", "lora", "prompt(tokens=50)")
    equal, last = table.groups
    assert equal.title == "At equal utility, 90% of the reachable gain"
    assert _texts(equal) == [
        ["loss", ".71 [.67, .75]", ".50 [.46, .54]"],
        ["ref", ".71 [.67, .75]", ".50 [.46, .54]"],
        ["strongest attack", "—", "—"],
        ["Memorization, nats per token", "0.051 [0.047, 0.055]", "0.010 [0.006, 0.014]"],
    ]
    assert last.title == "At the last checkpoint, epoch 3"
    assert _texts(last)[1] == ["ref", ".93 [.89, .97]", ".56 [.52, .60]"]


def test_published_values_are_marked_as_not_measured_here(webnlg: Results) -> None:
    """Table 2 of arXiv:2507.00258 on WebNLG, the two methods of this study alone."""
    *_, others = attacks_by_methods(webnlg, sections(webnlg)[0]).groups
    assert others.title == "arXiv:2507.00258, Table 2: llama2-7b, epoch 5 – published, not measured here"
    assert _texts(others) == [
        ["loss", ".8516", ".5816"],
        ["ref", ".6719", ".5761"],
        ["zlib", ".8383", ".5402"],
        ["min_k", ".4667", ".5332"],
        ["Perplexity", "1.5198", "1.7198"],
    ]
    assert {row.kind for row in others.rows} == {"published"}
    assert all(cell.number is None for row in others.rows for cell in row.cells)


def test_a_study_without_a_comparison_has_its_last_checkpoints(one_corpus: Results) -> None:
    (only,) = attacks_by_methods(one_corpus, sections(one_corpus)[0]).groups
    assert only.about == "Equal epochs, and not equal utility."


def test_several_bases_are_rows_beside_the_published_sizes(
    webnlg: Results, comparison: Callable[..., Comparison]
) -> None:
    facts = webnlg.facts
    bases = (facts.bases[0], replace(facts.bases[0], name="small"))
    corpora = (replace(facts.corpora[0], source="wikitext"),)
    found = comparison({"lora": (0.62, 0.05), "prompt(tokens=50)": (0.5, 0.01)})
    comparisons = (*facts.comparisons, ComparisonFacts("small", "notes", found))
    both = replace(facts, bases=bases, corpora=corpora, comparisons=comparisons)
    table = bases_by_methods(replace(webnlg, facts=both))
    assert table is not None
    equal, last, others = table.groups
    assert _texts(equal) == [
        ["tiny", ".71 [.67, .75]", ".50 [.46, .54]"],
        ["small", ".62 [.58, .66]", ".50 [.46, .54]"],
    ]
    assert _texts(last)[1] == ["small", "—", "—"]
    assert _texts(others)[0] == ["gpt2-117m", ".4830", ".4869"]
    assert others.title.endswith("– published, not measured here")
    assert bases_by_methods(webnlg) is None


def test_the_page_marks_what_is_published(webnlg: Results) -> None:
    empty = replace(webnlg, estimates=webnlg.estimates.clear(), scores=pl.DataFrame(schema=webnlg.scores.schema))
    page = render(empty)
    assert "published, not measured here" in page
    assert '<tr class="published">' in page
