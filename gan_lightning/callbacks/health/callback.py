"""The callback that watches a run's health."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import torch
from lightning import Callback, LightningModule, Trainer

from gan_lightning.callbacks.evaluation import Evaluation
from gan_lightning.callbacks.health.monitor import Monitor
from gan_lightning.callbacks.health.probe import Reference, look, reference
from gan_lightning.callbacks.health.trouble import Present, Trouble
from gan_lightning.data.base import RealDataModule
from gan_lightning.metrics import Evaluation as EvaluationResult
from gan_lightning.models.adversarial import AdversarialModule
from gan_lightning.runs.cadence import Cadence

log = logging.getLogger(__name__)

Listener = Callable[[list[Trouble], list[str]], None]


class TrainingHealth(Callback):
    """Says in words what goes wrong in the training, and what to try; see the package's documentation.

    It works on the steps that log, on rank zero; the others cost nothing. Looking at samples touches no random state
    and no weights or buffers of the training.

    Args:
        every_kimg: thousands of images between two looks at samples, at the next logged step; None: no looks.
        samples: number of samples of fixed latents, and of real ones, in a look.
        seed: seed of the latents.
        loss_limit: a logged loss of this magnitude ends the run as diverged, as one that is not finite does.

    Raises:
        ValueError: for a value out of range.

    Attributes:
        listeners: called with all troubles of the run, and the kinds that last now, whenever either has changed.
    """

    def __init__(
        self, *, every_kimg: float | None = 16.0, samples: int = 240, seed: int = 0, loss_limit: float = 1e8
    ) -> None:
        super().__init__()
        if samples < 24:
            raise ValueError(f"callbacks.health.samples must be at least 24, got {samples}")
        if not loss_limit > 0:
            raise ValueError(f"callbacks.health.loss_limit must be positive, got {loss_limit}")
        self.cadence = Cadence(every_kimg, key="callbacks.health")
        self.samples = samples
        self.seed = seed
        self.loss_limit = loss_limit
        self.listeners: list[Listener] = []
        self.monitor: Monitor | None = None
        self._restored: dict[str, Any] | None = None
        self._module: AdversarialModule | None = None
        self._reference: Reference | None = None
        self._expected: list[float] | None = None
        self._clock: tuple[float, int] = (0.0, 0)
        self._told: tuple[list[str], list[str]] = ([], [])

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Ask the evaluation, if there is one, to be told what it finds."""
        for callback in trainer.callbacks:  # type: ignore[attr-defined]
            if isinstance(callback, Evaluation) and self.evaluated not in callback.on_scores:
                callback.on_scores.append(self.evaluated)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin to watch, or go on where a checkpoint left off."""
        assert isinstance(pl_module, AdversarialModule)
        pl_module.loss_limit = self.loss_limit  # on every rank: they must agree to stop
        if not trainer.is_global_zero:
            return
        data = trainer.datamodule  # type: ignore[attr-defined]
        known = isinstance(data, RealDataModule)
        batch = max(1, data.batch_size // trainer.world_size) if known else 64
        self.monitor = Monitor(batch=batch, budget_images=pl_module.budget_images, present=Present.of(pl_module))
        self.cadence.start(pl_module.images_seen)
        if self._restored is not None and pl_module.images_seen > 0:
            self.monitor.load_state_dict(self._restored["monitor"])
            self.cadence.start(self._restored["asked_at"])
        self._restored = None
        self._module = pl_module
        self._reference = reference(data, self.samples) if known and self.cadence.every is not None else None
        self._expected = _class_shares(data) if known else None
        self._clock = (time.monotonic(), pl_module.images_seen)
        if self.observe not in pl_module.row_observers:
            pl_module.row_observers.append(self.observe)
        self._tell([])

    def observe(self, scalars: Mapping[str, float]) -> Mapping[str, float]:
        """Look at a row that is about to be logged, and return what to log beside it."""
        module, monitor = self._module, self.monitor
        assert module is not None
        assert monitor is not None
        seen = int(scalars["images_seen"])
        added = {"images_per_second": self._throughput(seen), "peak_memory_mib": peak_memory_mib(module.device)}
        begun = monitor.row(
            seen,
            accuracy=scalars["d/accuracy"],
            gradient=scalars["g/grad_norm"],
            critic_gradient=scalars["d/grad_norm"],
        )
        if self.cadence.passed(seen) and self._reference is not None:
            found = look(module, self._reference, seed=self.seed, batch=monitor.batch)
            begun += monitor.look(
                seen, diversity=found.diversity, overfitting=found.overfitting, memorised=found.memorised
            )
            values = {
                "health/diversity": found.diversity,
                "health/real_train": found.real_train,
                "health/real_heldout": found.real_heldout,
                "health/overfitting": found.overfitting,
                "health/memorised": found.memorised,
            }
            added |= {key: value for key, value in values.items() if value is not None}
        self._tell(begun)
        return added | {f"health/{kind}": 1.0 for kind in monitor.kinds}

    def evaluated(self, images_seen: int, result: EvaluationResult) -> None:
        """Look at the classes or modes that an evaluation has found."""
        if self.monitor is None:
            return
        begun: list[Trouble] = []
        if result.class_fractions is not None:
            expected = self._expected
            if expected is None or len(expected) != len(result.class_fractions):
                expected = [1 / len(result.class_fractions)] * len(result.class_fractions)
            begun += self.monitor.classes(images_seen, result.class_fractions, expected)
        if result.mode_fractions is not None:
            scores = {score.protocol.get("metric"): score.value for score in result.scores}
            percent = scores.get("high_quality")
            begun += self.monitor.modes(
                images_seen,
                result.mode_fractions,
                covered=scores.get("modes"),
                high_quality=None if percent is None else percent / 100,
            )
        self._tell(begun)

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Say so if the run has diverged; the evaluation may have found that at the end of training."""
        assert isinstance(pl_module, AdversarialModule)
        if pl_module.diverged and self.monitor is not None:
            self._tell(self.monitor.diverged(pl_module.images_seen, _why(pl_module)))
        self._leave(pl_module)

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Stop watching."""
        assert isinstance(pl_module, AdversarialModule)
        self._leave(pl_module)

    def _leave(self, module: AdversarialModule) -> None:
        if self.observe in module.row_observers:
            module.row_observers.remove(self.observe)
        module.loss_limit = float("inf")
        self._module = None

    def _throughput(self, images_seen: int) -> float:
        now, (before, seen_before) = time.monotonic(), self._clock
        self._clock = (now, images_seen)
        return (images_seen - seen_before) / (now - before) if now > before else 0.0

    def _tell(self, begun: list[Trouble]) -> None:
        for trouble in begun:
            log.warning("%d images: %s", trouble.last_images_seen, trouble)
        assert self.monitor is not None
        state = (list(self.monitor.troubles), self.monitor.kinds)
        if state != self._told:
            self._told = state
            self.tell()

    def tell(self) -> None:
        """Tell the listeners how things are."""
        if self.monitor is not None:
            for listener in self.listeners:
                listener(list(self.monitor.troubles.values()), self.monitor.kinds)

    def state_dict(self) -> dict[str, Any]:
        """Return what was seen so far, so that a resumed run looks and warns as one that was never interrupted."""
        if self.monitor is None:
            return {}
        # only rows ask the cadence: a boundary that was passed since the last one is still to be looked at
        return {"monitor": self.monitor.state_dict(), "asked_at": self.cadence.asked_at}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Keep it until training starts, if a monitor can take it."""
        if state_dict:
            self.cadence.start(int(state_dict["asked_at"]))
            Monitor(batch=1, budget_images=None, present=Present()).load_state_dict(state_dict["monitor"])
        self._restored = state_dict or None


def peak_memory_mib(device: torch.device) -> float:
    """Return the largest memory so far: allocated on a GPU, or resident of this process; in MiB."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    if sys.platform == "win32":
        return 0.0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10  # bytes there, KiB elsewhere


def _class_shares(data: RealDataModule) -> list[float] | None:
    counts = data.label_counts()
    return None if counts is None else (counts.double() / counts.sum()).tolist()


def _why(module: AdversarialModule) -> str:
    losses = {key: module.latest_scalars.get(key, 0.0) for key in ("d/loss", "g/loss")}
    wrong = [f"{key} is {value:.3g}" for key, value in losses.items() if not abs(value) < module.loss_limit]
    return f"the run has diverged: {' and '.join(wrong) if wrong else 'generated samples are not finite'}"
