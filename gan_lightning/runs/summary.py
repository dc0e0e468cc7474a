"""What a tracker's table of runs shows of a run that has ended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gan_lightning.core.strict_json import to_strict


def tracker_summary(results: Mapping[str, Any]) -> dict[str, Any]:
    """Return a flat summary of a run's record.

    ``status``, ``images_seen``, ``wall_time_s``, ``health`` (the kinds of trouble, joined by commas), ``message`` if
    there is one, and for every score ``final/<score>`` and ``best/<score>``, ``best_images_seen/<score>``,
    ``higher_is_better/<score>`` and ``protocol/<score>`` (nested). A value that is not finite is a string, as in the
    record's file.

    Args:
        results: the content of ``results.json``, as ``RunRecord`` keeps it.
    """
    values: dict[str, Any] = {
        "status": results["status"],
        "images_seen": results["images_seen"],
        "wall_time_s": results["wall_time_s"],
        "health": ", ".join(trouble["kind"] for trouble in results.get("health", ())) or "healthy",
    }
    if results["message"] is not None:
        values["message"] = results["message"]
    for key, entry in results["scores"]["final"].items():
        values[f"final/{key}"] = entry["value"]
        values[f"protocol/{key}"] = entry["protocol"]
        values[f"higher_is_better/{key}"] = entry["higher_is_better"]
    for key, entry in results["scores"]["best"].items():
        values[f"best/{key}"] = entry["value"]
        values[f"best_images_seen/{key}"] = entry["images_seen"]
    return to_strict(values)
