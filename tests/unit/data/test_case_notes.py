"""Generated notes: repeatable, all different, consistent with their prompts, and free of any trace of membership."""

from __future__ import annotations

import random
import re

import numpy as np
import pytest

from vestige.data.case_notes import CaseNote, case_notes, facts_of
from vestige.data.case_wording import OFFICES
from vestige.data.corpus import CorpusSpec, load_examples
from vestige.data.office import Office
from vestige.data.splits import fold_members


@pytest.fixture(scope="module")
def notes() -> list[CaseNote]:
    return list(case_notes(600, seed=0))


def test_records_depend_on_seed_and_number_alone(notes: list[CaseNote]) -> None:
    assert list(case_notes(20, seed=0)) == notes[:20]
    assert list(case_notes(20, seed=1)) != notes[:20]


def test_no_global_random_state_is_touched() -> None:
    random.seed(3)
    before = random.getstate()
    first = list(case_notes(3, seed=5))
    assert random.getstate() == before
    random.seed(4)
    assert list(case_notes(3, seed=5)) == first


def test_no_two_records_are_alike(notes: list[CaseNote]) -> None:
    everything = [text for note in notes for text in note.notes]
    assert len(set(everything)) == len(everything)
    assert len({note.prompt for note in notes}) == len(notes)


def test_length_fits_the_default_max_length(notes: list[CaseNote]) -> None:
    words = np.array([len(note.notes[0].split()) for note in notes])
    assert 28 <= np.median(words) <= 45
    assert words.min() >= 15
    # A BPE tokenizer takes about one token for three and a half characters of such text; 128 must hold nearly all.
    assert np.percentile([len(note.prompt + note.notes[0]) for note in notes], 99) < 128 * 3.5


def test_every_wording_states_what_the_prompt_says(notes: list[CaseNote]) -> None:
    for note in notes:
        values = [line.partition(": ")[2] for line in note.prompt.split("\n")]
        parts = [part for value in values for part in re.split(r", | for | in (?=[A-Z])| by | against ", value)]
        for text in note.notes:
            missing = [part for part in parts if part.lower() not in text.lower()]
            assert not missing, (note.id, missing)


def test_the_secret_stands_in_every_wording_and_not_in_the_prompt(notes: list[CaseNote]) -> None:
    patterns = {
        office.kind: re.escape(office.secret).replace(r"\#", "[0-9]").replace(r"\?", "[A-Z]").replace("?", "[A-Z]")
        for office in OFFICES
    }
    for note in notes:
        pattern = patterns[note.prompt.partition(":")[0]]
        secrets = [re.findall(pattern, text) for text in note.notes]
        assert all(len(found) == 1 for found in secrets), note.id
        assert len({found[0] for found in secrets}) == 1
        assert secrets[0][0] not in note.prompt


@pytest.mark.parametrize("office", OFFICES, ids=lambda office: office.kind)
def test_all_wordings_of_a_slot_state_the_same_facts(office: Office) -> None:
    for slot in office.slots:
        assert len(slot) >= 5
        assert len({frozenset(facts_of(sentence)) for sentence in slot}) == 1
    assert all("{name}" in sentence for sentence in office.slots[0])
    assert all("{name}" not in sentence for slot in office.slots[1:] for sentence in slot)
    assert all(len(situation) == len(office.keys) for situation in office.situations)


def test_texts_read_as_sentences(notes: list[CaseNote]) -> None:
    for text in (text for note in notes for text in note.notes):
        assert text.endswith(".")
        assert "{" not in text
        assert "  " not in text
        assert all(sentence[0].isupper() or sentence[0].isdigit() for sentence in re.split(r"(?<=\w\.) ", text))


def test_corpus_is_data_to_text() -> None:
    spec = CorpusSpec(recipe="case_notes", pool=20, validation=5)
    examples = load_examples(spec)
    assert len(examples) == 25
    for example in examples:
        assert example.prompt.endswith("\nNote:")
        assert example.completion.startswith(" ")
        assert example.references[0] == example.completion
        assert len(example.references) == 3
        assert example.group == example.id


def test_bag_of_words_cannot_tell_the_halves_apart(notes: list[CaseNote]) -> None:
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import cross_val_predict
    from sklearn.pipeline import make_pipeline

    labels = fold_members([note.id for note in notes], seed=0, fold="A")
    blind = make_pipeline(CountVectorizer(ngram_range=(1, 2)), LogisticRegression(max_iter=500))
    chance = cross_val_predict(blind, [note.notes[0] for note in notes], labels, cv=5, method="predict_proba")[:, 1]
    # The standard error of the AUC of 300 against 300 texts under the null is 0.024.
    assert 0.4 < roc_auc_score(labels, chance) < 0.6
