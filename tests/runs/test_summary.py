"""What trackers show of a run that has ended."""

from gan_lightning.runs.results import tracker_summary


def test_the_summary_has_final_and_best_scores_with_their_protocols():
    entry = {"value": 3.0, "stderr": None, "higher_is_better": False, "protocol": {"samples": 10}, "images_seen": 200}
    results = {
        "status": "diverged",
        "images_seen": 300,
        "wall_time_s": 1.5,
        "message": None,
        "health": [{"kind": "oscillation"}, {"kind": "divergence"}],
        "scores": {
            "final": {"fd": {**entry, "value": float("nan"), "images_seen": 300}},
            "best": {"fd": entry},
        },
    }
    assert tracker_summary(results) == {
        "status": "diverged",
        "images_seen": 300,
        "wall_time_s": 1.5,
        "health": "oscillation, divergence",
        "final/fd": "NaN",
        "protocol/fd": {"samples": 10},
        "higher_is_better/fd": False,
        "best/fd": 3.0,
        "best_images_seen/fd": 200,
    }
    failed = tracker_summary({**results, "health": [], "message": "RuntimeError: no"})
    assert (failed["health"], failed["message"]) == ("healthy", "RuntimeError: no")
