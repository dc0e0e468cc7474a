"""A folder of images, translated."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import numpy as np
import torch
from torch import Tensor

from gan_lightning.core.atomic import whole_folder
from gan_lightning.core.grids import png
from gan_lightning.core.pixels import to_uint8
from gan_lightning.data.archive import open_files
from gan_lightning.data.errors import decoding
from gan_lightning.data.files import Entry, Files, is_image
from gan_lightning.data.loader import to_unit_range
from gan_lightning.data.preflight import complaints
from gan_lightning.data.source import FileImages
from gan_lightning.data.transform import Transform, in_channels, planes, upright
from gan_lightning.models.adversarial import AdversarialModule
from gan_lightning.models.image_to_image import ImageToImage
from gan_lightning.models.sampling import Weights
from gan_lightning.networks.translator import Translator
from gan_lightning.sampling.base import SamplingMode
from gan_lightning.sampling.progress import progress

_NAMED = 20


class Translation(SamplingMode):
    """Translates every image of a folder or zip archive, into PNG files of the same names in a folder.

    Images keep their size, which must be one that the network takes, unless ``size`` is given.

    Args:
        source: the folder or archive.
        back: translate from the target domain to the source domain, where the model can.
        size: width and height in pixels to resize to, by ``fit``; None: as they are.
        fit: "stretch", "center_crop" or "pad"; of no effect without ``size``.
        seed: seed of the noise of a model that has some; image i, in the order of names, is a function of (seed, i).

    Raises:
        ValueError: for a value out of range, or if there is nothing at ``source``.
    """

    name = "translation"
    suffixes = ("",)

    def __init__(
        self, *, source: str, back: bool = False, size: int | None = None, fit: str = "stretch", seed: int = 0
    ) -> None:
        if fit not in ("stretch", "center_crop", "pad"):
            raise ValueError(f"mode.fit must be 'stretch', 'center_crop' or 'pad', got {fit!r}")
        if size is not None and size < 1:
            raise ValueError(f"mode.size must be at least 1, or null, got {size}")
        self.source = source
        self.back = back
        self.size = size
        self.fit = fit
        self.seed = seed

    def write(self, model: AdversarialModule, out: Path, *, weights: Weights, trust: bool) -> str:
        """Look at all images, then translate them one by one."""
        if not isinstance(model, ImageToImage):
            raise ValueError(f"mode=translation: a {type(model).__name__} makes images from noise and translates none")
        network = model.translator(weights, back=self.back)
        files = open_files(self.source, key="mode.source")
        entries = [entry for entry in files.entries() if is_image(entry.name)]
        check_names(entries, self.source)
        self._check(files, entries, network)
        with whole_folder(out) as folder, progress(len(entries), "images") as report:
            for index, entry in enumerate(entries):
                image = self.prepared(files, entry, network)
                made = model.translate(image, weights=weights, back=self.back, seed=self.seed, indices=[index])
                path = folder / target_name(entry.name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(png(to_uint8(made.cpu())[0].permute(1, 2, 0)))
                report(1)
        noun = "translation" if len(entries) == 1 else "translations"
        return f"{len(entries)} {noun} (seed {self.seed}, {weights} weights)"

    def prepared(self, files: Files, entry: Entry, network: Translator) -> Tensor:
        """Return one image as the network takes it: float32 ``(1, C, H, W)`` in [-1, 1].

        Raises:
            ValueError: for a damaged file, or one that cannot be converted.
        """
        with decoding():
            image = FileImages(files, [entry]).open(0)
            image.load()
        channels = network.source_shape[0]
        if self.size is not None:
            pixels = Transform(self.size, channels, self.fit)(image)  # type: ignore[arg-type]
        else:
            pixels = planes(in_channels(upright(image), channels, "white"))
        return to_unit_range(torch.from_numpy(np.array(pixels, order="C")))[None]  # Pillow's memory is read-only

    def _check(self, files: Files, entries: list[Entry], network: Translator) -> None:
        """Refuse images that cannot be read or translated, all at once, before anything is written.

        Raises:
            ValueError: naming them.
        """
        bad = {}
        hint = ""
        for entry in entries:
            try:
                image = self.prepared(files, entry, network)
            except ValueError as error:
                bad[entry.name] = f"{error}"
                continue
            try:
                network.check_images(image)
            except ValueError as error:
                bad[entry.name] = f"{error}"
                hint = f"\nmode.size={network.source_shape[1]} would resize the images to the size of the training"
        if bad:
            listed = "\n  ".join(complaints(bad, _NAMED))
            raise ValueError(
                f"mode.source = {self.source}: {len(bad)} of {len(entries)} images cannot be translated:\n  {listed}"
                f"{hint}"
            )


def target_name(name: str) -> str:
    """Return the name of an image's translation: the same with the ending of a PNG file."""
    return str(PurePosixPath(name).with_suffix(".png"))


def check_names(entries: list[Entry], source: str) -> None:
    """Refuse a folder without images, or with two whose translations would have the same name.

    Raises:
        ValueError: naming them.
    """
    if not entries:
        raise ValueError(f"mode.source = {source}: there are no images in it")
    seen: dict[str, str] = {}
    for entry in entries:
        other = seen.setdefault(target_name(entry.name), entry.name)
        if other != entry.name:
            raise ValueError(f"mode.source = {source}: {other} and {entry.name} differ only in their suffixes")
