"""How long the texts of a role are to a model, and what has to be said of it; the report reads it, so no model here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass
from typing import final

NO_END = "its tokenizer has no end token: no text is trained to end, and answers end only at max_new_tokens."


@final
@dataclass(frozen=True)
class Lengths:
    """Texts, tokens, scored tokens, texts that were cut at `max_length`, texts without a scored token, and texts that
    bring their own BOS and EOS.
    """

    texts: int
    tokens: int
    scored: int
    cut: int
    unscorable: int
    own_bos: int = 0
    own_eos: int = 0


def remarks(roles: Iterable[Lengths], *, max_length: int) -> Iterator[str]:
    """What a reader must know of the texts of all roles together, a sentence each; none where all are whole."""
    total = together(roles)
    yield from of_cut(total, max_length=max_length)
    yield from of_unscorable(total)
    yield from of_marks(total)


def together(roles: Iterable[Lengths]) -> Lengths:
    """The sum over roles, of which there must be one."""
    return Lengths(*map(sum, zip(*map(astuple, roles), strict=True)))


def of_cut(total: Lengths, *, max_length: int) -> Iterator[str]:
    """Of texts that were cut."""
    if total.cut:
        yield f"{_of(total.cut, total)} cut at max_length = {max_length} ({_share(total.cut, total)})."


def of_unscorable(total: Lengths) -> Iterator[str]:
    """Of texts without a scored token."""
    if total.unscorable:
        yield (
            f"{_of(total.unscorable, total)} without a scored token, being too short or filled by the prompt: no "
            "attack can score them."
        )


def of_marks(total: Lengths) -> Iterator[str]:
    """Of texts that bring their own BOS and EOS."""
    said = {"BOS": total.own_bos, "EOS": total.own_eos}
    if total.own_bos == total.own_eos:
        said = {"BOS and EOS": total.own_bos}
    for marks, count in said.items():
        if count:
            yield f"{_of(count, total, verb='bring')} their own {marks}: none is doubled, and none is scored."


def _of(count: int, total: Lengths, *, verb: str = "are") -> str:
    many = f"all {count:,}" if count == total.texts else f"{count:,} of {total.texts:,}"
    return f"{many} texts {verb}"


def _share(count: int, total: Lengths) -> str:
    return f"{count / total.texts:.0%}" if 100 * count >= total.texts else "under 1%"
