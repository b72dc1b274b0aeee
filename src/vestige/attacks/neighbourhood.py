"""The neighbourhood attack: whether a text is likelier than others that say nearly the same."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, final

import numpy as np
from pydantic import Field

from vestige.attacks.base import TARGET_LOGP, Attack, Column, Needs, Tables, as_scores, token_ids, unchanged
from vestige.forms import Masked, Swapped
from vestige.records import Scores, View

VERSIONS = 10
_SWAPPED = (TARGET_LOGP, *(Column(View("target", Swapped(version)), "logp") for version in range(VERSIONS)))


@final
class Neighbourhood(Attack):
    """Mean loss of versions of the text with some words changed, minus the loss of the text itself.

    Nats per token; a member is likelier than its neighbours. Words are replaced by `masked_lm`, a masked language model
    of the user's choice (a folder or hub id), or, where none is given, swapped as for `pac`. Unscorable: no scored
    token in the text or one of its versions (`too_short`), all versions the text itself (`unchanged`: a single word, a
    script without blanks, no word that the masked model knows).
    Mattern et al. 2023, arXiv:2305.18462, eq. 2. Differs from the authors' code in that a fifth of the words is
    replaced at once, where theirs is one, and in that the completion alone is changed.
    """

    name: Literal["neighbourhood"] = "neighbourhood"
    needs: ClassVar[Needs] = (*_SWAPPED, *token_ids(_SWAPPED))
    versions: Annotated[int, Field(ge=1, le=VERSIONS)] = VERSIONS
    masked_lm: Annotated[str, Field(min_length=1)] | None = None

    @property
    def reads(self) -> Needs:
        return (*self._forms, *token_ids(self._forms))

    @property
    def _forms(self) -> tuple[Column, ...]:
        if self.masked_lm is None:
            return _SWAPPED[: 1 + self.versions]
        forms = [Masked(version, self.masked_lm) for version in range(self.versions)]
        return (TARGET_LOGP, *(Column(View("target", form), "logp") for form in forms))

    def score(self, tables: Tables) -> Scores:
        """Mean difference of the losses, shape (texts,), nats per token."""
        text, *versions = (tables.read(column) for column in self._forms)
        finite = np.all([one.finite() for one in (text, *versions)], axis=0)
        with np.errstate(invalid="ignore"):
            values = text.means() - np.mean([version.means() for version in versions], axis=0)
        lengths = np.min([text.lengths, *(one.lengths for one in versions)], axis=0)
        same = unchanged(tables, self._forms)
        return as_scores(tables, np.where(finite, values, np.nan), lengths=lengths, unchanged=same)
