import numpy as np
import pytest
from PIL import Image

from gan_lightning.loggers import TensorBoardTracker, log_samples

event_accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")


def test_scalars_pictures_and_configuration_are_in_the_event_file(tmp_path):
    tracker = TensorBoardTracker(save_dir=tmp_path)
    assert list(tmp_path.iterdir()) == []
    tracker.set_config({"model": {"lr": 0.25}})
    tracker.log_metrics({"d/loss": 0.5, "images_seen": 64}, step=64)
    tracker.log_metrics({"lr": 0.1}, step=1)
    pixels = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20
    Image.fromarray(pixels).save(tmp_path / "grid.png")
    log_samples([tracker], "samples", tmp_path / "grid.png", 128)
    tracker.summary({"fid50k": 3.5})
    tracker.close(1)
    tracker.close(0)

    assert [p.name for p in (tmp_path / "tensorboard").iterdir() if "tfevents" in p.name]
    events = event_accumulator.EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert [(e.step, e.value) for e in events.Scalars("d/loss")] == [(64, 0.5)]
    assert [e.step for e in events.Scalars("lr")] == [64]
    (picture,) = events.Images("samples")
    assert (picture.step, picture.width, picture.height) == (128, 4, 3)
    texts = {tag: events.Tensors(f"{tag}/text_summary")[0].tensor_proto.string_val[0] for tag in ("config", "summary")}
    assert b'"lr": 0.25' in texts["config"]
    assert b'"fid50k": 3.5' in texts["summary"]
