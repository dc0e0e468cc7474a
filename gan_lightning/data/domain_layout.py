"""What the names of files say about two domains A and B: which image is of which, in which split, and with whom."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from gan_lightning.data.errors import DataError
from gan_lightning.data.layout import (
    by_folders,
    by_folders_or_hash,
    check_no_split_below,
    common_root,
    composed,
    heldout_of,
    is_held_out,
    listed,
    names_split,
    split_of,
)

Layout = Literal["auto", "folders", "side_by_side"]
LAYOUTS = ("auto", "folders", "side_by_side")

KNOWN = "trainA/ and trainB/ (and testA/, testB/), A/ and B/ (each with train/ and test/, or without), or train/A/"


@dataclass(frozen=True)
class Domains:
    """Names of the images of one split; of pairs, ``a[i]`` and ``b[i]`` belong together.

    Attributes:
        a: names of images of domain A, or of images that hold both side by side.
        b: names of images of domain B; None: side by side.
    """

    a: list[str]
    b: list[str] | None


def domain_of(folder: str) -> str | None:
    """Return the domain that a folder's name means, "A" or "B", or None."""
    return folder.upper() if folder in ("A", "B", "a", "b") else None


def split_and_domain(folder: str) -> tuple[str, str] | None:
    """Return what such names as trainA and test_b mean, or None."""
    split, domain = split_of(folder[:-1]), domain_of(folder[-1:])
    return None if split is None or domain is None else (split, domain)


def place(name: str) -> tuple[str | None, str, str] | None:
    """Return split (None: not said), domain and the rest of an image's name, or None if it names no domain."""
    first, _, rest = name.partition("/")
    if not rest:
        return None
    if (both := split_and_domain(first)) is not None:
        return (*both, rest)
    second, _, last = rest.partition("/")
    if (domain := domain_of(first)) is not None:
        split = split_of(second) if last else None
        return (None, domain, rest) if split is None else (split, domain, last)
    split, domain = split_of(first), domain_of(second)
    return None if split is None or domain is None or not last else (split, domain, last)


def domain_root(names: Iterable[str]) -> str:
    """Return the folders that all images lie in, above those that name splits and domains."""
    return common_root(
        names,
        lambda folder: names_split(folder) or domain_of(folder) is not None or split_and_domain(folder) is not None,
    )


def arrange_domains(
    names: Sequence[str], *, layout: Layout, paired: bool, heldout_fraction: float, where: str
) -> dict[str, Domains]:
    """Sort images into splits and domains.

    Args:
        names: names of all images, below ``domain_root``.
        layout: "folders", "side_by_side" (pairs only), or "auto": folders if any image lies in one of a domain.
        paired: whether images of equal names, suffixes aside, are pairs.
        heldout_fraction: share that is held out by the hash of their names where no folder is held out.
        where: the folder or archive, for messages.

    Raises:
        DataError: naming the images that do not fit.
    """
    places = {name: place(name) for name in names}
    if layout == "side_by_side" or (layout == "auto" and paired and not any(places.values())):
        if not paired:
            raise DataError("data.layout=side_by_side means pairs; set data.paired=true")
        by_folder = by_folders(names)
        check_no_split_below(names, by_folder)
        if layout == "auto":
            check_one_folder(names, by_folder, where)
        splits = by_folders_or_hash(names, by_folder, heldout_fraction)
        return {split: Domains(members, None) for split, members in splits.items()}
    outside = [name for name, found in places.items() if found is None]
    if outside:
        hint = "; data.layout=side_by_side takes images that hold both" if paired else ""
        raise DataError(f"{where}: {listed(outside)} lie outside the domains' folders, which are {KNOWN}{hint}")
    known = {name: found for name, found in places.items() if found is not None}
    found: dict[str, dict[str, dict[str, str]]] = {}
    unsplit = any(split is None for split, _, _ in known.values())
    draw = heldout_of({split for split, _, _ in known.values() if split is not None}) is None
    if all(split is None for split, _, _ in known.values()):
        check_no_split_below(names, None)
    for name, (said, domain, rest) in known.items():
        key, split = composed(rest.rpartition(".")[0]), said or "train"
        if unsplit and said is not None:
            raise DataError(f"{where}: {name} lies in a split's folder, but other images of {domain}/ do not")
        if draw and heldout_fraction and is_held_out(key, heldout_fraction):
            split = "heldout"
        members = found.setdefault(split, {}).setdefault(domain, {})
        if paired and key in members:
            raise DataError(f"{where}: {members[key]} and {name} differ only in their suffixes")
        members[key if paired else name] = name
    if "train" not in found:
        raise DataError(f"{where}: there are no training images, only {', '.join(found)}; known layouts are {KNOWN}")
    return {split: matched_domains(split, domains, paired=paired, where=where) for split, domains in found.items()}


def check_one_folder(names: Sequence[str], splits: dict[str, list[str]] | None, where: str) -> None:
    """Refuse two folders of images as images that each hold a pair: they are rather the two domains.

    Args:
        names: names of all images.
        splits: the names by the folders of splits at the top, or None if there are none.
        where: the folder or archive, for messages.

    Raises:
        DataError: naming the folders.
    """
    below = 0 if splits is None else 1
    for members in [names] if splits is None else splits.values():
        folders = sorted({"/".join(name.split("/")[: below + 1]) for name in members if name.count("/") > below})
        if len(folders) > 1:
            raise DataError(
                f"{where}: images lie in the folders {listed(folders)}, which name no domains. If these are "
                f"the domains, known layouts are {KNOWN}; if each image holds both, data.layout=side_by_side"
            )


def matched_domains(split: str, domains: dict[str, dict[str, str]], *, paired: bool, where: str) -> Domains:
    """Put the images of A and B of one split in order.

    Raises:
        DataError: if a domain is empty, or an image of a pair is alone.
    """
    for domain in "AB":
        if domain not in domains:
            other = next(iter(domains["B" if domain == "A" else "A"].values()))
            raise DataError(f"{where}: the {split} images of domain {domain} are missing; the other domain has {other}")
    a, b = domains["A"], domains["B"]
    if paired and a.keys() != b.keys():
        alone = [[side[key] for key in side if key not in other] for side, other in ((a, b), (b, a))]
        complaints = [
            f"{listed(names)} without a partner in {domain}" for names, domain in zip(alone, "BA", strict=True) if names
        ]
        raise DataError(
            f"{where}: the {split} images are not pairs, {len(a)} in A and {len(b)} in B: {'; '.join(complaints)}. "
            "Partners have the same name, suffixes aside"
            + ("" if a.keys() & b.keys() else "; data=unpaired needs none")
        )
    keys = sorted(a)
    return Domains([a[key] for key in keys], [b[key] for key in (keys if paired else sorted(b))])
