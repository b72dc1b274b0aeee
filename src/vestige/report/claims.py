"""The claims of a study, side by side: at equal epochs, as they are published, and at equal utility."""

from __future__ import annotations

from vestige.claims.equal_epochs import EqualEpochs
from vestige.claims.equal_utility import EqualUtility
from vestige.claims.judge import Answer, Judged, Ruling, judge
from vestige.claims.published import NOT_OURS
from vestige.claims.sizes import TEST as SIZE_TEST
from vestige.outcome.frames import Results
from vestige.outcome.wording import REFUSED
from vestige.records import Counts, Estimate, Estimated
from vestige.report.tables import Cell, Group, Row, Table, as_cell


def claims_table(results: Results) -> Table | None:
    """A group for each claim, a row for each of its parts: estimate, verdict and the test that decided, under both
    protocols. None where nothing is claimed.
    """
    judged = judge(results)
    if not judged:
        return None
    names = [ruling.protocol for ruling in judged[0].rulings]
    head = ("Claim", *(column for name in names for column in (f"At {name}", f"Verdict at {name}")))
    return Table(head, tuple(map(_group, judged)))


def how_claims_are_tested(results: Results) -> list[str]:
    """A sentence for each protocol: where the methods are held against each other, and where intervals come from."""
    claims = results.facts.study.claims
    protocols = [f"At {one.name}: {one.test}." for one in (EqualEpochs, EqualUtility)] if claims else []
    has_sizes = any(part.grows_with == "size" for claim in claims for part in claim.parts)
    return [*protocols, *([f"Along model size: {SIZE_TEST}."] if has_sizes else [])]


def _group(one: Judged) -> Group:
    rows = [_row(*answers) for answers in zip(*(ruling.answers for ruling in one.rulings), strict=True)]
    together = [_together(*one.rulings)] if len(rows) > 1 else []
    about = f"{NOT_OURS}: {one.claim.published}" if one.claim.published else ""
    return Group((*rows, *together), f"{one.claim.name}: {one.claim.said}", about)


def _row(*answers: Answer) -> Row:
    return Row((Cell(answers[0].part.said), *(cell for answer in answers for cell in _cells(answer))))


def _cells(answer: Answer) -> tuple[Cell, Cell]:
    left_out = answer.measured.without if answer.measured else ()
    without = f" Left out: {'; '.join(left_out)}." if left_out else ""
    decision = answer.decision
    return _number(answer), Cell(f"{decision.verdict}: {decision.why}.{without}", kind=decision.verdict)


def _number(answer: Answer) -> Cell:
    found = answer.measured
    if found is None:
        return Cell(REFUSED, answer.decision.why)
    leakage = "slope" if answer.part.grows_with == "size" else "auc_above_floor"
    quantity = leakage if answer.part.quantity == "leakage" else "loss"
    return as_cell(Estimated(quantity, Estimate(found.value, found.low, found.high, Counts(), answer.part.said)))


def _together(*rulings: Ruling) -> Row:
    verdicts = [(Cell(""), Cell(ruling.verdict, kind=ruling.verdict)) for ruling in rulings]
    return Row((Cell("all together"), *(cell for pair in verdicts for cell in pair)), kind="pick")
