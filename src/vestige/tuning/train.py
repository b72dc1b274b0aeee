"""The only training loop: transformers' Trainer, told what order to train in, when to keep a checkpoint and how to
save itself.

Constant learning rate after a warm-up, so that every checkpoint is a finished run; a pretraining, of which the end
alone counts, lets it fall to zero in the last steps. The order of the texts is laid out before the training begins and
depends on the seed and fold alone. Nothing is evaluated here: the validation loss comes from the scoring pass.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
import random
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, final

import numpy as np
import torch
from torch.utils.data import DataLoader
from transformers import PrinterCallback, Trainer, TrainingArguments
from transformers.trainer import TRAINER_STATE_NAME

from vestige.errors import Stopped, TuningError
from vestige.models.head import base_of, head_taken_out, logit_adjustment, output_head
from vestige.store.io import make_folder, read_json, sha256_of, write_json
from vestige.tuning import checkpoint, state
from vestige.tuning.allocation import Allocation
from vestige.tuning.batch import collate, trained_positions
from vestige.tuning.checkpoint import load_optimizer, load_rng, trained_parameters
from vestige.tuning.keeping import Keeping
from vestige.tuning.schedule import Training
from vestige.tuning.stopping import stopping
from vestige.tuning.trunk import join, states_of, trains_head_only

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel

    from vestige.data.encode import Encoded

CHECKPOINTS = "checkpoints"

_FALLS: Final[Mapping[str, Any]] = {"decay_type": "linear", "min_lr_ratio": 0.0}

Progress = Callable[[int], None]
"""Told how many tokens were dealt with since it was last called."""


@final
@dataclass(frozen=True)
class Job:
    """One cell to train: its schedule, learning rate, the texts and the batches of their positions.

    `steps` are the optimizer steps whose weights are kept, as `<folder>/checkpoints/<step>/weights.safetensors`;
    `<folder>/state/` holds what a killed or stopped training goes on from. `rate_factor` is the method's
    (`Method.rate_factor`). In the last `decay_steps` the learning rate falls to zero.
    """

    training: Training
    learning_rate: float
    warmup_steps: int
    seed: int
    texts: Sequence[Encoded]
    batches: Sequence[Sequence[int]]
    steps: Sequence[int]
    folder: Path
    pad_id: int
    rate_factor: Callable[[str], float] = lambda _: 1.0
    decay_steps: int = 0


def train(
    model: PreTrainedModel | PeftModel, job: Job, *, progress: Progress, say: Callable[[str], None] = lambda _: None
) -> list[float]:
    """Train a prepared model and keep its checkpoints; goes on from `job.folder` where an earlier attempt ended.

    Returns the training loss of every step, in nats per trained token. The final weights are those of an undisturbed
    run, bit by bit, on the same machine and thread count. `say` is told of damage, and that the training is ending.

    Raises:
        TuningError: the loss is no longer finite; the message names the step and the learning rate.
        Stopped: Ctrl-C, or a signal to end; the training goes on from the step that was reached.
    """
    make_folder(job.folder / state.STATE)  # before the Trainer does, in its own way
    with isolated_rng(job.seed):
        trainer = CellTrainer(model, job, progress=progress, say=say)
        try:
            trainer.go_on()
        finally:
            # The base inside is lent: neither its dropout, nor the Trainer's mark, nor its recomputing must be met by
            # whoever has it next.
            model.eval()
            vars(model).pop("_is_accelerate_prepared", None)
            if job.training.gradient_checkpointing:
                base_of(model).activation_checkpointing_disable()
        return trainer.losses


@contextlib.contextmanager
def isolated_rng(seed: int) -> Iterator[None]:
    """Seed torch's generators inside, and leave them as they were; those of Python and NumPy too, which Trainer
    seeds.
    """
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002  # kept and put back, not drawn from
    try:
        with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
            torch.manual_seed(seed)
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002


@final
class CellTrainer(Trainer):
    """Trainer with its batches laid out in advance, checkpoints at given steps, and its state in safetensors and
    JSON.
    """

    def __init__(
        self,
        model: PreTrainedModel | PeftModel,
        job: Job,
        *,
        progress: Progress,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.job = job
        self.losses: list[float] = []
        self._progress = progress
        self._say = say
        self._trained = model
        self._kept: dict[str, str] = {}
        self._keeping = Keeping(job.steps)
        self._allocation = Allocation.of(model, steps=len(job.batches))
        allocation = [] if self._allocation is None else [self._allocation]
        super().__init__(model=model, args=_arguments(job), callbacks=[self._keeping, *allocation])
        self.remove_callback(PrinterCallback)
        self._base = base_of(model)
        self._adjust = logit_adjustment(self._base)
        self._trains_head_only = trains_head_only(model)

    def get_train_dataloader(self) -> DataLoader[Any]:
        job = self.job
        parts = job.training.gradient_accumulation
        texts: Sequence[Any] = job.texts
        merge: Callable[[Sequence[Any]], Mapping[str, Any]] = partial(collate, pad_id=job.pad_id)
        if self._trains_head_only:
            texts, merge = states_of(self._base, job.texts, pad_id=job.pad_id), join
        loader: DataLoader[Any] = DataLoader(
            texts,  # type: ignore[arg-type]  # a sequence is a map-style dataset
            batch_sampler=[list(batch) for batch in job.batches],
            collate_fn=lambda batch: {"parts": [merge(part) for part in _cut(batch, parts=parts)]},
        )
        prepared: DataLoader[Any] = self.accelerator.prepare(loader)
        return prepared

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:
        """AdamW; one group for each learning rate of the method's parts, without decay for biases and norms."""
        if self.optimizer is None:
            decayed = set(self.get_decay_parameter_names(self._trained))
            groups: dict[tuple[float, bool], list[torch.nn.Parameter]] = {}
            for name, value in trained_parameters(self._trained).items():
                groups.setdefault((self.job.rate_factor(name), name in decayed), []).append(value)
            self.optimizer = torch.optim.AdamW(
                [
                    {
                        "params": values,
                        "lr": factor * self.job.learning_rate,
                        "weight_decay": self.job.training.weight_decay if decays else 0.0,
                    }
                    for (factor, decays), values in groups.items()
                ],
                fused=True,
            )
        return self.optimizer

    def training_step(self, model: Any, inputs: Any, num_items_in_batch: Any = None) -> torch.Tensor:
        """Forward and backward of one batch, in as many parts as the study asks; every trained token weighs alike."""
        model.train()
        parts = self._prepare_inputs(inputs)["parts"]
        counts = [_trained_tokens(part) for part in parts]
        losses = []
        for part, count in zip(parts, counts, strict=True):
            loss = self.compute_loss(model, part) * (count / sum(counts))
            self.accelerator.backward(loss)
            losses.append(loss.detach())
        total = torch.stack(losses).sum()
        self._record(total.item(), tokens=sum(_tokens(part) for part in parts))
        return total.to(self.args.device)  # where the Trainer adds up

    def _record(self, loss: float, *, tokens: int) -> None:
        self.losses.append(loss)
        if not math.isfinite(loss):
            raise TuningError(
                f"The training loss became {loss} at step {len(self.losses)} with learning rate "
                f"{self.job.learning_rate:g}. Try a lower learning rate, or a longer warm-up."
            )
        self._progress(tokens)

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> torch.Tensor:
        """The model's own loss, with logits at the trained positions alone: prompts and padding never meet the head.

        Mean over the trained tokens of the batch, nats, in fp32.
        """
        states = inputs if self._trains_head_only else self._run_trunk(model, inputs)
        logits = self._adjust(output_head(self._base)(states["hidden"]))
        return torch.nn.functional.cross_entropy(logits.float(), states["targets"].to(logits.device))

    def _run_trunk(self, model: Any, inputs: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        labels = inputs["labels"]
        with head_taken_out(self._base) as hidden_states:
            model(input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"], use_cache=False)
        hidden = hidden_states()
        virtual = hidden.shape[1] - labels.shape[1]
        trained = trained_positions(labels)
        return {"hidden": hidden[:, virtual:-1][trained.to(hidden.device)], "targets": labels[:, 1:][trained]}

    def floating_point_ops(self, inputs: Any) -> int:
        """Not counted: nobody reads it."""
        return 0

    def go_on(self) -> None:
        """Train from the latest whole state to the end, or until the process is asked to end."""
        start = state.latest(self.job.folder, say=self._say)
        with stopping(self._say_stopping) as self._keeping.stop:
            try:
                self.train(resume_from_checkpoint=str(start) if start else None)
            except Stopped:
                raise
            except KeyboardInterrupt:  # of another thread, or of a watcher: within a step
                if self._keeping.between_steps():
                    self._save_state()
                    raise self._stopped(signal.SIGINT) from None
                raise
        if self._keeping.stop.number:
            raise self._stopped(self._keeping.stop.number)

    def _say_stopping(self) -> None:
        step = f"{self.state.global_step + 1} of {len(self.job.batches)}"
        self._say(f"stopping: the training keeps its state at step {step}. Asked once more, it ends at once.")

    def _stopped(self, number: int) -> Stopped:
        step = f"{self.state.global_step} of {len(self.job.batches)}"
        return Stopped(f"The training has kept its state at step {step}, and goes on from there.", number=number)

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        with self._keeping.timed():
            step = self.state.global_step
            if step in self.job.steps:
                folder = Path(CHECKPOINTS) / str(step)
                checkpoint.save_weights(self._trained, self.job.folder / folder)
                name = (folder / checkpoint.WEIGHTS).as_posix()
                self._kept[name] = sha256_of(self.job.folder / name)
            self._save_state()

    def _save_state(self) -> None:
        if step := self.state.global_step:
            state.save(self.job.folder, step=step, write=self._write_state, kept=self._kept)

    def _write_state(self, folder: Path) -> None:
        checkpoint.save_weights(self._trained, folder)
        optimizer, scheduler = self._both()
        checkpoint.save_optimizer(optimizer.state_dict(), folder)
        checkpoint.save_rng(folder)
        if self._allocation is not None:
            self._allocation.save(folder)
        write_json(folder / "scheduler.json", scheduler.state_dict())
        write_json(folder / "losses.json", self.losses[: self.state.global_step])
        write_json(folder / TRAINER_STATE_NAME, dataclasses.asdict(self.state))

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        folder = Path(resume_from_checkpoint)
        checkpoint.load_weights(self._trained, folder)
        if self._allocation is not None:
            self._allocation.load(folder)
        self.losses = read_json(folder / "losses.json")
        self._kept = state.kept_hashes(folder)

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        if checkpoint is not None:
            optimizer, scheduler = self._both()
            optimizer.load_state_dict(load_optimizer(Path(checkpoint)))
            scheduler.load_state_dict(read_json(Path(checkpoint) / "scheduler.json"))

    def _both(self) -> tuple[torch.optim.Optimizer, Any]:
        """Optimizer and scheduler, which the Trainer makes when the training begins."""
        assert self.optimizer is not None
        return self.optimizer, self.lr_scheduler

    def _load_rng_state(self, checkpoint: str | None) -> None:
        if checkpoint is not None:
            load_rng(Path(checkpoint))


def _cut(batch: Sequence[Any], *, parts: int) -> list[Sequence[Any]]:
    """At most `parts` parts of the same size, the last one perhaps smaller."""
    size = math.ceil(len(batch) / parts)
    return [batch[start : start + size] for start in range(0, len(batch), size)]


def _trained_tokens(part: Mapping[str, Any]) -> int:
    return len(part["targets"]) if "targets" in part else int(trained_positions(part["labels"]).sum())


def _tokens(part: Mapping[str, Any]) -> int:
    return int(part["n_tokens"]) if "n_tokens" in part else int(part["attention_mask"].sum())


def _arguments(job: Job) -> TrainingArguments:
    arguments = TrainingArguments(
        output_dir=str(job.folder / "state"),
        max_steps=len(job.batches),
        learning_rate=job.learning_rate,
        lr_scheduler_type="warmup_stable_decay" if job.decay_steps else "constant_with_warmup",
        lr_scheduler_kwargs={**_FALLS, "num_decay_steps": job.decay_steps} if job.decay_steps else None,
        warmup_steps=job.warmup_steps,
        weight_decay=job.training.weight_decay,
        max_grad_norm=job.training.clip,
        activation_checkpointing=job.training.gradient_checkpointing,
        activation_checkpointing_kwargs={"use_reentrant": False},
        seed=job.seed,
        save_strategy="no",
        logging_strategy="no",
        logging_nan_inf_filter=False,
        report_to=[],
        disable_tqdm=True,
        remove_unused_columns=False,
        dataloader_pin_memory=False,
    )
    arguments._n_gpu = min(arguments.n_gpu, 1)  # DataParallel would split a batch and its virtual tokens
    return arguments
