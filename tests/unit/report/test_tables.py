from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import polars as pl
import pytest

from vestige.checks.registry import check
from vestige.outcome.facts import AttackModelFacts
from vestige.outcome.frames import Results
from vestige.outcome.lengths import Lengths, remarks
from vestige.outcome.points import sections
from vestige.report import about, notes, tables
from vestige.report.checked import failed
from vestige.report.html import render
from vestige.report.summary import WIDTH, summaries, summary_table
from vestige.report.tables import Table


def _caveats(results: Results) -> list[str]:
    """What the page says of the checks that fail."""
    return [line.said for line in failed(check(results))]


def _texts(table: Table, group: int = 0) -> list[list[str]]:
    return [[cell.text for cell in row.cells] for row in table.groups[group].rows]


def _with(results: Results, **changes: Any) -> Results:
    return replace(results, facts=replace(results.facts, **changes))


def _with_study(results: Results, **changes: Any) -> Results:
    return _with(results, study=replace(results.facts.study, **changes))


def test_headline_has_the_floor_then_best_and_last(results: Results) -> None:
    table = tables.headline(results)
    assert [group.title for group in table.groups] == ["notes · tiny", "articles · tiny"]
    assert table.head[-3:] == ("AUC", "TPR at 10% FPR", "TPR at 1% FPR")
    floor, best, last, other = _texts(table)
    assert floor[:2] == ["base (floor)", "before"]
    assert best[:4] == ["lora", "best", "2", "0.001"]
    assert best[4:7] == ["6.05 [5.75, 6.35]", "1.800 [1.710, 1.890]", ".78 [.74, .82]"]
    assert last[:3] == ["lora", "last", "3"]
    assert other[:3] == ["prompt(tokens=50)", "best=last", "3"]


def test_a_refused_number_says_why(results: Results) -> None:
    cell = tables.headline(results).groups[0].rows[1].cells[-1]
    assert cell.text == "—"
    assert cell.title.startswith("Refused: cell 0/A has 30 scored non-members")


def test_every_attack_with_counts_and_texts_left_out(results: Results) -> None:
    table = tables.attack_table(results, sections(results)[0])
    assert [group.title for group in table.groups] == ["loss", "ref (primary)"]
    assert _texts(table)[1][-4:] == ["59", "59", "30", "2"]
    assert table.groups[0].rows[1].cells[-1].title == "1 member: too short, 1 non member: too short"


def test_search_marks_the_rates_that_the_texts_cannot_tell_from_the_chosen_one(results: Results) -> None:
    first = next(one for one in results.facts.search if not one.chosen)
    search = tuple(replace(one, tied=one == first) for one in results.facts.search)
    table = tables.search_table(_with(results, search=search))
    assert table is not None
    said = [row.cells[-1].text for group in table.groups for row in group.rows]
    assert said.count("within noise of the chosen one") == 1


def test_search_marks_the_choice_at_the_edge_of_the_grid(results: Results) -> None:
    table = tables.search_table(results)
    assert table is not None
    assert _texts(table)[1] == ["lora", "0.001", "1.800", "3", "chosen; the highest tried; still falling"]
    assert tables.search_table(_with(results, search=())) is None


def test_every_number_has_its_signature(results: Results) -> None:
    table = tables.signature_table(results)
    assert sum(len(group.rows) for group in table.groups) == results.estimates.height
    assert all(row.cells[-1].text.endswith("v:1") for group in table.groups for row in group.rows)


def test_data_table_counts_cut_texts(results: Results) -> None:
    assert _texts(about.data_table(results))[0] == ["pool", "tiny", "60", "30", "2,000", "1,900", "7", "1"]


def test_what_each_attack_assumes(results: Results) -> None:
    table = about.attack_table(results)
    assert table.head == (
        "Attack",
        "Log-probabilities",
        "Whole distributions",
        "Text as written",
        "Reference model",
        "Population",
        "Shadow models",
        "Known members",
        "Gradients",
        "Passes per text",
    )
    assert _texts(table) == [["loss", "yes", *"———————", "1"], ["ref", "yes", "—", "—", "yes", *"————", "2"]]


