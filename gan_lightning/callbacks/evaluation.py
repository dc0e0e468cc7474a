"""Scores during training: when to evaluate, and where the scores go."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import torch
from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.trainer.states import TrainerFn

from gan_lightning.callbacks.interruption import was_interrupted
from gan_lightning.callbacks.nearest import show_nearest
from gan_lightning.core.pixels import NonFiniteSamples
from gan_lightning.core.strict_json import to_strict
from gan_lightning.data.base import RealDataModule
from gan_lightning.data.images import EvaluationImages, EvaluationSet
from gan_lightning.metrics import Evaluation as EvaluationResult
from gan_lightning.metrics import SampleEvaluator
from gan_lightning.models.adversarial import AdversarialModule
from gan_lightning.runs.best import BestScores
from gan_lightning.runs.cadence import Cadence

log = logging.getLogger(__name__)


class Evaluation(Callback):
    """Evaluates every ``every_kimg`` and at the end, and has the state saved where the first score improved.

    Where copies of training images were looked for, the suspects are drawn beside these, into ``nearest/`` of the run.

    Args:
        evaluator: what is measured and how; None: nothing is.
        every_kimg: thousands of images between two evaluations; None: at the end only.

    Attributes:
        latest: the last evaluation, or None.
        best: the best scores so far; a run record puts its own in this place.
        on_best: called with the trainer after each evaluation in which the first score improved; one that returns
            False could not keep the state that has the new score, and the best one stays what it was.
        on_scores: called with the images seen and the evaluation after each one.
    """

    def __init__(self, *, evaluator: SampleEvaluator | None, every_kimg: float | None = None) -> None:
        super().__init__()
        self.evaluator = evaluator
        self.cadence = Cadence(every_kimg, key="callbacks.evaluation")
        self.latest: EvaluationResult | None = None
        self.best = BestScores()
        self.on_best: list[Callable[[Trainer], bool]] = []
        self.on_scores: list[Callable[[int, EvaluationResult], None]] = []
        self._evaluated_at: int | None = None
        self._logged: dict[str, Any] = {}
        self._restored_asked_at: int | None = None
        self._owed = False

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start counting from where the run stands."""
        assert isinstance(pl_module, AdversarialModule)
        asked_at, self._restored_asked_at = self._restored_asked_at, None
        self.cadence.start(pl_module.images_seen if asked_at is None else asked_at)
        self._owed = self.cadence.passed(pl_module.images_seen)

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Evaluate a state that was saved when a signal came, just before an evaluation that was then cut off."""
        assert isinstance(pl_module, AdversarialModule)
        if self._owed:
            self._owed = False
            self.run(trainer, pl_module)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Evaluate when it is due."""
        assert isinstance(pl_module, AdversarialModule)
        if self.cadence.passed(pl_module.images_seen):
            self.run(trainer, pl_module)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Evaluate the last state, unless the run was interrupted or diverged."""
        assert isinstance(pl_module, AdversarialModule)
        if self._evaluated_at != pl_module.images_seen and not was_interrupted(trainer) and not pl_module.diverged:
            self.run(trainer, pl_module)

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Give ``Trainer.validate`` the scores; in a fit, images decide when they are due."""
        assert isinstance(pl_module, AdversarialModule)
        if trainer.state.fn != TrainerFn.VALIDATING or self.evaluator is None:
            return
        _, _, result = self.measure(trainer, pl_module, self.evaluator)
        pl_module.log_dict({f"score/{score.key}": score.value for score in result.scores}, rank_zero_only=True)

    def measure(
        self, trainer: Trainer, module: AdversarialModule, evaluator: SampleEvaluator
    ) -> tuple[Any, EvaluationSet, EvaluationResult]:
        """Score the model's samples; return the sampler, the real samples and the scores. All ranks take part.

        Raises:
            ValueError: if the data are none that can be evaluated on.
            NonFiniteSamples: if a sample is not finite.
        """
        data = trainer.datamodule  # type: ignore[attr-defined]
        if not isinstance(data, RealDataModule):
            raise ValueError(f"callbacks.evaluation needs one of our data modules, got {type(data).__name__}")
        weights = module.default_weights
        real = data.evaluation_set(evaluator.real_split)
        sample = module.sampler(real, seed=evaluator.seed, weights=weights)
        return sample, real, evaluator.evaluate(sample, real, weights=weights, device=module.device)

    def run(self, trainer: Trainer, module: AdversarialModule) -> None:
        """Evaluate now; all ranks take part."""
        if self.evaluator is None:
            return
        try:
            sample, real, result = self.measure(trainer, module, self.evaluator)
        except NonFiniteSamples as error:
            log.error("%s at %d images: the run has diverged", error, module.images_seen)
            module.diverged = True
            trainer.should_stop = True
            return
        self._evaluated_at = module.images_seen
        self.latest = result
        logged = {"images_seen": module.images_seen, **to_strict({s.key: s.value for s in result.scores})}
        if logged == self._logged:  # a finished run that was started again
            return
        self._logged = logged
        for metric, reason in result.skipped.items():
            log.warning("%s was not computed: %s", metric, reason)
        scores = {f"score/{score.key}": score.value for score in result.scores}
        for logger in trainer.loggers:
            logger.log_metrics({**scores, "images_seen": module.images_seen}, step=module.images_seen)
        trainer.callback_metrics.update({key: torch.tensor(value) for key, value in scores.items()})
        if self.best.enter(module.images_seen, result.scores):
            kept = [save(trainer) for save in self.on_best]
            if not all(kept):
                self.best.withdraw()
        for listener in self.on_scores:
            listener(module.images_seen, result)
        if result.closest and isinstance(real, EvaluationImages):
            show_nearest(trainer, result.closest, sample, real, images_seen=module.images_seen)

    def state_dict(self) -> dict[str, Any]:
        """Return the best scores so far, so that a resumed run does not replace a better checkpoint, and the last."""
        return {"best": self.best.state_dict(), "asked_at": self.cadence.asked_at, "logged": dict(self._logged)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the best scores so far."""
        self.best.load_state_dict(state_dict["best"])
        self._restored_asked_at = state_dict["asked_at"]
        self._logged = dict(state_dict["logged"])
