"""Words of any script, and the scores of answers that are their references, in scripts that are not Latin."""

from __future__ import annotations

import random
import string
import unicodedata
from typing import Any

import numpy as np
import pytest
import sacrebleu
from rouge_score.rouge_scorer import RougeScorer
from rouge_score.tokenize import tokenize

from vestige.metrics import Bootstrap, text_utility
from vestige.metrics.measures import MEASURES, TEXT_QUANTITIES
from vestige.metrics.words import is_mostly_chinese, is_mostly_unspaced, words
from vestige.records import Generations

SCRIPTS = {
    "Chinese": ["病人今天感觉好多了", "医生建议他继续服药", "下周三再来医院复查"],
    "Japanese": ["患者は今日は元気です", "医者は薬を処方した", "来週の水曜日に来院"],
    "Thai": ["วันนี้ผู้ป่วยดีขึ้น", "แพทย์สั่งยาเพิ่ม", "นัดพบสัปดาห์หน้า"],
    "Khmer": ["អ្នកជំងឺមានអារម្មណ៍ល្អ", "វេជ្ជបណ្ឌិតឱ្យថ្នាំ", "មកវិញសប្តាហ៍ក្រោយ"],
    "Burmese": ["လူနာသည်ယနေ့ပိုကောင်းသည်", "ဆရာဝန်ကဆေးပေးသည်", "နောက်အပတ်ပြန်လာပါ"],
    "Korean": ["환자는 오늘 더 나아졌다", "의사가 약을 처방했다 오늘", "다음 주에 다시 오십시오"],
    "Tamil": ["நோயாளி இன்று நன்றாக இருக்கிறார்", "மருத்துவர் மருந்து கொடுத்தார் இன்று", "அடுத்த வாரம் மீண்டும் வாருங்கள்"],
    "Hebrew": ["החולה מרגיש היום טוב יותר", "הרופא רשם לו תרופה חדשה", "לחזור בעוד שבוע לביקורת"],
    "Greek": ["ο ασθενής είναι καλύτερα σήμερα", "ο γιατρός έγραψε ένα φάρμακο", "να έρθει ξανά την επόμενη εβδομάδα"],
    "three words": ["weiße Mäuse schlafen", "größere Ängste überwinden", "süßer Brei übrig"],
    "one word": ["Paris", "Rome", "Bern"],
    "emoji": ["🙂🙂👍🏽", "🚀🚀🌕", "🐟🐟🍚"],
    "mathematics": ["∑∫→∞", "≤≥≠±", "√∂∇∆"],
}


def score(quantity: Any, answers: list[str], references: list[str]) -> float:
    ids = np.array([f"t{place}" for place in range(len(answers))])
    cell = Generations(ids, tuple(answers), np.array([""] * len(answers)))
    groups = np.array([""] * len(answers))
    found = text_utility(
        quantity, [cell], references=[[one] for one in references], groups=groups, bootstrap=Bootstrap(samples=100)
    )
    assert found.value is not None
    return found.value


OF_WORDS = [quantity for quantity in TEXT_QUANTITIES if quantity != "final_number"]


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("quantity", OF_WORDS)
def test_the_reference_itself_has_the_best_score_in_any_script(quantity: Any, script: str) -> None:
    texts, best = SCRIPTS[script], 100.0 if quantity in ("bleu", "chrf") else 1.0
    assert score(quantity, texts, texts) == pytest.approx(best)
    assert score(quantity, ["", "", ""], texts) == 0
    assert score(quantity, texts[1:] + texts[:1], texts) < 0.5 * best


@pytest.mark.parametrize("quantity", OF_WORDS)
def test_two_spellings_of_one_letter_are_one(quantity: Any) -> None:
    texts = ["le café était fermé hier", "où est la forêt là-bas", "ça va bien à l'école"]
    decomposed = [unicodedata.normalize("NFD", text) for text in texts]
    assert decomposed != texts
    assert score(quantity, decomposed, texts) == pytest.approx(score(quantity, texts, texts))


def test_words_of_ascii_are_those_of_rouge_score() -> None:
    chance = random.Random(0)
    for _ in range(2000):
        text = "".join(chance.choices(string.printable, k=chance.randint(0, 60)))
        assert words(text) == tokenize(text, None)
    for text in (string.punctuation, "a_b-c'd 3.14", "...", "", " \t\n", "Don't", "ABC123x"):
        assert words(text) == tokenize(text, None)


def test_scores_of_ascii_are_those_of_rouge_score() -> None:
    chance = random.Random(1)
    texts = ["".join(chance.choices("abc ,.!-_ABC1 2", k=40)) for _ in range(60)]
    scorer = RougeScorer(["rougeL"])
    truth = [scorer.score(one, other)["rougeL"].fmeasure for one, other in zip(texts[:30], texts[30:], strict=True)]
    assert score("rouge_l", texts[30:], texts[:30]) == pytest.approx(np.mean(truth), abs=1e-12)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Für Ärzte, übrig!", ["für", "ärzte", "übrig"]),
        ("मरीज़ आज बेहतर है।", ["मरीज़", "आज", "बेहतर", "है"]),
        ("病人 ok 了", ["病", "人", "ok", "了"]),
        ("ผู้ป่วย", ["ผู้", "ป่", "ว", "ย"]),
        ("می\u200cشود خوب", ["میشود", "خوب"]),
        ("20 °C © x", ["20", "c", "x"]),
        ("ok👍🏽👍", ["ok", "👍🏽", "👍"]),
        ("→∑", ["→", "∑"]),
    ],
)
def test_words_by_hand(text: str, expected: list[str]) -> None:
    assert words(text) == [unicodedata.normalize("NFC", one) for one in expected]


def test_the_signature_names_the_tokens() -> None:
    def signature(quantity: Any, *texts: str) -> str:
        return MEASURES[quantity]([[text] for text in texts]).signature

    assert "|tok:13a|" in signature("bleu", "the cat sat on the mat", "它")
    assert "order:" not in signature("bleu", "the cat sat on the mat", "yes")
    assert "|tok:zh|" in signature("bleu", *SCRIPTS["Chinese"])
    assert "|tok:char|" in signature("bleu", *SCRIPTS["Japanese"])
    assert "|tok:char|" in signature("bleu", *SCRIPTS["Thai"])
    assert signature("bleu", *SCRIPTS["three words"]).endswith("|order:3")
    assert signature("rouge_l", "x").endswith("|tok:unicode")


def test_texts_that_know_of_four_tokens_are_scored_as_sacrebleu_does() -> None:
    answers = ["the cat sat on a mat", "yes"]
    assert score("bleu", answers, ["the cat sat on the mat", "no"]) == pytest.approx(
        sacrebleu.corpus_bleu(answers, [["the cat sat on the mat", "no"]]).score
    )
    chinese = SCRIPTS["Chinese"]
    answers = [text[:6] + "的" for text in chinese]
    truth = sacrebleu.corpus_bleu(answers, [chinese], tokenize="zh").score
    assert score("bleu", answers, chinese) == pytest.approx(truth)


def test_scripts_are_told_apart() -> None:
    assert is_mostly_unspaced(["病人 today"]) is False
    assert is_mostly_unspaced(["ქართული", "ไทย ไทย ไทย ไทย ไทย ไทย"]) is True
    assert is_mostly_chinese(["病人今天"]) is True
    assert is_mostly_chinese(["患者は今日"]) is False
    assert is_mostly_chinese(["ไทย"]) is False
