"""One kind of trouble in training: what was seen, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

REMEDIES: Mapping[str, tuple[str, str]] = {
    "discriminator_overpowering": (
        "lower the discriminator's learning rate, or use a loss that does not saturate (model/loss=non_saturating) "
        "or a gradient penalty (+model/regularizer@model.regularizers.r1=r1)",
        "model.discriminator_optimizer.lr",
    ),
    "generator_overpowering": (
        "give the discriminator more updates per generator update, or the generator a lower learning rate "
        "(model.generator_optimizer.lr)",
        "model.updates.critic_steps",
    ),
    "mode_collapse": (
        "penalise the discriminator's gradients (+model/regularizer@model.regularizers.r1=r1), show it several samples "
        "at once (model=pacgan), or lower model.generator_optimizer.lr",
        "model.regularizers",
    ),
    "discriminator_overfitting": (
        "augment all that the discriminator sees (model/augment=ada or model/augment=diffaugment)",
        "model.augment",
    ),
    "divergence": (
        "lower the learning rates, or clip the gradients (model.updates.generator_clip_norm, "
        "model.updates.discriminator_clip_norm)",
        "model.generator_optimizer.lr",
    ),
    "oscillation": (
        "penalise the discriminator's gradients at real samples (+model/regularizer@model.regularizers.r1=r1), "
        "which damps the cycle, or lower the learning rates and the optimizers' first beta",
        "model.regularizers",
    ),
}
"""Kind of trouble to what to try, and the configuration key that this is about."""

KINDS = tuple(REMEDIES)


@dataclass(frozen=True, slots=True)
class Trouble:
    """An entry of ``"health"`` in ``results.json``; see the package's documentation for the fields.

    Raises:
        ValueError: for an unknown kind.
    """

    kind: str
    first_images_seen: int
    last_images_seen: int
    message: str
    remedy: str
    config_key: str

    @classmethod
    def seen(cls, kind: str, message: str, images_seen: int) -> Trouble:
        """Return the entry for trouble that has just been seen for the first time."""
        if kind not in REMEDIES:
            raise ValueError(f"kind must be one of {KINDS}, got {kind!r}")
        remedy, config_key = REMEDIES[kind]
        return cls(kind, images_seen, images_seen, message, remedy, config_key)

    def again(self, message: str, images_seen: int) -> Trouble:
        """Return the entry after the trouble has been seen once more."""
        return Trouble(self.kind, self.first_images_seen, images_seen, message, self.remedy, self.config_key)

    def as_dict(self) -> dict[str, Any]:
        """Return plain data, as it is written."""
        return asdict(self)

    def __str__(self) -> str:
        return f"{self.message}. Remedy: {self.remedy} [{self.config_key}]"