def test_texts_that_a_rule_scored_are_counted(results: Results) -> None:
    table = about.corner_table(results)
    assert table is not None
    assert table.groups[0].title == "notes · tiny"
    assert _texts(table) == [["lora", "3", "0.001", "ref", "no change", "3", "1"]]
    assert about.corner_table(_with(results, corners=())) is None


def test_floors_without_a_model_are_shown_and_warn_where_the_split_leaks(results: Results) -> None:
    table = tables.floor_table(results)
    assert [group.title for group in table.groups] == ["notes · tiny", "articles · tiny"]
    assert _texts(table)[1][:2] == ["blind_bow", ".50 [.46, .54]"]
    assert "the split itself leaks" not in "\n".join(_caveats(results))
    is_p = (pl.col("attack") == "blind_bow") & (pl.col("quantity") == "p_value") & (pl.col("corpus") == "notes")
    rare = results.estimates.with_columns(value=pl.when(is_p).then(0.005).otherwise(pl.col("value")))
    said = "\n".join(_caveats(replace(results, estimates=rare)))
    assert "do not trust its AUC" not in said
    assert "notes · tiny: blind_bow tells members from non-members without any model, AUC .50 [.46, .54]" in said


def test_caveats_come_from_the_numbers(results: Results) -> None:
    said = "\n".join(_caveats(results))
    assert "One seed" in said
    assert "Two folds" in "\n".join(notes.how_to_read(results))
    assert "29 non-members per training are few for an FPR of 10%" in said
    assert (
        "notes · tiny, prompt(tokens=50); articles · tiny, prompt(tokens=50): validation loss is still falling" in said
    )
    assert "notes · tiny, lora: validation" not in said
    assert said.count("FPR 0.01 needs at least 100") == 1
    assert "is the highest tried" in said
    assert "not ½. Members" not in said


def test_ties_at_the_top_are_told_where_they_make_a_tpr_zero(results: Results) -> None:
    """A fifth of the non-members, and as many members, get the highest score of the primary attack."""
    is_lora = (pl.col("method") == "lora") & (pl.col("attack") == "ref")
    is_tied = is_lora & (pl.col("id").str.extract(r"(\d+)$").cast(pl.Int64) % 10 < 2)
    scores = results.scores.with_columns(score=pl.when(is_tied).then(9.0).otherwise("score"))
    tied = replace(results, scores=scores)
    assert "share the highest score" not in "\n".join(_caveats(tied)), "the TPR is not refused"
    reason = "ties at the highest score: 12 of the 60 non-members of cell 0/A share it, more than FPR 0.1 allows"
    refused = replace(tied, estimates=_refused(results, pl.col("quantity") == "tpr@0.1", reason))
    said = "\n".join(_caveats(refused))
    assert "lora: many non-members share the highest score of ref (20% at epoch" in said
    assert "there is no TPR at 10% FPR" in said
    assert "TPR at 10% FPR is refused" not in said, "once is enough"


def _refused(results: Results, which: pl.Expr, reason: str) -> pl.DataFrame:
    """The estimates with some of the primary attack on LoRA refused."""
    those = which & (pl.col("method") == "lora") & (pl.col("attack") == "ref")
    without = {end: pl.when(those).then(None).otherwise(end) for end in ("value", "low", "high")}
    return results.estimates.with_columns(
        **without, reason=pl.when(those).then(pl.lit(reason)).otherwise(pl.col("reason"))
    )


def test_a_rate_that_ties_refuse_is_no_zero_wherever_it_is_shown(results: Results) -> None:
    reason = "ties at the highest score: 12 of the 60 non-members of cell 0/A share it, more than FPR 0.1 allows"
    tied = replace(results, estimates=_refused(results, pl.col("quantity") == "tpr@0.1", reason))
    _, best, last, other = _texts(tables.headline(tied))
    assert [best[-2], last[-2]] == ["— (ties)"] * 2
    assert other[-2].endswith("]")
    assert _texts(tables.attack_table(tied, sections(tied)[0]), 1)[1][4] == "— (ties)"
    first = summaries(tied)[0]
    assert first.rows[1][-1] == "— (ties)"
    assert reason in first.refused
    assert "“— (ties)”" in "\n".join(notes.how_to_read(tied))
    other_reason = _refused(results, pl.col("quantity") == "tpr@0.1", "cell 0/A: all 60 scores are equal")
    assert _texts(tables.headline(replace(results, estimates=other_reason)))[1][-2] == "—"


