"""What a class-conditional model adds to the base class: labels in both players, and sampling per class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from gan_lightning.core.seeding import sample_generators
from gan_lightning.data.base import ImageDataModule
from gan_lightning.data.batch import Batch
from gan_lightning.models.adversarial import AdversarialModule
from gan_lightning.models.compatibility import refuse_classes, require_classes
from gan_lightning.regularizers import Replay

_LABEL_STREAM = 0x6C6162656C  # tells the stream of labels from that of latents


class ClassConditional(AdversarialModule):
    """A model whose generator is given a class label with every latent vector.

    The fakes of a step carry the labels of its real batch, in the same order: their distribution is the training
    set's by construction, and one condition serves real, generated and interpolated samples alike.
    """

    judges_labels: ClassVar[bool] = True
    """Whether the discriminator is told the label."""

    classes_optional: ClassVar[bool] = False
    """Whether the model also trains networks that take no labels, as an unconditional one."""

    label_counts: Tensor

    def check_parts(self) -> None:
        """Refuse techniques that lose a sample's label.

        Raises:
            ValueError: naming the part and the reason.
        """
        super().check_parts()
        if self.classes is None:
            return
        for name, stabilizer in self.stabilizers.items():
            if isinstance(stabilizer, Replay):
                raise ValueError(
                    f"model.stabilizers.{name}: replayed samples were made under other labels, so Replay does not fit "
                    f"{type(self).__name__}, whose samples are judged together with their labels"
                )
        self.register_buffer("label_counts", torch.ones(self.classes, dtype=torch.int64))

    def check_condition(self) -> None:
        """Refuse networks without classes, a discriminator of other ones, and packs of several labels.

        Raises:
            ValueError: naming the network.
        """
        if self.classes_optional and self.generator.classes is None:
            super().check_condition()
            return
        if self.discriminator.samples_per_logit > 1:
            raise ValueError(
                f"model.discriminator: {type(self.discriminator).__name__} judges "
                f"{self.discriminator.samples_per_logit} samples together, but those of a batch have different labels, "
                f"and {type(self).__name__} judges each under its own"
            )
        model = type(self).__name__
        self.classes = require_classes(self.generator, "model.generator", model)
        if self.judges_labels:
            require_classes(self.discriminator, "model.discriminator", model, classes=self.classes)
        else:
            refuse_classes(self.discriminator, "model.discriminator", model)

    def on_fit_start(self) -> None:
        """Take over the label distribution of the training set, which samples follow, and the names of its classes."""
        super().on_fit_start()
        data = self.trainer.datamodule  # type: ignore[attr-defined]
        if self.classes is None or not isinstance(data, ImageDataModule):
            return
        if (counts := data.label_counts()) is not None:
            self.label_counts.copy_(counts)
        if (names := data.class_names) is not None:
            self.class_names = tuple(names)

    def get_extra_state(self) -> dict[str, Any]:
        """Add the names of the classes to the counters."""
        names = None if self.class_names is None else list(self.class_names)
        return super().get_extra_state() | {"class_names": names}

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Restore the counters and the names; a file from before there were names has none."""
        super().set_extra_state(state)
        names = state.get("class_names")
        self.class_names = None if names is None else tuple(map(str, names))

    def labels_of(self, batch: Batch) -> Tensor:
        """Return the labels of ``batch``.

        Raises:
            ValueError: if it has none.
        """
        if batch.labels is None:
            raise ValueError(f"{type(self).__name__} needs labeled data; choose data with classes")
        return batch.labels

    def generator_condition(self, batch: Batch) -> Tensor | None:
        """Return the labels of the real batch."""
        return None if self.classes is None else self.labels_of(batch)

    def discriminator_condition(self, batch: Batch) -> Tensor | None:
        """Return the labels of the real batch."""
        return None if self.classes is None else self.labels_of(batch)

    @property
    def draws_labels(self) -> bool:
        """Say whether the model has classes."""
        return self.classes is not None

    def sample_labels(self, indices: Sequence[int], *, seed: int) -> Tensor | None:
        """Return the labels that ``sample_condition`` draws."""
        return self.sample_condition(indices, seed=seed, labels=None)

    def sample_condition(self, indices: Sequence[int], *, seed: int, labels: Tensor | None) -> Tensor | None:
        """Return the labels asked for, or draw sample i's from the training distribution by (seed, i).

        Raises:
            ValueError: for a label that is not a class.
        """
        if self.classes is None:
            return super().sample_condition(indices, seed=seed, labels=labels)
        classes = len(self.label_counts)
        if labels is None:
            edges = self.label_counts.double().cumsum(0).cpu()
            uniform = [random.random() for random in sample_generators(seed ^ _LABEL_STREAM, indices)]
            points = torch.tensor(uniform, dtype=torch.float64) * edges[-1]
            return torch.searchsorted(edges, points, right=True).clamp_max(classes - 1)
        if labels.numel() and not 0 <= int(labels.min()) <= int(labels.max()) < classes:
            raise ValueError(f"labels must lie in 0..{classes - 1}, got {sorted(set(labels.tolist()))}")
        return labels
