"""The transformer as attack model: it reads the tokens of a text one by one, where all others read figures of them.

The one module of `vestige.attacks` that uses torch, inside its functions, so that listing attacks does not load it.
Nothing else imports it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, final

import numpy as np

from vestige.attacks.base import TARGET_LOGP, Tables, as_scores
from vestige.attacks.learned.base import LearnedAttack, fingerprints, grouped_parts
from vestige.attacks.learned.features import token_channels
from vestige.records import AttackModel, Bools, Floats, Ints, Scores, Texts

if TYPE_CHECKING:
    from torch import Tensor, nn

_WIDTH, _HEADS, _LAYERS = 32, 4, 1
_RATE, _DECAY, _DROPOUT = 3e-3, 1e-2, 0.1
_BATCH, _EPOCHS, _PARTS = 64, 20, 3
_TOKENS = 256
"""Of a longer text the transformer reads the first so many tokens: attention costs their square."""


@final
class Transformer(LearnedAttack):
    """Log-odds of membership by a small transformer over the tokens of a text, fitted on a shadow.

    No unit. Per token it reads log p, rank, moments and standardized log p under target and base, the gain over the
    base, and the place in the text, each scaled on the shadow; one layer of width 32 with four heads, averaged over the
    tokens. The number of epochs is chosen on the shadow. Of more than 256 tokens the first 256 are read.
    Unscorable: no scored token (`too_short`).
    Architecture after LT-MIA 2026, arXiv:2604.03199. Differs from the authors' code, which feeds the largest 20 logits
    of each token and learns from many models: here are the statistics that every attack shares, and one shadow.
    """

    name: Literal["transformer"] = "transformer"

    def fit(self, tables: Tables, is_member: Bools, *, groups: Texts, seed: int = 0) -> AttackModel:
        sequences, mean, scale = _scaled(_sequences(tables))
        kept = np.flatnonzero(sequences.usable)
        parts = grouped_parts(is_member[kept], groups=groups[kept], seed=seed, most=_PARTS)
        curves = [_curve(sequences, is_member, kept[fitted], kept[left], seed=seed) for fitted, left in parts]
        by_epoch = np.mean(curves, axis=0)
        epochs = int(np.argmax(by_epoch)) + 1
        *_, network = _trained(sequences, is_member, kept, epochs=epochs, seed=seed)
        arrays = {name: weights.numpy().copy() for name, weights in network.state_dict().items()}
        return AttackModel(
            arrays={"mean": mean, "scale": scale, **arrays},
            facts={
                "chosen": {"epochs": epochs},
                "cross_validated_auc": float(by_epoch[epochs - 1]),
                "members": int(is_member[kept].sum()),
                "non_members": int((~is_member[kept]).sum()),
            },
            seen=fingerprints(tables),
        )

    def score(self, tables: Tables) -> Scores:
        """The log-odds of the fitted network, shape (texts,)."""
        import torch

        model = self._learned(tables)
        network = _network(len(model.arrays["mean"]))
        weights = {name: torch.from_numpy(array) for name, array in model.arrays.items() if name not in _SCALING}
        network.load_state_dict(weights)
        sequences, *_ = _scaled(_sequences(tables), mean=model.arrays["mean"], scale=model.arrays["scale"])
        values = np.full(len(tables.ids), np.nan)
        kept = np.flatnonzero(sequences.usable)
        values[kept] = _log_odds(network, sequences, kept)
        return as_scores(tables, values, lengths=tables[TARGET_LOGP.view].lengths)


_SCALING = ("mean", "scale")


@final
@dataclass(frozen=True, eq=False)
class _Sequences:
    """The channels of all tokens that are read, shape (tokens, channels); text i owns `offsets[i]:offsets[i + 1]`."""

    values: Floats
    offsets: Ints
    usable: Bools

    def batch(self, places: Ints) -> tuple[Tensor, Tensor]:
        """Texts side by side, shape (texts, longest, channels), and where there is padding, shape (texts, longest)."""
        import torch

        spans = [slice(self.offsets[place], self.offsets[place + 1]) for place in places]
        texts = [torch.from_numpy(self.values[span]) for span in spans]
        lengths = torch.tensor([len(text) for text in texts])
        padded = torch.nn.utils.rnn.pad_sequence(texts, batch_first=True)
        return padded, torch.arange(padded.shape[1])[None] >= lengths[:, None]


def _sequences(tables: Tables) -> _Sequences:
    channels = token_channels(tables)
    gain = channels["gain"]
    places = gain.places()
    read = places < _TOKENS
    columns = [channel.values for channel in channels.values()]
    values = np.column_stack([*columns, np.log1p(places)])
    offsets = np.concatenate(([0], np.cumsum(np.minimum(gain.lengths, _TOKENS))))
    usable = np.all([channel.finite() for channel in channels.values()], axis=0) & (gain.lengths > 0)
    return _Sequences(values=values[read], offsets=offsets, usable=usable)


def _scaled(
    sequences: _Sequences, *, mean: Floats | None = None, scale: Floats | None = None
) -> tuple[_Sequences, Floats, Floats]:
    """Channels of mean 0 and variance 1 over the tokens of the usable texts, or scaled as they were."""
    if mean is None or scale is None:
        tokens = sequences.values[np.repeat(sequences.usable, np.diff(sequences.offsets))]
        mean, scale = tokens.mean(axis=0), np.maximum(tokens.std(axis=0), 1e-12)
    with np.errstate(invalid="ignore"):
        values = (sequences.values - mean) / scale
    return _Sequences(values, sequences.offsets, sequences.usable), mean, scale


def _network(channels: int) -> nn.Module:
    from torch import float64, nn

    layer = nn.TransformerEncoderLayer(_WIDTH, _HEADS, 2 * _WIDTH, _DROPOUT, batch_first=True, norm_first=True)
    parts: Mapping[str, Any] = {
        "embed": nn.Linear(channels, _WIDTH),
        "encode": nn.TransformerEncoder(layer, _LAYERS, norm=nn.LayerNorm(_WIDTH), enable_nested_tensor=False),
        "judge": nn.Linear(_WIDTH, 1),
    }
    # In double precision a score does not move with the company of its text.
    return nn.ModuleDict(parts).to(float64)


def _forward(network: Any, values: Tensor, padding: Tensor) -> Tensor:
    hidden = network["encode"](network["embed"](values), src_key_padding_mask=padding)
    kept = (~padding)[..., None].to(hidden.dtype)
    pooled = (hidden * kept).sum(1) / kept.sum(1)
    log_odds: Tensor = network["judge"](pooled)[:, 0]
    return log_odds


def _trained(sequences: _Sequences, is_member: Bools, places: Ints, *, epochs: int, seed: int) -> Iterator[nn.Module]:
    """The network after each epoch; the random state of torch is as it was between them."""
    import torch

    order = np.random.default_rng((seed, len(places)))
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        network = _network(sequences.values.shape[1])
        state = torch.get_rng_state()
    optimizer = torch.optim.AdamW(network.parameters(), lr=_RATE, weight_decay=_DECAY)
    labels = torch.from_numpy(is_member.astype(np.float64))
    for _ in range(epochs):
        with torch.random.fork_rng(devices=[]):
            torch.set_rng_state(state)
            network.train()
            for chosen in np.array_split(order.permutation(places), max(1, len(places) // _BATCH)):
                loss = torch.nn.functional.binary_cross_entropy_with_logits(
                    _forward(network, *sequences.batch(chosen)), labels[chosen]
                )
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            state = torch.get_rng_state()
        yield network.eval()


def _log_odds(network: nn.Module, sequences: _Sequences, places: Ints) -> Floats:
    import torch

    values = np.zeros(len(places))
    by_length = np.argsort(np.diff(sequences.offsets)[places], kind="stable")
    with torch.inference_mode():
        for start in range(0, len(places), _BATCH):
            rows = by_length[start : start + _BATCH]
            values[rows] = _forward(network.eval(), *sequences.batch(places[rows])).numpy()
    return values


def _curve(sequences: _Sequences, is_member: Bools, fitted: Ints, left_out: Ints, *, seed: int) -> list[float]:
    """AUC on the texts that were left out, after each epoch."""
    from sklearn.metrics import roc_auc_score

    networks = _trained(sequences, is_member, fitted, epochs=_EPOCHS, seed=seed)
    return [float(roc_auc_score(is_member[left_out], _log_odds(one, sequences, left_out))) for one in networks]
