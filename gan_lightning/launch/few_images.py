"""The hint at the start of a run on few images that has nothing against learning them by heart."""

from __future__ import annotations

from functools import partial

from hydra.core.hydra_config import HydraConfig
from lightning import LightningDataModule
from torch.optim import Adam

from gan_lightning.callbacks.health import Present
from gan_lightning.data import ImageDataModule
from gan_lightning.models.adversarial import AdversarialModule
from gan_lightning.models.image_to_image import ImageToImage

FEW = 5_000
"""Fewer images than published recipes for whole sets are made for; a tenth of CIFAR-10 is the usual test of it."""

SMALL = 32
"""Side, in pixels, of the largest images that ``recipe=small_images`` was tried on."""


def few_images_hint(model: AdversarialModule, data: LightningDataModule) -> str | None:
    """Say which recipe suits so few images, unless the run is an experiment or has a penalty or an augmentation.

    Both recipes are for models that make images out of noise; that of larger ones augments by ADA, which needs to know
    which logit means "cannot tell".
    """
    present = Present.of(model)
    if not HydraConfig.initialized() or (choices := HydraConfig.get().runtime.choices).get("experiment") is not None:
        return None
    if (
        present.critic
        or not isinstance(data, ImageDataModule)
        or isinstance(model, ImageToImage)
        or present.penalty is not None
        or present.augmented
        or (count := data.images_per_epoch) >= FEW
    ):
        return None
    by_adam = all(
        isinstance(factory, partial) and factory.func is Adam  # whose rates the recipe sets
        for factory in (model.generator_optimizer, model.discriminator_optimizer)
    )
    if by_adam and data.resolution <= SMALL:
        recipe = "small_images model/prior=clusters"
    else:
        recipe = f"few_images model={choices['model']} evaluator={choices['evaluator'] or 'none'}"
    return (
        f"there are only {count:,} training images, and nothing keeps the discriminator from learning them by heart: "
        f"recipe={recipe} has settings for so few"
    )
