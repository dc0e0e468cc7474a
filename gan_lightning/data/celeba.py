"""CelebA: 202,599 aligned photographs of faces."""

from __future__ import annotations

from gan_lightning.data.errors import DataError
from gan_lightning.data.files import FolderFiles
from gan_lightning.data.official import OfficialDataModule, Remote
from gan_lightning.data.source import FileImages, ImageSource

PARTS = {"0": "train", "1": "val", "2": "test"}
"""Number in the official partition to name of the split."""

_PARTITION = "list_eval_partition.txt"
_IMAGES = "img_align_celeba"


class CelebADataModule(OfficialDataModule):
    """CelebA, aligned and cropped: 178x218, RGB, without labels (Liu 2015, arXiv 1411.7766).

    By the default ``fit: center_crop`` the middle 178x178 pixels are kept. The official partition has 162,770
    training, 19,867 validation and 19,962 test images.
    """

    title = "CelebA"
    key = "celeba"
    splits = ("train", "val", "test")
    folder = "celeba"

    def remotes(self) -> list[Remote]:
        """List the archive and the partition, which is all that is read."""
        from torchvision.datasets import CelebA

        return [
            Remote(f"https://drive.google.com/uc?id={file_id} as {name}", md5, self.folder)
            for file_id, md5, name in CelebA.file_list
        ]

    def is_present(self) -> bool:
        """Return whether the unpacked images and the partition are there."""
        place = self.root / self.folder
        return (place / _PARTITION).is_file() and (place / _IMAGES).is_dir()

    def fetch(self) -> None:
        """Let torchvision download it."""
        from torchvision.datasets import CelebA

        CelebA(str(self.root), split="all", download=True)

    def official(self, split: str) -> ImageSource:
        """Return the images of one part of the official partition.

        Raises:
            DataError: if images of it are missing.
        """
        place = self.root / self.folder
        rows = [line.split() for line in (place / _PARTITION).read_text().splitlines() if line.strip()]
        names = [row[0] for row in rows if PARTS.get(row[-1]) == split]
        files = FolderFiles(place / _IMAGES)
        entries = {entry.name: entry for entry in files.entries()}
        absent = [name for name in names if name not in entries]
        if absent:
            raise DataError(
                f"{len(absent)} {split} images of CelebA are missing in {place / _IMAGES}: {absent[0]}, ..."
            )
        return FileImages(files, [entries[name] for name in names])
