"""How the scores of a record are broken into lines."""

from __future__ import annotations

from vestige.cli.records import wrapped


def test_a_score_stays_with_its_name_and_no_name_is_broken() -> None:
    scores = ["loss -0.0873 (0.021)", "ez 1 (0.140)", "wbc 1", 'ref(reference="shadow") 1.35 (0.010)']
    assert wrapped(scores, room=24).split("\n") == [
        "loss -0.0873 (0.021)",
        "ez 1 (0.140)  wbc 1",
        'ref(reference="shadow")',
        "1.35 (0.010)",
    ]
