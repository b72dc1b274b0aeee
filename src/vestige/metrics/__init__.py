"""Metrics: scores and labels, or tables, → `Estimate`. No number without interval, counts and recipe."""

from vestige.metrics.common_texts import common_texts
from vestige.metrics.conformal import adjusted_p_values, conformal_p_values
from vestige.metrics.counterfactual import KnownTexts, known_texts, mean_memorization, memorization, text_memorization
from vestige.metrics.leakage import auc, auc_above_floor, tpr_at_fpr
from vestige.metrics.losses import TextLosses, text_losses
from vestige.metrics.roc import RocCurve, roc_curve
from vestige.metrics.text import text_utility
from vestige.metrics.uncertainty import Bootstrap
from vestige.metrics.utility import perplexity, validation_loss

__all__ = [
    "Bootstrap",
    "KnownTexts",
    "RocCurve",
    "TextLosses",
    "adjusted_p_values",
    "auc",
    "auc_above_floor",
    "common_texts",
    "conformal_p_values",
    "known_texts",
    "mean_memorization",
    "memorization",
    "perplexity",
    "roc_curve",
    "text_losses",
    "text_memorization",
    "text_utility",
    "tpr_at_fpr",
    "validation_loss",
]
