"""What differs between the record and the present, in words, the earliest first."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tests.record.updates import Series

REL = 1e-6
"""Tolerance of norms, scalars and scores on another machine than that of the record."""


def close(expected: np.ndarray, got: np.ndarray, *, bits: bool) -> np.ndarray:
    """Tell for each number whether it is the same, or near enough on another machine."""
    if bits:
        return (expected == got) | (np.isnan(expected) & np.isnan(got))
    return np.isclose(got, expected, rtol=REL, atol=0.0, equal_nan=True)


def key_differences(kind: str, expected: Mapping[str, object], got: Mapping[str, object]) -> list[str]:
    """Tell what only one of them has."""
    return [
        *(f"{kind} {name} is missing" for name in sorted(expected.keys() - got.keys())),
        *(f"{kind} {name} is not in the record" for name in sorted(got.keys() - expected.keys())),
    ]


def series_differences(expected: Series, got: Series, *, bits: bool) -> list[str]:
    """Tell of each tensor and each scalar where it first differs.

    Args:
        expected: from the record.
        got: the present one.
        bits: whether every bit counts; else norms and scalars may differ by ``REL``.
    """
    texts = key_differences("tensor", expected.norms, got.norms) + key_differences(
        "scalar", expected.scalars, got.scalars
    )
    found = []
    for name in expected.norms.keys() & got.norms.keys():
        lengths = len(expected.norms[name]), len(got.norms[name])
        if lengths[0] != lengths[1]:
            texts.append(f"tensor {name}: {lengths[1]} updates instead of {lengths[0]}")
            continue
        sums, norms = (expected.checksums[name], got.checksums[name]), (expected.norms[name], got.norms[name])
        same = sums[0] == sums[1] if bits else close(*norms, bits=False)
        if not same.all():
            at = int(np.argmin(same))
            text = f"update {at + 1}, tensor {name}: norm {norms[1][at]:.9g} instead of {norms[0][at]:.9g}"
            found.append((at, text + f" (checksum {sums[1][at]:08x} instead of {sums[0][at]:08x})"))
    for name in expected.scalars.keys() & got.scalars.keys():
        first, second = expected.scalars[name], got.scalars[name]
        if len(first) != len(second):
            texts.append(f"scalar {name}: {len(second)} rows instead of {len(first)}")
            continue
        same = close(first, second, bits=bits)
        if not same.all():
            at = int(np.argmin(same))
            found.append((at, f"row {at + 1}, scalar {name}: {second[at]!r} instead of {first[at]!r}"))
    return texts + [text for _, text in sorted(found)]
