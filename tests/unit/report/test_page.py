from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from vestige.errors import StoreError
from vestige.outcome.facts import Failed
from vestige.outcome.frames import ESTIMATES, SCORES, Results
from vestige.outcome.points import sections
from vestige.report.drawing import Panel, decades_axis, log_axis, look
from vestige.report.figures import drawings
from vestige.report.html import render
from vestige.report.write import changed_since, write_report

NASTY = '<script>alert("$x$ & y")</script>'


class _Reader(HTMLParser):
    """Collects what a page would fetch or run, its ids, and whether its tags are balanced."""

    _VOID = frozenset({"meta", "br", "link", "img", "input", "hr"})

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.ids: list[str] = []
        self.tags: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in self._VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name in ("src", "href", "xlink:href", "data", "action", "poster") and value:
                self.fetched.append(value)
            if name == "id" and value:
                self.ids.append(value)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self._VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def _read(page: str) -> _Reader:
    reader = _Reader()
    reader.feed(page)
    reader.close()
    assert not reader.open
    return reader


_BEFORE: dict[str, Any] = {
    "study": {
        "name": "small",
        "seeds": [0],
        "folds": 2,
        "utility": ["loss"],
        "generate": {"max_new_tokens": 64, "texts": 100},
        "search": "validation",
        "epochs": 3.0,
        "batch_size": 8,
        "checkpoints": [0.5, 1.0, 2.0, 3.0],
        "weight_decay": 0.0,
        "clip": 1.0,
        "primary": "ref",
        "fpr": [0.1, 0.01],
    },
    "bases": [{"name": "tiny", "dtype": "float32"}],
    "corpora": [{"name": "notes", "max_length": 64, "sha256": "cd" * 32}],
    "methods": [
        {"label": "lora", "spec": {"name": "lora", "warmup": 0.2}, "learning_rates": [3e-4, 1e-3]},
        {"label": "prompt(tokens=50)", "spec": {"name": "prompt", "warmup": 0.2}, "learning_rates": [1e-2, 3e-2]},
    ],
    "attacks": [{"label": "loss"}, {"label": "ref"}],
}