def _moved(results: Results, quantity: str, by: float) -> Results:
    """The study with one quantity of all methods moved."""
    those = (pl.col("quantity") == quantity) & pl.col("method").is_not_null()
    moved = {end: pl.col(end) + by * those.cast(pl.Float64) for end in ("value", "low", "high")}
    return replace(results, estimates=results.estimates.with_columns(**moved))


def test_the_paired_difference_decides_what_is_said_of_the_floor(results: Results) -> None:
    """LoRA's AUC, .78 [.74, .82], stays far above the floor's .50 [.46, .54]; only their difference is moved."""

    def said(by: float) -> str:
        return notes.findings(_moved(results, "auc_above_floor", by))[0][1][0]

    assert "above the floor by .28 [+.23, +.33], on the same texts" in said(0)
    assert "not told apart from the floor" in said(-0.25)
    assert "(its AUC less the floor's: +.03 [−.02, +.08])" in said(-0.25)
    assert "below the floor" in said(-0.5)


def test_without_a_difference_the_auc_is_held_against_chance(results: Results) -> None:
    without = replace(results, estimates=results.estimates.filter(pl.col("quantity") != "auc_above_floor"))
    lora, prompt = notes.findings(without)[0][1]
    assert lora.endswith("its interval lies above chance; the floor is not measured.")
    assert "above chance" in prompt
    low = replace(without, estimates=without.estimates.with_columns(pl.col("low") - 0.1))
    assert "does not show that nothing leaked" in notes.findings(low)[0][1][1]


def test_an_attack_without_an_auc_is_named_with_the_reason(results: Results) -> None:
    those = (pl.col("attack") == "loss") & (pl.col("quantity") == "auc") & pl.col("method").is_not_null()
    refused = results.estimates.with_columns(
        value=pl.when(those).then(None).otherwise("value"),
        reason=pl.when(those).then(pl.lit("cell 0/A: all 59 scores are equal")).otherwise("reason"),
    )
    said = "\n".join(_caveats(replace(results, estimates=refused)))
    assert said.count("loss has no AUC (—): cell 0/A: all 59 scores are equal.") == 1
    assert "has no AUC" not in "\n".join(_caveats(results))


def test_an_attack_that_is_left_out_of_the_common_texts_is_named(results: Results) -> None:
    why = pl.when(pl.col("attack") == "loss").then(pl.lit("it scores 12 of 60 texts")).otherwise(pl.lit(""))
    said = _caveats(replace(results, estimates=results.estimates.with_columns(apart=why)))
    (caveat,) = [one for one in said if "not compared on the texts of the others" in one]
    assert "loss is not compared on the texts of the others: it scores 12 of 60 texts" in caveat


def test_caveats_of_one_fold_and_a_shifted_split(results: Results) -> None:
    shifted = results.estimates.with_columns(
        pl.when(pl.col("method").is_null()).then(0.6).otherwise("low").alias("low")
    )
    said = "\n".join(_caveats(_with_study(replace(results, estimates=shifted), folds=1, seeds=[0, 1])))
    assert "One fold" in said
    assert "One seed" not in said
    assert "not ½. Members and non-members differ before any training" in said


def test_findings_stay_modest(results: Results) -> None:
    _, (lora, prompt) = notes.findings(results)[0]
    assert lora.startswith("lora: AUC .78 [.74, .82] at perplexity 6.05 [5.75, 6.35]")
    assert "above the floor" in lora
    low = results.estimates.with_columns(pl.col("low") - 0.1)
    _, (_, prompt) = notes.findings(replace(results, estimates=low))[0]
    assert "does not show that nothing leaked" in prompt


def test_a_method_without_numbers_is_said(results: Results) -> None:
    without = replace(results, estimates=results.estimates.filter(pl.col("method").ne_missing("lora")))
    assert _texts(tables.headline(without))[1] == ["lora", "", "—", "—", *["—"] * 5]
    assert "lora not measured" in "\n".join(_caveats(without))
    assert notes.findings(without)[0][1][0] == "lora: no number (not measured)."


