"""What the study found, in sentences, and how to read its numbers."""

from __future__ import annotations

from collections.abc import Sequence

from vestige.metrics.comparison import PRIMARY_LEVEL
from vestige.outcome.facts import StudyFacts
from vestige.outcome.frames import Results
from vestige.outcome.points import CHANCE, NOT_MEASURED, Point, Section, method_labels, sections, text_quantities
from vestige.outcome.primary import naming
from vestige.outcome.wording import joined, level_name, quantity_name, shown, stripped


def findings(results: Results) -> list[tuple[str, list[str]]]:
    """For each base and corpus its name, and a sentence per method on the primary attack at the best checkpoint."""
    attack = results.facts.study.primary
    return [
        (section.name, [_finding(section, method, attack) for method in method_labels(results)])
        for section in sections(results)
    ]


def _finding(section: Section, method: str, attack: str) -> str:
    point = section.best(method)
    auc = point.number("auc", attack) if point else None
    if point is None or auc is None or auc.estimate.value is None:
        return f"{method}: no number ({auc.estimate.reason if auc else NOT_MEASURED})."
    where = f"AUC {shown(auc)} at perplexity {shown(point.number('perplexity'))}"
    return f"{method}: {where} – {_against_the_floor(point, attack)}."


def _against_the_floor(point: Point, attack: str) -> str:
    """What the paired difference to the floor says; where there is none, what the AUC says of chance."""
    auc, above = point.estimate("auc", attack), point.number("auc_above_floor", attack)
    known = above.estimate.value is not None
    low, high = (above.estimate.low, above.estimate.high) if known else (_less(auc.low), _less(auc.high))
    if low is not None and low > 0:
        said = f"above the floor by {shown(above).removeprefix('+')}, on the same texts"
        return said if known else "its interval lies above chance; the floor is not measured"
    if high is not None and high < 0:
        return f"below {'the floor' if known else 'chance'}: the attack points the wrong way here"
    apart = f" (its AUC less the floor's: {shown(above)})" if known else ""
    return (
        f"not told apart from the floor by this attack on these texts{apart}, which does not show that nothing leaked"
    )


def _less(end: float | None) -> float | None:
    return None if end is None else end - CHANCE


def how_to_read(results: Results) -> list[str]:
    """The caption of the headline table, a sentence or two per idea."""
    study = results.facts.study
    control = next(one.control_label for one in results.facts.attacks if one.label == study.primary)
    auc = (
        f"AUC is the chance that the attack {study.primary} ranks a random training text above a random text that "
        f"was not trained on: ½ is guessing, 1 is certainty.{_rates(study.fpr)}"
    )
    floor = (
        f"The floor is the base model, which has seen none of this training ({control}). What exceeds it is leakage: "
        "whether anything does is told by the difference of the two AUCs on the same texts, not by their intervals."
    )
    moments = (
        "“best” is the checkpoint with the lowest validation loss, “last” the end of the training; neither is "
        "chosen by leakage. Methods can be compared fairly only where their perplexity is alike: see the figure of "
        "leakage against utility."
    )
    brackets = (
        "Brackets are 95% intervals from a bootstrap over groups of texts. “—” is an estimate that the data cannot "
        "carry, or that was not measured; its tooltip and the caveats say why. “— (ties)”: so many non-members share "
        "the highest score that no threshold accuses as few of them."
    )
    return [
        *_equal_utility(results),
        auc,
        floor,
        moments,
        *_folds(study),
        *_answers(results),
        brackets,
        *_picked(results),
    ]


def _equal_utility(results: Results) -> list[str]:
    """What the verdicts mean, where there are any."""
    compared = [one.comparison for one in results.facts.comparisons]
    if not compared:
        return []
    margin = joined(sorted({stripped(one.margin) for one in compared}))
    at = level_name(PRIMARY_LEVEL)
    said = (
        f"Methods are compared where they are equally good: the reachable gain is what every compared method wins over "
        f"the base, and each is taken where it first has {at} of it. Its leakage there is read off the curve through "
        "its checkpoints. The intervals of differences cover the choice of texts, of validation texts and, where there "
        "are several trainings, training again."
    )
    verdicts = (
        f"“Less” and “more”: the 95% interval of the difference lies on one side of 0. “Equivalent” (“alike”): it "
        f"does not, and a difference of {margin} AUC or more is excluded (two one-sided tests at 5%). “Undecided” is "
        "neither: it does not say that there is no difference."
    )
    memory = (
        "Memorization is how much likelier a text is, in nats per token, to a model that was trained on it than to one "
        "that was not: it needs no attack and does not saturate."
    )
    return [said, verdicts, memory]


def _folds(study: StudyFacts) -> list[str]:
    """What two folds do to the floor."""
    if study.folds == 1:
        return []
    said = (
        "Two folds: every text is once a member and once not, so that the base's AUC averages to ½ by design, and a "
        "difference between the folds cancels. The base's TPR still says what chance gives."
    )
    return [said]


def _picked(results: Results) -> list[str]:
    """What to think of the attacks that nobody named before the run."""
    study = results.facts.study
    if naming(study) != "before the run" or len(results.facts.attacks) == 1:
        return []
    return [f"Only {study.primary} was named before the run; the best of many, picked after, is optimistic."]


def _rates(rates: Sequence[float]) -> str:
    """What a TPR at the rates of this study means."""
    if not rates:
        return ""
    shares = joined([f"{100 * rate:g}%" for rate in rates])
    each = ", in this order" if len(rates) > 1 else ""
    return (
        f" TPR at {shares} FPR is the share of training texts that are caught when at most {shares} of the others are "
        f"accused wrongly{each}."
    )


def _answers(results: Results) -> list[str]:
    """What the quantities of generated texts mean, where there are any."""
    quantities, limits = text_quantities(results), results.facts.study.generate
    if not quantities:
        return []
    said = (
        f"{joined([quantity_name(one) for one in quantities])}: greedy answers of at most {limits.max_new_tokens} "
        f"tokens to the prompts of the first {limits.texts} validation texts, against all their references. BLEU "
        "and chrF run from 0 to 100, ROUGE-L and exact match from 0 to 1; more is better."
    )
    return [said]