@pytest.fixture(scope="session")
def written(one_corpus: Results, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the report on one corpus, written once."""
    return write_report(one_corpus, tmp_path_factory.mktemp("report")).parent


def _unmeasured(results: Results) -> Results:
    """The same before anything was measured: no figure but that of the search."""
    return replace(results, estimates=pl.DataFrame(schema=ESTIMATES), scores=pl.DataFrame(schema=SCORES))


def _facts(results: Results, **changes: Any) -> Results:
    return replace(results, facts=replace(results.facts, **changes))


def test_page_fetches_and_runs_nothing(page: str) -> None:
    reader = _read(page)
    assert all(reference.startswith("#") for reference in reader.fetched)
    assert not {"script", "link", "iframe", "object", "img"} & set(reader.tags)
    assert not re.search(r"@import|url\((?!#)", page)
    assert len(reader.ids) == len(set(reader.ids))
    references = {reference[1:] for reference in reader.fetched} | set(re.findall(r"url\(#([^)]+)\)", page))
    assert references <= set(reader.ids)


def test_page_holds_every_part(page: str) -> None:
    assert page.count("<svg") == 2 * 9
    for part in (
        ".78 [.74, .82]",
        "4 bits, de-quantized",
        "cd" * 32,
        "with uncommitted changes",
        "auc|cells:2",
        "chance",
    ):
        assert part in page
    assert "notes-0" not in page, "the page shows no record ids"


def test_names_are_escaped_in_text_and_figures(renamed: Callable[[dict[str, str]], Results]) -> None:
    page = render(renamed({old: f"{NASTY}-{old}" for old in ("lora", "notes", "tiny", "ref", "small")}))
    assert "script" not in _read(page).tags
    for old in ("lora", "notes", "tiny", "ref", "small"):
        assert f"&lt;script&gt;alert(&#34;$x$ &amp; y&#34;)&lt;/script&gt;-{old}" in page


@pytest.mark.parametrize("name", ["_hidden", "$a$b", "模型", "x[0]{1}", "a & <b>"])
def test_odd_names_in_figures(name: str) -> None:
    panel = Panel(x="x", y=name)
    panel.explain(panel.axes.plot([1, 2], [1, 2])[0], name)
    svg = panel.svg(name)
    texts = ["".join(one.itertext()).strip() for one in ET.fromstring(svg).iter() if one.tag.endswith("text")]
    assert texts.count(name) == 2


def test_many_methods_have_looks_of_their_own() -> None:
    assert len({(look(index).color, look(index).dashes) for index in range(18)}) == 18


@pytest.mark.parametrize(("low", "high"), [(5.6, 6.1), (6, 20), (30, 77), (20, 4000)])
def test_a_log_axis_has_plain_labels(low: float, high: float) -> None:
    panel = Panel(x="x", y="y")
    panel.axes.plot([1, 2], [low, high])
    log_axis(panel.axes.yaxis, values=[low, high])
    ticks = [tick for tick in panel.axes.get_yticks() if 0.95 * low <= tick <= 1.05 * high]
    assert 2 <= len(ticks) <= 12


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [(0.1, 0.3, ["0.1", "0.3"]), (1e-5, 1e-2, ["1e-05", "0.0001", "0.001", "0.01"]), (0.4, 0.7, ["0.4", "0.7"])],
)
def test_learning_rates_have_plain_labels(low: float, high: float, labels: list[str]) -> None:
    panel = Panel(x="learning rate", y="loss")
    panel.axes.plot([low, high], [1, 2])
    decades_axis(panel.axes.xaxis, low=low, high=high)
    assert [label.get_text() for label in panel.axes.get_xticklabels()] == labels
    assert "mathdefault" not in panel.svg("rates")


def test_same_results_same_bytes(one_corpus: Results, written: Path, tmp_path: Path) -> None:
    names = ["differences.csv", "estimates.csv", "facts.json", "report.html", "scores.parquet"]
    assert write_report(one_corpus, tmp_path) == tmp_path / "report.html"
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    for name in names:
        assert (tmp_path / name).read_bytes() == (written / name).read_bytes()


def test_data_files_hold_every_number(one_corpus: Results, written: Path) -> None:
    read = pl.read_csv(written / "estimates.csv", schema=ESTIMATES)
    assert _empty_as_null(read).equals(_empty_as_null(one_corpus.estimates))
    assert pl.read_parquet(written / "scores.parquet").equals(one_corpus.scores)


def test_nothing_that_is_not_json_is_written(one_corpus: Results, tmp_path: Path) -> None:
    search = tuple(replace(one, loss=float("nan")) for one in one_corpus.facts.search)
    write_report(_facts(_unmeasured(one_corpus), search=search), tmp_path)
    facts = json.loads((tmp_path / "facts.json").read_text(encoding="utf-8"), parse_constant=pytest.fail)
    assert facts["search"][0]["loss"] is None


def test_a_report_of_before_is_compared_with_what_is_asked_now(one_corpus: Results, tmp_path: Path) -> None:
    """`_BEFORE` is what reports have had beside them since there are any, written down here by hand."""
    (tmp_path / "facts.json").write_text(json.dumps(_BEFORE), encoding="utf-8")
    assert changed_since(one_corpus, tmp_path) == []
    study = one_corpus.facts.study
    longer = replace(study, training=replace(study.training, epochs=4.0, others={"weight_decay": 0.1, "clip": 1.0}))
    fewer = _facts(one_corpus, study=longer, attacks=one_corpus.facts.attacks[:1])
    assert changed_since(fewer, tmp_path) == ["attacks", "epochs", "weight_decay"]


def test_facts_are_json_of_the_shape_of_before(written: Path) -> None:
    facts = json.loads((written / "facts.json").read_text(encoding="utf-8"))
    assert facts["floors"] == ["blind_length", "blind_bow"]
    assert facts["attacks"][1]["assumes"]["passes"] == 2
    assert facts["search"][0]["losses"].keys() == {"1", "3"}
    assert facts["environments"][0]["packages"] == {"torch": "2.13.0"}
    assert {name: facts["study"][name] for name in _BEFORE["study"]} == _BEFORE["study"]


def test_failures_are_shown(one_corpus: Results) -> None:
    page = render(_facts(_unmeasured(one_corpus), failures=(Failed("train lora", "loss is NaN <at step 3>"),)))
    assert "1 part(s) of the study failed" in page
    assert "loss is NaN &lt;at step 3&gt;" in page


def test_nothing_measured_yet(one_corpus: Results) -> None:
    page = render(_facts(_unmeasured(one_corpus), environments=(), seconds={}, search=()))
    assert "<svg" not in page
    assert "No method has been measured" in page


def test_one_method_missing(one_corpus: Results) -> None:
    only = pl.col("method").is_null() | (pl.col("method") != "lora")
    page = render(
        replace(one_corpus, estimates=one_corpus.estimates.filter(only), scores=one_corpus.scores.filter(only))
    )
    assert page.count("<svg") == 7, "the last checkpoint of the other is its best: one ROC"
    assert "lora not measured" in page


def test_one_fold_and_one_checkpoint(one_corpus: Results) -> None:
    estimates = one_corpus.estimates.filter(pl.col("method").is_null() | (pl.col("epoch") == 3.0))
    estimates = estimates.with_columns(is_best=pl.lit(value=True), is_last=pl.lit(value=True))
    one = replace(one_corpus, estimates=estimates, scores=one_corpus.scores.filter(pl.col("fold") == "A"))
    assert "One fold" in render(_facts(one, study=replace(one_corpus.facts.study, folds=1)))


def test_densities_need_the_loss_attack(one_corpus: Results) -> None:
    without = replace(one_corpus, scores=one_corpus.scores.filter(pl.col("attack") != "loss"))
    without = _facts(without, attacks=one_corpus.facts.attacks[1:])
    last = next(one for one in drawings(without, sections(without)[0]) if one.title == "Densities of the loss")
    assert last.svg == ""
    assert "the attack loss" in last.caption


def test_all_numbers_refused(one_corpus: Results) -> None:
    refused = one_corpus.estimates.with_columns(
        *(pl.lit(None, dtype=pl.Float64).alias(name) for name in ("value", "low", "high")),
        reason=pl.lit("too few texts"),
    )
    page = render(replace(one_corpus, estimates=refused))
    assert "too few texts" in page
    assert "all are refused or not measured" in page


def test_a_folder_that_cannot_be_written(one_corpus: Results, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file", encoding="utf-8")
    with pytest.raises(StoreError, match="Cannot write"):
        write_report(_unmeasured(one_corpus), tmp_path / "taken")


def _empty_as_null(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.col(pl.String).replace("", None))
