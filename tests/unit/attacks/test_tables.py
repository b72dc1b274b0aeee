"""Views side by side: what is refused, and in which words."""

from __future__ import annotations

import numpy as np
import pytest

from vestige.attacks import Tables, make_attack
from vestige.attacks.base import COUNTS, Column
from vestige.errors import DataError
from vestige.forms import Lowercase
from vestige.records import TokenCounts, View
from vestige.testing.stats import token_stats

PLAIN = [[-1.0, -2.0], [-3.0]]


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (token_stats(PLAIN, ids=["t1", "t0"]), "same record ids in the same order"),
        (token_stats([[-1.0], [-2.0, -3.0]]), "different tokens"),
    ],
)
def test_views_that_do_not_match_are_refused(other: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        Tables({View("target"): token_stats(PLAIN), View("base"): other})  # type: ignore[dict-item]


def test_other_token_ids_are_refused() -> None:
    one = token_stats(PLAIN, tokens={"token_id": [[1, 2], [3]]})
    other = token_stats(PLAIN, tokens={"token_id": [[1, 2], [4]]})
    with pytest.raises(DataError, match="different tokens"):
        Tables({View("target"): one, View("base"): other})


def test_another_form_of_the_text_may_have_other_tokens() -> None:
    lowercase = View("target", Lowercase())
    tables = Tables({View("target"): token_stats(PLAIN), lowercase: token_stats([[-1.0] * 3, [-1.0]])})
    assert tables.read(Column(lowercase, "logp")).lengths.tolist() == [3, 1]


def test_no_view_and_repeated_ids_are_refused() -> None:
    with pytest.raises(DataError, match="no view"):
        Tables({})
    with pytest.raises(DataError, match="occurs twice"):
        Tables({View("target"): token_stats(PLAIN, ids=["a", "a"])})


def test_what_was_not_collected_is_named() -> None:
    tables = Tables({View("target"): token_stats(PLAIN)})
    with pytest.raises(DataError, match="view base/plain is missing"):
        make_attack("ref").score(tables)
    with pytest.raises(DataError, match="zlib_bytes"):
        make_attack("zlib").score(tables)
    with pytest.raises(DataError, match="no token column 'rank', only logp"):
        tables.read(Column(View("target"), "rank"))
    with pytest.raises(DataError, match="no control"):
        make_attack("loss").control(tables)


def test_is_a_mapping_of_views() -> None:
    tables = Tables({View("target"): token_stats(PLAIN), View("base"): token_stats(PLAIN)})
    assert list(tables) == [View("target"), View("base")]
    assert len(tables) == 2
    assert tables.base_as_target()[View("target")] is tables[View("base")]


def test_token_counts_are_asked_for_and_must_fit_the_vocabulary() -> None:
    tables = Tables({View("target"): token_stats(PLAIN, tokens={"token_id": [[1, 2], [3]]})})
    with pytest.raises(DataError, match="no token counts"):
        make_attack("dc_pdd").score(tables)
    with pytest.raises(DataError, match="vocabulary of 3"):
        make_attack("dc_pdd").score(tables.given(COUNTS, TokenCounts(np.array([1, 1, 1]))))


def test_smoothed_frequencies_of_a_whole_vocabulary_add_up_to_one() -> None:
    frequencies = TokenCounts(np.array([7, 0, 2])).frequencies(np.arange(3))
    assert frequencies.tolist() == [8 / 12, 1 / 12, 3 / 12]


def test_rows_are_the_same_texts() -> None:
    tables = Tables({View("target"): token_stats([[-1.0, -2.0], [-3.0], [-4.0, -5.0, -6.0]])})
    some = tables.rows(1, 3)
    assert some.ids.tolist() == ["t1", "t2"]
    assert some.read(Column(View("target"), "logp")).sums().tolist() == [-3.0, -15.0]