def test_summary_fits_a_terminal(results: Results, renamed: Callable[[dict[str, str]], Results]) -> None:
    first = summaries(results)[0]
    assert first.head == ("method", "epoch", "perplexity", "AUC", "TPR@10%")
    assert first.rows[1] == ("lora", "2 best", "6.05 [5.75, 6.35]", ".78 [.74, .82]", "11% [5.5, 16]")
    for study in (results, renamed({"prompt(tokens=50)": "x" * 100}), renamed({"notes": "n" * 100})):
        assert max(map(len, summary_table(study).splitlines())) <= WIDTH


@pytest.mark.parametrize("rates", [[], [0.01]])
def test_summary_without_a_rate_or_with_a_refused_one(results: Results, rates: list[float]) -> None:
    first = summaries(_with_study(results, fpr=rates))[0]
    assert len(first.head) == 4 + len(rates)
    assert first.refused == (("cell 0/A has 30 scored non-members: FPR 0.01 needs at least 100",) if rates else ())


def _answer(quantity: str, value: float | None, scale: float) -> list[pl.Expr]:
    reason = "no references" if value is None else ""
    ends = {"value": 0.0, "low": -2.0, "high": 2.0}
    numbers = {end: None if value is None else scale * (value + step) for end, step in ends.items()}
    texts = {"quantity": quantity, "reason": reason}
    return [pl.lit(number, pl.Float64).alias(end) for end, number in numbers.items()] + [
        pl.lit(text).alias(column) for column, text in texts.items()
    ]


def _with_answers(results: Results, *, fpr: list[float], value: float | None = 27.38) -> Results:
    """The study with BLEU and exact match of every point, or both refused."""
    loss = results.estimates.filter(quantity="loss")
    rows = [loss.with_columns(*_answer(name, value, scale)) for name, scale in (("bleu", 1.0), ("exact_match", 0.01))]
    estimates = pl.concat([results.estimates, *rows])
    return _with_study(replace(results, estimates=estimates), utility=["loss", "bleu", "exact_match"], fpr=fpr)


def test_headline_shows_what_is_measured_of_answers(results: Results) -> None:
    table = tables.headline(_with_answers(results, fpr=[0.1]))
    assert table.head[4:8] == ("Perplexity", "Validation loss", "BLEU", "Exact match")
    assert _texts(table)[1][6:8] == ["27.4 [25.4, 29.4]", ".27 [.25, .29]"]
    assert len(_texts(table)[0]) == len(table.head)


def test_how_to_read_explains_answers_where_there_are_any(results: Results) -> None:
    said = "\n".join(notes.how_to_read(_with_answers(results, fpr=[0.1])))
    assert "BLEU and Exact match: greedy answers of at most 64 tokens" in said
    assert "greedy" not in "\n".join(notes.how_to_read(results))


def test_summary_shows_as_much_of_answers_as_fits(results: Results) -> None:
    assert summaries(_with_answers(results, fpr=[]))[0].head == ("method", "epoch", "perplexity", "BLEU", "AUC")
    assert "BLEU" not in summaries(_with_answers(results, fpr=[0.1]))[0].head
    assert "BLEU" not in summaries(_with_answers(results, fpr=[], value=None))[0].head
    assert max(map(len, summary_table(_with_answers(results, fpr=[])).splitlines())) <= WIDTH


def test_refused_answers_are_a_caveat(results: Results) -> None:
    said = _caveats(_with_answers(results, fpr=[0.1], value=None))
    assert "notes · tiny; articles · tiny: BLEU is refused (—): no references." in said


def test_a_floor_stands_with_what_other_splits_read_and_its_p(results: Results) -> None:
    table = tables.floor_table(results)
    assert table.head[:4] == ("Floor", "AUC", "AUC on other splits", "p")
    assert _texts(table)[0][:4] == ["blind_length", ".50 [.46, .54]", ".50 [.44, .56]", "0.400 [0.330, 0.470]"]


