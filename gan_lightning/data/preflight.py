"""What is found when every image of a set is looked at, before a run begins."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from gan_lightning.data.errors import BadImage, DataError, decoding
from gan_lightning.data.source import ImageSource
from gan_lightning.data.transform import Transform, upright_size

OnBad = Literal["stop", "skip"]
_NAMED = 200
_SIZES = 10
_NARROW = 64  # levels; 14 bits in a file of 16 take 63


class Finding(NamedTuple):
    """One image: its size and mode as stored, and what is wrong with it, or None.

    Of a good one also its size when it is held upright, whether its file holds further pictures, and its darkest and
    its brightest level, in 0..255.
    """

    size: tuple[int, int]
    mode: str
    problem: str | None
    upright_size: tuple[int, int] = (0, 0)
    of_several: bool = False
    levels: tuple[int, int] = (0, 255)


@dataclass
class Report:
    """All images of a split together.

    Attributes:
        images: how many are good.
        classes: class to number of good images, or None without labels.
        sizes: "width x height" as stored to number of images, commonest first.
        modes: Pillow's name of a mode to number of images, commonest first.
        bad: name of an image to what is wrong with it.
        of_several: how many are the first picture of several in their file.
        sizes_digest: sha256 over the upright sizes of all good images in their order; empty in reports of old.
        levels: the darkest and the brightest level of all, in 0..255; None in reports of old.
    """

    images: int
    classes: dict[str, int] | None
    sizes: dict[str, int]
    modes: dict[str, int]
    bad: dict[str, str] = field(default_factory=dict)
    of_several: int = 0
    sizes_digest: str = ""
    levels: list[int] | None = None

    def to_json(self) -> str:
        """Return the report as JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Report:
        """Read what ``to_json`` wrote."""
        return cls(**json.loads(text))

    def facts(self) -> dict[str, Any]:
        """Return the report as ``data.json`` holds it, with the ten most common sizes only."""
        sizes = dict(list(self.sizes.items())[:_SIZES])
        if len(self.sizes) > _SIZES:
            sizes["other"] = sum(self.sizes.values()) - sum(sizes.values())
        facts = {**asdict(self), "sizes": sizes}
        del facts["sizes_digest"]
        return facts

    def enforce(self, where: str, on_bad: OnBad, *, skippable: bool = True) -> None:
        """Raise if images are bad and the config says to stop, or if none is good.

        Args:
            where: what the images are.
            on_bad: what the config says.
            skippable: whether it could say to skip them.

        Raises:
            DataError: naming the images and their problems.
        """
        if self.bad and (on_bad == "stop" or self.images == 0):
            lines = complaints(self.bad, _NAMED)
            total = self.images + len(self.bad)
            raise DataError(
                "\n  ".join([f"{where}: {len(self.bad)} of {total} images cannot be used:", *lines])
                + ("\ndata.on_bad=skip would leave them out" if self.images and skippable else "")
            )
        if self.images == 0:
            raise DataError(f"{where}: there are no images")


def complaints(bad: Mapping[str, str], most: int) -> list[str]:
    """Return a line for each of the first ``most`` bad images, and one that counts the others."""
    lines = [f"{name}: {problem}" for name, problem in list(bad.items())[:most]]
    return lines + [f"and {len(bad) - most} more"] * (len(bad) > most)


def examine(
    source: ImageSource, index: int, transform: Transform, *, min_size: int | None, out: NDArray[np.uint8] | None
) -> Finding:
    """Decode one image completely.

    Args:
        source: the images.
        index: which one.
        transform: what is to be done with it.
        min_size: least height and width it must have as stored, or None.
        out: uint8 ``(C, R, R)`` to write the result into, or None: only its size and mode are judged.
    """
    size, mode = (0, 0), ""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd palettes and metadata, which do not matter here
            with decoding():
                image = source.open(index)
                size, mode = image.size, image.mode
                of_several = bool(getattr(image, "is_animated", False))  # formats of one picture do not have it
                image.load()
            if min_size is not None and min(size) < min_size:
                return Finding(size, mode, f"{size[0]}x{size[1]} is smaller than data.min_size = {min_size}")
            held = upright_size(image)
            pixels = transform(image)
    except BadImage as error:
        if isinstance(error.reason, UnidentifiedImageError):
            return Finding(size, mode, "not an image of a known format")
        too_large = isinstance(error.reason, Image.DecompressionBombError)
        return Finding(size, mode, f"too large: {error.reason}" if too_large else f"{error}")
    except ValueError as error:
        return Finding(size, mode, f"{error}")
    except Exception as error:
        error.add_note(f"while examining {source.name(index)}")
        raise
    if out is not None:
        out[...] = pixels
    return Finding(size, mode, None, held, of_several, (int(pixels.min()), int(pixels.max())))


def summary(findings: Sequence[Finding], source: ImageSource) -> Report:
    """Add up what was found."""
    good = [index for index, finding in enumerate(findings) if finding.problem is None]
    classes = None
    if source.labels is not None and source.class_names is not None:
        counts = source.labels[good].bincount(minlength=len(source.class_names)).tolist()
        classes = dict(zip(source.class_names, counts, strict=True))
    levels = [findings[index].levels for index in good]
    sizes = Counter(f"{f.size[0]}x{f.size[1]}" for f in findings if f.mode)
    return Report(
        images=len(good),
        classes=classes,
        sizes=ordered(sizes),
        modes=ordered(Counter(f.mode for f in findings if f.mode)),
        bad={source.name(i): f.problem for i, f in enumerate(findings) if f.problem is not None},
        of_several=sum(finding.of_several for finding in findings),
        sizes_digest=hashlib.sha256(json.dumps([findings[index].upright_size for index in good]).encode()).hexdigest(),
        levels=[min(least for least, _ in levels), max(most for _, most in levels)] if good else None,
    )


def narrow_range(what: str, levels: Sequence[int] | None) -> list[str]:
    """Return a sentence if all pixels of a set are nearly the same: most likely it stores fewer levels than its format.

    Args:
        what: the data set, for messages.
        levels: its darkest and its brightest level, in 0..255, or None.
    """
    if levels is None or levels[1] - levels[0] >= _NARROW:
        return []
    return [
        f"{what}: all pixels lie between {levels[0]} and {levels[1]} of 255. Masks of 0 and 1, or 12 bits in a file of "
        "16, must be scaled to the whole range of their format first"
    ]


def ordered(counts: Mapping[str, int]) -> dict[str, int]:
    """Sort counts, the commonest first, equals by name."""
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
