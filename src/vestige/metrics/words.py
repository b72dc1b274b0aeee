"""What a word is, in any script: for ROUGE, and for the choice of BLEU's tokens.

rouge-score's own words are runs of a–z and 0–9, of which a Chinese or Arabic text has none.
"""

from __future__ import annotations

import functools
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable
from typing import Literal

_UNSPACED = (
    (0x0E00, 0x0FFF),  # Thai, Lao, Tibetan
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x1950, 0x19FF),  # Tai Le, New Tai Lue, symbols of Khmer
    (0x1A20, 0x1B7F),  # Tai Tham, Balinese
    (0x2E80, 0x312F),  # radicals, Hiragana, Katakana, Bopomofo
    (0x31A0, 0x31FF),  # more Bopomofo, strokes, Katakana for Ainu
    (0x3400, 0x4DBF),  # Han
    (0x4E00, 0xA4CF),  # Han, Yi
    (0xA980, 0xA9FF),  # Javanese, more Myanmar
    (0xAA60, 0xAADF),  # more Myanmar, Tai Viet
    (0xF900, 0xFAFF),  # Han for compatibility
    (0xFF66, 0xFF9F),  # narrow Katakana
    (0x1AFF0, 0x1B16F),  # old and small kana
    (0x20000, 0x3FFFF),  # Han
)
"""First and last code points of scripts that put no blanks between words."""
_STARTS = [first for first, _ in _UNSPACED]
_PICTURES = 0x2600
"""The first of the emoji; symbols before it (°, ©, ™) are no words, as in ASCII."""
_SKIN_TONES = range(0x1F3FB, 0x1F400)

_JAPANESE = ("HIRAGANA", "KATAKANA")

_Kind = Literal["letter", "single", "mark", "unseen", "gap"]


def words(text: str) -> list[str]:
    """The words of a text in small letters: runs of letters, digits and the marks on them; in scripts that put no
    blanks between words each character with its marks, and each emoji. A text without any that is not ASCII: its
    characters. Of ASCII texts the words are those of rouge-score.
    """
    small = unicodedata.normalize("NFC", text.lower())
    found: list[str] = []
    before: _Kind = "gap"
    for character in small:
        kind = _kind(character)
        if kind == "unseen":
            continue
        if (kind == "mark" and before != "gap") or (kind == "letter" and before == "letter"):
            found[-1] += character
            continue
        if kind != "gap":
            found.append(character)
        before = "letter" if kind == "mark" else kind
    return found if found or text.isascii() else [one for one in small if not one.isspace()]


@functools.lru_cache(maxsize=4096)
def _kind(character: str) -> _Kind:
    category = unicodedata.category(character)
    if category[0] == "M" or ord(character) in _SKIN_TONES:
        return "mark"
    if category == "Cf":  # joiners within a word
        return "unseen"
    is_picture = category == "So" and ord(character) >= _PICTURES
    if is_picture or (category[0] in "LN" and is_unspaced(character)):
        return "single"
    return "letter" if category[0] in "LN" else "gap"


def is_unspaced(character: str) -> bool:
    """Whether its script puts no blanks between words."""
    place = bisect_right(_STARTS, ord(character)) - 1
    return place >= 0 and ord(character) <= _UNSPACED[place][1]


def is_mostly_unspaced(texts: Iterable[str]) -> bool:
    """Whether most letters of the texts are of scripts that put no blanks between words; emoji count among them."""
    unspaced = spaced = 0
    for character in "".join(texts):
        kind = _kind(character)
        unspaced += kind == "single"
        spaced += kind == "letter"
    return unspaced > spaced


def is_mostly_chinese(texts: Iterable[str]) -> bool:
    """Whether most of their characters without blanks are Han, and none is Japanese."""
    singles = [character for character in "".join(texts) if _kind(character) == "single"]
    han = sum(unicodedata.name(character, "").startswith("CJK") for character in singles)
    return 2 * han > len(singles) and not any(unicodedata.name(one, "").startswith(_JAPANESE) for one in singles)
