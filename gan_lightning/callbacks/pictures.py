"""When pictures are drawn, and what happens to them."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, cast

from lightning import Callback, LightningModule, Trainer

from gan_lightning.callbacks.interruption import was_interrupted
from gan_lightning.core.pixels import NonFiniteSamples
from gan_lightning.loggers.base import log_samples
from gan_lightning.models.adversarial import AdversarialModule
from gan_lightning.runs.cadence import Cadence
from gan_lightning.runs.folder import SAMPLES, PictureKind, RunFolder

log = logging.getLogger(__name__)


class Pictures(Callback):
    """Draws at the start, whenever ``every_kimg`` more images were seen, and at the end; a subclass says what.

    The pictures lie in the folder of their kind in the run folder, which is the Trainer's ``default_root_dir``, and the
    loggers that can show pictures get each of them. Drawing touches no random state of the training.

    Attributes:
        kind: kind of picture; the configuration has the callback under this name.

    Args:
        every_kimg: thousands of images between two pictures; None: at the start and the end only.
        seed: seed of the latent vectors.

    Raises:
        ValueError: for an interval that is not positive.
    """

    kind: PictureKind = SAMPLES

    def __init__(self, *, every_kimg: float | None, seed: int) -> None:
        super().__init__()
        self.cadence = Cadence(every_kimg, key=f"callbacks.{self.kind}")
        self.seed = seed
        self.latest: Path | None = None

    def save(self, trainer: Trainer, module: AdversarialModule, path: Path) -> None:
        """Draw samples of ``module`` into the file ``path``.

        Raises:
            NonFiniteSamples: if a sample is NaN or infinite.
        """
        raise NotImplementedError

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Draw the untrained model; a resumed run has its picture of this moment already."""
        module = cast(AdversarialModule, pl_module)
        self.latest = None
        self.cadence.start(module.images_seen)
        if module.images_seen == 0:
            self.draw(trainer, module)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Draw when it is due."""
        module = cast(AdversarialModule, pl_module)
        if self.cadence.passed(module.images_seen):
            self.draw(trainer, module)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Draw the last state, unless that was just done, or the run was interrupted and is to go on."""
        module = cast(AdversarialModule, pl_module)
        path = RunFolder(trainer.default_root_dir).picture(self.kind, module.images_seen)
        if self.latest != path and not was_interrupted(trainer):
            self.draw(trainer, module)

    def draw(self, trainer: Trainer, module: AdversarialModule) -> None:
        """Draw now, on rank zero; samples that are not finite give a warning instead of a picture."""
        if not trainer.is_global_zero:
            return
        path = RunFolder(trainer.default_root_dir).picture(self.kind, module.images_seen)
        try:
            self.save(trainer, module, path)
        except NonFiniteSamples as error:
            log.warning("no picture of samples at %d images: %s", module.images_seen, error)
            return
        except OSError as error:
            log.error("could not write a picture of samples; training continues: %s", error)
            return
        self.latest = path
        log_samples(trainer.loggers, self.kind, path, module.images_seen)


def spread(length: int, count: int) -> list[int]:
    """Return ``count`` places in [0, length) at equal distances; the same again where there are fewer."""
    return [index * length // count for index in range(count)]
