"""The reference attack: the loss calibrated by the model before fine-tuning."""

from __future__ import annotations

from typing import ClassVar, Literal, final

from vestige.attacks.base import BASE_LOGP, TARGET_LOGP, ComparingAttack, Needs, Tables, as_scores
from vestige.records import Scores


@final
class Ref(ComparingAttack):
    """Mean over the scored tokens of log-probability under the target minus that under the reference.

    Score in nats per token; above 0 where fine-tuning made the text more likely. Unscorable: no scored token
    (`too_short`). Watson et al. 2022, arXiv:2111.08440 (the calibrated score, section 3); Mireshghallah et al. 2022,
    arXiv:2203.03929 (the likelihood ratio). Differs from the former in that the reference is the base, not the mean of
    several models trained on other data of the same domain: a text of the training domain scores higher, member or
    not.
    """

    name: Literal["ref"] = "ref"
    needs: ClassVar[Needs] = (TARGET_LOGP, BASE_LOGP)

    def score(self, tables: Tables) -> Scores:
        """Mean difference of the log-probabilities, shape (texts,), nats per token."""
        gain = tables.read(TARGET_LOGP) - tables.read(self.calibrating(BASE_LOGP))
        return as_scores(tables, gain.means(), lengths=gain.lengths)
