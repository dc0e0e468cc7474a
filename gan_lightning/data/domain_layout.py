"""What the names of files say about two domains A and B: which image is of which, in which split, and with whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from gan_lightning.data.errors import DataError
from gan_lightning.data.layout import SPLIT_FOLDERS, by_folders, by_hash, common_root, is_held_out, listed

Layout = Literal["auto", "folders", "side_by_side"]
LAYOUTS = ("auto", "folders", "side_by_side")
_SUFFIXED = {f"{folder}{domain}": (split, domain) for folder, split in SPLIT_FOLDERS.items() for domain in "AB"}
"""trainA, testB and so on to (split, domain)."""

KNOWN = "trainA/ and trainB/ (and testA/, testB/), A/ and B/ (each with train/ and test/, or without), or train/A/"


@dataclass(frozen=True)
class Domains:
    """Names of the images of one split; of pairs, ``a[i]`` and ``b[i]`` belong together.

    Attributes:
        a: of domain A, or of images that hold both side by side.
        b: of domain B; None: side by side.
    """

    a: list[str]
    b: list[str] | None


def place(name: str) -> tuple[str | None, str, str] | None:
    """Return split (None: not said), domain and the rest of an image's name, or None if it names no domain."""
    first, _, rest = name.partition("/")
    if not rest:
        return None
    if first in _SUFFIXED:
        return (*_SUFFIXED[first], rest)
    second, _, last = rest.partition("/")
    if first in ("A", "B"):
        return (SPLIT_FOLDERS[second], first, last) if second in SPLIT_FOLDERS and last else (None, first, rest)
    if first in SPLIT_FOLDERS and second in ("A", "B") and last:
        return SPLIT_FOLDERS[first], second, last
    return None


def domain_root(names: Sequence[str]) -> str:
    """Return the folders that all images lie in, above those that name splits and domains."""
    return common_root(names, {*SPLIT_FOLDERS, *_SUFFIXED, "A", "B"})


def arrange_domains(
    names: Sequence[str], *, layout: Layout, paired: bool, heldout_fraction: float, where: str
) -> dict[str, Domains]:
    """Sort images into splits and domains.

    Args:
        names: of all images, below ``domain_root``.
        layout: "folders", "side_by_side" (pairs only), or "auto": folders if any image lies in one of a domain.
        paired: whether images of equal names, suffixes aside, are pairs.
        heldout_fraction: share that is held out by the hash of their names where no folder says "train".
        where: the folder or archive, for messages.

    Raises:
        DataError: naming the images that do not fit.
    """
    places = {name: place(name) for name in names}
    if layout == "side_by_side" or (layout == "auto" and paired and not any(places.values())):
        if not paired:
            raise DataError("data.layout=side_by_side means pairs; set data.paired=true")
        splits = by_folders(names) or by_hash(names, heldout_fraction)
        return {split: Domains(members, None) for split, members in splits.items()}
    outside = [name for name, found in places.items() if found is None]
    if outside:
        hint = "; data.layout=side_by_side takes images that hold both" if paired else ""
        raise DataError(f"{where}: {listed(outside)} lie in no folder of a domain, which are {KNOWN}{hint}")
    known = {name: found for name, found in places.items() if found is not None}
    found: dict[str, dict[str, dict[str, str]]] = {}
    unsplit = any(split is None for split, _, _ in known.values())
    for name, (said, domain, rest) in known.items():
        key, split = rest.rpartition(".")[0], said or ""
        if unsplit:
            if said is not None:
                raise DataError(f"{where}: {name} lies in a split's folder, and other images of {domain}/ do not")
            split = "heldout" if heldout_fraction and is_held_out(key, heldout_fraction) else "train"
        members = found.setdefault(split, {}).setdefault(domain, {})
        if paired and key in members:
            raise DataError(f"{where}: {members[key]} and {name} have the same name but for the suffix")
        members[key if paired else name] = name
    if "train" not in found:
        raise DataError(f"{where}: there are no training images, only {', '.join(found)}; known layouts are {KNOWN}")
    return {split: matched_domains(split, domains, paired=paired, where=where) for split, domains in found.items()}


def matched_domains(split: str, domains: dict[str, dict[str, str]], *, paired: bool, where: str) -> Domains:
    """Put the images of A and B of one split in order.

    Raises:
        DataError: if a domain is empty, or an image of a pair is alone.
    """
    for domain in "AB":
        if domain not in domains:
            other = next(iter(domains["B" if domain == "A" else "A"].values()))
            raise DataError(
                f"{where}: the {split} images of domain {domain} are missing; there is {other} of the other"
            )
    a, b = domains["A"], domains["B"]
    if paired and a.keys() != b.keys():
        alone = [[side[key] for key in side if key not in other] for side, other in ((a, b), (b, a))]
        complaints = [
            f"{listed(names)} without a partner in {domain}" for names, domain in zip(alone, "BA", strict=True) if names
        ]
        raise DataError(
            f"{where}: the {split} images are no pairs, {len(a)} in A and {len(b)} in B: {'; '.join(complaints)}. "
            "Partners have the same name, suffixes aside"
            + ("" if a.keys() & b.keys() else "; data=unpaired needs none")
        )
    keys = sorted(a)
    return Domains([a[key] for key in keys], [b[key] for key in (keys if paired else sorted(b))])
