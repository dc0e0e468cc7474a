"""Two domains of images, with or without pairs: the interface of all data that translation models train on."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NotRequired, TypedDict, Unpack

from torch import Tensor

from gan_lightning.core.seeding import mix
from gan_lightning.core.signatures import inherit_parameters
from gan_lightning.data.base import ImageDataModule
from gan_lightning.data.batch import Batch
from gan_lightning.data.images import EvaluationImages
from gan_lightning.data.loader import to_unit_range

log = logging.getLogger(__name__)

_SOURCE = 0x736F75726365  # tells the order of unpaired sources from that of their targets


class TranslationImages(EvaluationImages):
    """Real images of the target domain, which translations are compared with, and the images to translate.

    Args:
        targets: images of the target domain.
        sources: images of the source domain; of a pair, source i belongs to target i.
        paired: whether they are pairs.

    Raises:
        ValueError: if there are not as many sources as targets of pairs.
    """

    def __init__(self, targets: EvaluationImages, sources: EvaluationImages, *, paired: bool) -> None:
        if paired and len(targets) != len(sources):
            raise ValueError(f"pairs need as many sources as targets, got {len(sources)} and {len(targets)}")
        self.name = targets.name
        self.split = targets.split
        self.fingerprint = targets.fingerprint
        self.labels = targets.labels
        self.class_names = targets.class_names
        self.targets = targets
        self.sources = sources
        self.paired = paired

    def __len__(self) -> int:
        return len(self.targets)

    def batches(self, batch_size: int, *, rank: int = 0, world_size: int = 1) -> Iterator[Tensor]:
        """Yield this rank's targets; see ``EvaluationImages.batches``."""
        return self.targets.batches(batch_size, rank=rank, world_size=world_size)

    def take(self, rows: list[int]) -> Tensor:
        """Return some of the targets."""
        return self.targets.take(rows)

    @property
    def reversed(self) -> TranslationImages:
        """The same with the domains exchanged."""
        return TranslationImages(self.sources, self.targets, paired=self.paired)


def images_at(images: EvaluationImages, indices: Sequence[int]) -> Tensor:
    """Return images by index, again from the first when they run out: float32 ``(n, C, H, W)`` in [-1, 1]."""
    return to_unit_range(images.take([index % len(images) for index in indices]))


class TwoDomains(TypedDict):
    """The arguments that every translation data module hands on to ``TranslationModule``, which describes them."""

    resolution: int
    channels: NotRequired[int]
    source_channels: NotRequired[int]
    batch_size: NotRequired[int]
    seed: NotRequired[int]


class TranslationModule(ImageDataModule):
    """Yields batches whose ``images`` are of the target domain and whose ``source`` is of the source domain.

    Args:
        dataset: its name, a part of every score's protocol; a subclass gives it.
        paired: whether the source of a batch belongs to its images; a subclass gives it.
        resolution: height and width of all images.
        channels: channels of the target domain, 1 (gray) or 3 (RGB).
        source_channels: channels of the source domain, likewise.
        batch_size: pairs, or images of either domain, per discriminator update, over all processes.
        seed: seed of the order of the images.

    Raises:
        ValueError: for a value out of range.
    """

    def __init__(
        self,
        dataset: str,
        paired: bool,
        /,
        *,
        resolution: int,
        channels: int = 3,
        source_channels: int = 3,
        batch_size: int = 1,
        seed: int = 0,
    ) -> None:
        if source_channels not in (1, 3):
            raise ValueError(f"data.source_channels must be 1 (gray) or 3 (RGB), got {source_channels}")
        super().__init__(
            dataset=dataset, resolution=resolution, channels=channels, classes=None, batch_size=batch_size, seed=seed
        )
        self.source_channels = source_channels
        self.paired = paired

    def __init_subclass__(cls, **arguments: Any) -> None:
        """Give a subclass's constructor, in help texts and config checks, the arguments that it hands on."""
        super().__init_subclass__(**arguments)
        inherit_parameters(cls)

    def domains(self, *, whole: bool) -> tuple[ImageDataModule, ImageDataModule]:
        """Return the data modules of the source and of the target domain.

        Args:
            whole: as an evaluation sees them; else as they are trained on.
        """
        raise NotImplementedError

    @property
    def images_per_epoch(self) -> int:
        """Number of training pairs, or of images of the larger domain, as CycleGAN's paper counts."""
        return max(domain.images_per_epoch for domain in self.domains(whole=False))

    def fingerprints(self) -> list[str]:
        """Return hashes of both domains together."""
        views = zip(*(domain.fingerprints() for domain in self.domains(whole=False)), strict=False)
        return [hashlib.sha256(" ".join(view).encode()).hexdigest() for view in views]

    def endless_loader(self) -> Iterable[Batch]:
        """Return an endless loader over both domains."""
        source, target = self.domains(whole=False)
        if source.fingerprints()[:1] == target.fingerprints()[:1] != []:
            log.warning("%s: both domains have the same images, so that there is nothing to translate", self.dataset)
        source.trainer = target.trainer = self.trainer
        return ZippedLoader(source.endless_loader(), target.endless_loader())

    def evaluation_images(self, split: str) -> TranslationImages:
        """Return targets and sources of ``split``."""
        source, target = self.domains(whole=True)
        return TranslationImages(target.evaluation_images(split), source.evaluation_images(split), paired=self.paired)

    def evaluation_set(self, split: str) -> TranslationImages:
        """Return ``evaluation_images``; "heldout" stands for the part that is held out, whatever its name."""
        return self.evaluation_images(self.heldout_split or split if split == "heldout" else split)

    def check_inner(self, name: str, inner: ImageDataModule, channels: int) -> None:
        """Refuse an inner data module whose batches would not fit.

        Raises:
            ValueError: naming the key.
        """
        facts = {"resolution": self.resolution, "channels": channels, "batch_size": self.batch_size}
        for key, wanted in facts.items():
            if (given := getattr(inner, key)) != wanted:
                raise ValueError(f"data.{name}.{key} must be {wanted}, as data.{key} is, got {given}")


@dataclass(frozen=True)
class ZippedLoader:
    """Batches of two loaders side by side.

    Args:
        sources: yields the source images.
        targets: yields the images; labels are theirs.
    """

    sources: Iterable[Batch]
    targets: Iterable[Batch]

    def __iter__(self) -> Iterator[Batch]:
        for source, target in zip(self.sources, self.targets, strict=True):
            yield Batch(target.images, target.labels, source.images)


class DomainsDataModule(TranslationModule):
    """Any two image data modules as two domains without pairs.

    Args:
        source: images of the source domain.
        target: images of the target domain, whose ``seed`` and that of the source domain are set here.
        domains: see ``TranslationModule``.

    Raises:
        ValueError: if one of the two has other sizes.
    """

    def __init__(self, *, source: ImageDataModule, target: ImageDataModule, **domains: Unpack[TwoDomains]) -> None:
        super().__init__(f"{source.dataset} to {target.dataset}", False, **domains)
        self.check_inner("source", source, self.source_channels)
        self.check_inner("target", target, self.channels)
        self.source, self.target = source, target
        source.seed, target.seed = mix(self.seed, _SOURCE), self.seed

    @property
    def heldout_split(self) -> str | None:  # type: ignore[override]
        """Name of the split that training sees of neither domain, or None."""
        of_both = {self.source.heldout_split, self.target.heldout_split}
        return of_both.pop() if len(of_both) == 1 else None

    def domains(self, *, whole: bool) -> tuple[ImageDataModule, ImageDataModule]:
        """Return the two data modules, which serve training and evaluation."""
        return self.source, self.target
