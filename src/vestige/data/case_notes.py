"""Generated private case notes: invented people, numbers and secrets, so that a first study needs no data and no
network.

A record is a prompt of `field: value` lines and a note that says the same in prose, with secrets that stand in the
note alone (a number, often a date of birth): a model can know those only by having been trained on them. Nobody in it
exists; the numbers follow the format of no country. Record i depends on the seed and on i alone, so records are
independent and alike in distribution, and members differ from non-members in nothing but their training.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from string import Formatter
from typing import TYPE_CHECKING

from vestige.data.case_wording import OFFICES
from vestige.data.office import Office

if TYPE_CHECKING:
    from faker import Faker

VERSION = 1
REFERENCES = 3
LOCALES = ("en_US", "en_GB", "en_IN", "es_ES")
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
# No letter that is mistaken for a digit, no vowel that would make words.
LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
FIRMS = ("Motors", "Homes", "Foods", "Holdings", "Clinics", "Brothers", "Press", "Textiles", "Logistics", "Estates")
# The person comes first; the rest in an order in which people do write.
ORDERS = ((0, 1, 2, 3), (0, 2, 1, 3), (0, 1, 3, 2))


@dataclass(frozen=True, slots=True)
class CaseNote:
    """One generated record. `notes` are wordings of the same facts, the first being the one to train on."""

    id: str
    prompt: str
    notes: tuple[str, ...]


def case_notes(size: int, *, seed: int) -> Iterator[CaseNote]:
    """Yield `size` records, ids `case-1` to `case-<size>`; a larger size begins with the same records."""
    for number in range(1, size + 1):
        yield _case_note(number, random.Random(f"case_notes/{VERSION}/{seed}/{number}"))


def _case_note(number: int, rng: random.Random) -> CaseNote:
    office = rng.choice(OFFICES)
    facts = _facts(office, rng)
    shown = {office.kind: "{name}"} | dict(office.shown)
    prompt = "\n".join(f"{label}: {template.format_map(facts)}" for label, template in shown.items())
    return CaseNote(f"case-{number}", prompt, _wordings(office, facts, rng))


def _wordings(office: Office, facts: dict[str, str], rng: random.Random) -> tuple[str, ...]:
    notes: dict[str, None] = {}
    while len(notes) < REFERENCES:
        order = rng.choice(ORDERS)
        sentences = (rng.choice(office.slots[slot]).format_map(facts) for slot in order)
        notes[" ".join(map(_capitalized, sentences))] = None
    return tuple(notes)


def _capitalized(sentence: str) -> str:
    return sentence[0].upper() + sentence[1:]


def _facts(office: Office, rng: random.Random) -> dict[str, str]:
    facts = _person(rng) | dict(zip(office.keys, rng.choice(office.situations), strict=True))
    places = _fakers()["en_US"]
    places.seed_instance(rng.getrandbits(64))
    return facts | {
        "born": f"{_day(rng)} {rng.randint(1935, 2004)}",
        "day": _day(rng),
        "address": f"{rng.randint(1, 299)} {places.street_name()}",
        "city": places.city(),
        "staff": places.last_name(),
        "other": f"{places.last_name()} {rng.choice(FIRMS)}",
        "amount": _amount(office, rng),
        "secret": _filled(office.secret, rng),
    }


def _person(rng: random.Random) -> dict[str, str]:
    faker = _fakers()[rng.choice(LOCALES)]
    faker.seed_instance(rng.getrandbits(64))
    woman = rng.random() < 0.5
    first = faker.first_name_female() if woman else faker.first_name_male()
    last = faker.last_name()
    they, them, their = ("she", "her", "her") if woman else ("he", "him", "his")
    return {
        "name": f"{first} {last}",
        "title": f"{'Ms' if woman else 'Mr'} {last}",
        "they": they,
        "them": them,
        "their": their,
        "They": they.capitalize(),
        "Their": their.capitalize(),
    }


@cache
def _fakers() -> dict[str, Faker]:
    """One Faker per locale; each is seeded anew before every use, so that no state outlives a record."""
    from faker import Faker

    return {locale: Faker(locale) for locale in LOCALES}


def _day(rng: random.Random) -> str:
    return f"{rng.randint(1, 28)} {rng.choice(MONTHS)}"


def _amount(office: Office, rng: random.Random) -> str:
    low, high = office.amounts
    return f"{rng.randint(low, high):,}"


def _filled(pattern: str, rng: random.Random) -> str:
    """A pattern with a random digit for every `#` and a random letter for every `?`."""
    return re.sub(r"[#?]", lambda mark: rng.choice("0123456789" if mark[0] == "#" else LETTERS), pattern)


def facts_of(sentence: str) -> set[str]:
    """The facts that a wording states: its placeholders without the forms of address."""
    address = {"name", "title", "they", "them", "their", "They", "Their"}
    return {name for _, name, _, _ in Formatter().parse(sentence) if name} - address
