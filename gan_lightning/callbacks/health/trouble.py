"""One kind of trouble in training: what was seen, and what to do about it in the run at hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from gan_lightning.augment.ada import ADA
from gan_lightning.losses import Minimax
from gan_lightning.models.adversarial import AdversarialModule


@dataclass(frozen=True, slots=True)
class Present:
    """What a run has already against the troubles of training, so that no remedy advises it again.

    Attributes:
        penalty: name of the penalty of the discriminator's gradients, below ``model.regularizers``; None: none.
        augmented: whether what the discriminator sees is augmented; ``adaptive``: by ADA.
        packed: whether the discriminator sees several samples at once.
        saturates: whether the generator's loss is flat where the discriminator is sure.
        clipped: whether the gradients of both players are clipped.
        critic: whether only differences of logits mean anything, as in Wasserstein's and relativistic losses.
    """

    penalty: str | None = None
    augmented: bool = False
    adaptive: bool = False
    packed: bool = False
    saturates: bool = False
    clipped: bool = False
    critic: bool = False

    @classmethod
    def of(cls, model: AdversarialModule) -> Present:
        """Read it off a model."""
        penalties = model.regularizers.items()
        gradients = (name for name, part in penalties if part.second_order and part.player == "discriminator")
        updates = model.updates
        return cls(
            penalty=next(gradients, None),
            augmented=model.augment is not None,
            adaptive=isinstance(model.augment, ADA),
            packed=model.discriminator.samples_per_logit > 1,
            saturates=isinstance(model.loss, Minimax),
            clipped=None not in (updates.generator_clip_norm, updates.discriminator_clip_norm),
            critic=model.loss.boundary is None,
        )


@dataclass(frozen=True, slots=True)
class Remedy:
    """One thing to try.

    Attributes:
        advice: in the imperative; ``{penalty}`` stands for the name of the penalty that there is.
        key: the dotted key of the configuration that it is about.
        helps: whether it is worth trying, given what there is.
    """

    advice: str
    key: str
    helps: Callable[[Present], bool] = lambda present: True


_PENALTY = (
    Remedy(
        "penalize the discriminator's gradients (+model/regularizer@model.regularizers.r1=r1)",
        "model.regularizers",
        lambda present: present.penalty is None,
    ),
    Remedy(
        "raise the weight of the penalty (model.regularizers.{penalty}.weight)",
        "model.regularizers",
        lambda present: present.penalty is not None,
    ),
)

_AUGMENTATION = (
    Remedy(
        "augment all that the discriminator sees (model/augment=ada or model/augment=diffaugment)",
        "model.augment",
        lambda present: not present.augmented,
    ),
    Remedy(
        "augment as much as the overfitting asks for (model/augment=ada)",
        "model.augment",
        lambda present: present.augmented and not present.adaptive,
    ),
    Remedy("augment earlier (a lower model.augment.target)", "model.augment", lambda present: present.adaptive),
)

REMEDIES: Mapping[str, tuple[Remedy, ...]] = {
    "discriminator_overpowering": (
        Remedy("lower the discriminator's learning rate", "model.discriminator_optimizer.lr"),
        Remedy(
            "use a loss that does not saturate (model/loss=non_saturating)",
            "model.loss",
            lambda present: present.saturates,
        ),
        *_PENALTY,
        *_AUGMENTATION,
    ),
    "generator_overpowering": (
        Remedy("give the discriminator more updates per generator update", "model.updates.critic_steps"),
        Remedy(
            "give the generator a lower learning rate (model.generator_optimizer.lr)", "model.generator_optimizer.lr"
        ),
    ),
    "mode_collapse": (
        *_PENALTY,
        Remedy(
            "show the discriminator several samples at once (model=pacgan)",
            "model.discriminator",
            lambda present: not present.packed,
        ),
        Remedy("lower model.generator_optimizer.lr", "model.generator_optimizer.lr"),
    ),
    "discriminator_overfitting": (
        *_AUGMENTATION,
        *_PENALTY,
    ),
    "divergence": (
        Remedy("lower the learning rates", "model.generator_optimizer.lr"),
        Remedy(
            "clip the gradients (model.updates.generator_clip_norm, model.updates.discriminator_clip_norm)",
            "model.updates",
            lambda present: not present.clipped,
        ),
    ),
    "oscillation": (
        *_PENALTY,
        Remedy("lower the learning rates and the optimizers' first beta", "model.generator_optimizer.lr"),
    ),
}
"""Kind of trouble to what helps, the likeliest first."""

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
    def seen(cls, kind: str, message: str, images_seen: int, *, present: Present) -> Trouble:
        """Return the entry for trouble that has just been seen for the first time in a run that has ``present``."""
        if kind not in REMEDIES:
            raise ValueError(f"kind must be one of {KINDS}, got {kind!r}")
        helping = [remedy for remedy in REMEDIES[kind] if remedy.helps(present)]
        advice = ", or ".join(remedy.advice.format(penalty=present.penalty) for remedy in helping)
        return cls(kind, images_seen, images_seen, message, advice, helping[0].key)

    def again(self, message: str, images_seen: int) -> Trouble:
        """Return the entry after the trouble has been seen once more."""
        return Trouble(self.kind, self.first_images_seen, images_seen, message, self.remedy, self.config_key)

    def as_dict(self) -> dict[str, Any]:
        """Return plain data, as it is written."""
        return asdict(self)

    def __str__(self) -> str:
        return f"{self.message}. Remedy: {self.remedy} [{self.config_key}]"
