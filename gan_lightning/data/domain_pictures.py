"""The images of one domain of two."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Unpack

from PIL import Image

from gan_lightning.data.pictures import Pictures, PicturesDataModule
from gan_lightning.data.source import FileImages, ImageSource
from gan_lightning.data.transform import upright


@dataclass(eq=False)
class HalfImages(ImageSource):
    """The left or the right half of image files that hold a pair side by side.

    Args:
        whole: the files.
        left: which half.
        of_any_shape: whether files may be as high as wide, or higher: half of a photograph is then rather no image.
    """

    whole: FileImages
    left: bool
    of_any_shape: bool = False
    labels: None = None
    class_names: None = None

    @property
    def key(self) -> str:
        """Key of the files, and which half."""
        return f"{self.whole.key} {'left' if self.left else 'right'}"

    def __len__(self) -> int:
        return len(self.whole)

    def name(self, index: int) -> str:
        """Return the file's name."""
        return self.whole.name(index)

    def open(self, index: int) -> Image.Image:
        """Open the file and cut it.

        Raises:
            ValueError: if its width is odd, or too small.
        """
        image = upright(self.whole.open(index))
        width, height = image.size
        if width % 2:
            raise ValueError(f"{width}x{height}: the width must be even for two images side by side")
        if width <= height and not self.of_any_shape:
            raise ValueError(
                f"{width}x{height}: not wider than high, as two images side by side are; if these are, "
                "data.layout=side_by_side"
            )
        return image.crop((0, 0, width // 2, height) if self.left else (width // 2, 0, width, height))


class DomainPictures(PicturesDataModule):
    """Serves one domain of a ``TranslationFolderDataModule``; labels are not used.

    Args:
        dataset: name for messages and scores.
        role: "source" or "target".
        sources: name of a split to the domain's images.
        skippable: whether bad images may be left out.
        facts: what a report has to say of the files beside the images.
        pictures: see ``PicturesDataModule``.

    Raises:
        ValueError: for a value out of range.
    """

    def __init__(
        self,
        dataset: str,
        /,
        *,
        role: Literal["source", "target"],
        sources: Callable[[str], ImageSource],
        skippable: bool,
        facts: Callable[[], dict[str, Any]] = dict,
        **pictures: Unpack[Pictures],
    ) -> None:
        super().__init__(dataset, **pictures)
        self.role = role
        self.skippable = skippable
        self._sources = sources
        self._facts = facts

    def facts(self) -> dict[str, Any]:
        """Return what a report has to say of the files beside the images."""
        return self._facts()

    def source(self, split: str) -> ImageSource:
        """Return the domain's images of a split."""
        return self._sources(split)

    def describe(self, folder: Path) -> None:
        """Write report and picture into a folder of the domain's own."""
        super().describe(folder / f"data_{self.role}")