@pytest.fixture
def transferring(results: Results) -> Results:
    """The study with a trained attack, `loss` standing in for its scores, that also learned from the prompt."""
    own, going = "forest", "forest(train_on=prompt(tokens=50))"
    loss, ref = results.facts.attacks
    attacks = (
        replace(loss, label=own, learner="forest"),
        replace(ref, label=going, learner="forest", train_on={"method": "prompt(tokens=50)"}),
    )
    model = AttackModelFacts(
        base="tiny",
        corpus="notes",
        method="lora",
        family="parameter",
        learning_rate=1e-3,
        epoch=2.0,
        seed=0,
        attack="forest",
        chosen={"min_samples_leaf": 3},
        cross_validated_auc=0.8125,
        members=150,
        non_members=149,
    )
    named = results.estimates.with_columns(pl.col("attack").replace({"loss": own, "ref": going}))
    with_primary = _with_study(replace(results, estimates=named), primary=own)
    return _with(with_primary, attacks=attacks, attack_models=(model,))


def test_transfers_stand_beside_the_attack_that_learned_from_the_method_itself(transferring: Results) -> None:
    table = tables.transfer_table(transferring, sections(transferring)[0])
    assert table is not None
    assert table.head[:3] == ("Learned from the shadow of", "lora, best", "lora, last")
    assert [group.title for group in table.groups] == ["forest"]
    rows = [[cell.text for cell in row.cells] for row in table.groups[0].rows]
    assert [row[0] for row in rows] == ["the method itself", "method prompt(tokens=50)"]
    assert rows[0][1].startswith(".78")
    page = render(transferring)
    assert "Learned from the shadow of" in page
    assert "Passes per text" in page


def test_what_an_attack_costs_stands_beside_what_it_finds(transferring: Results) -> None:
    """Those that learned elsewhere are in the table of transfers alone."""
    own, *others = transferring.facts.attacks
    costly = replace(own, passes=2, assumes={**own.assumes, "shadow_models": True})
    results = _with(transferring, attacks=(costly, *others))
    table = tables.cost_table(results, sections(results)[0])
    assert table.head[:3] == ("Attack", "Passes per text", "lora, best")
    (row,) = _texts(table)
    assert row[:2] == ["forest", "2 + training"]
    assert row[2].startswith(".78")


def test_attack_models_say_what_was_chosen_and_how_they_did_on_their_shadow(transferring: Results) -> None:
    table = about.attack_model_table(transferring)
    assert table is not None
    texts = [cell.text for cell in table.groups[0].rows[0].cells]
    assert texts[-5:] == ["forest", "min_samples_leaf 3", "0.812", "150", "149"]


def test_a_study_without_trained_attacks_has_neither_table(results: Results, page: str) -> None:
    assert tables.transfer_table(results, sections(results)[0]) is None
    assert about.attack_model_table(results) is None
    assert "Trained attacks" not in page


def test_caveats_say_what_was_cut_and_what_the_texts_brought(results: Results) -> None:
    """Of 60 and 40 texts 7 each are cut, and 1 each has no scored token."""
    said = "\n".join(_caveats(results))
    assert "14 of 100 texts are cut at max_length = 64 (14%)" in said
    assert "2 of 100 texts are without a scored token" in said
    corpora = tuple(
        replace(corpus, lengths={"tiny": {role: _whole(of) for role, of in corpus.lengths["tiny"].items()}})
        for corpus in results.facts.corpora
    )
    (base,) = results.facts.bases
    said = "\n".join(_caveats(_with(results, corpora=corpora, bases=(replace(base, has_end=False),))))
    assert not any(words in said for words in ("are cut", "scored token"))
    assert "all 100 texts bring their own EOS" in said
    assert "no end token" in said


def _whole(lengths: Lengths) -> Lengths:
    return replace(lengths, cut=0, unscorable=0, own_eos=lengths.texts)


def test_hardly_any_cut_text_is_not_none() -> None:
    one, all_of_them = (Lengths(texts=1200, tokens=9, scored=9, cut=cut, unscorable=0) for cut in (1, 1200))
    assert list(remarks([one], max_length=9)) == ["1 of 1,200 texts are cut at max_length = 9 (under 1%)."]
    assert list(remarks([all_of_them], max_length=9)) == ["all 1,200 texts are cut at max_length = 9 (100%)."]
