"""The generator alone, for use without this package's training code, or without this package."""

from __future__ import annotations

from pathlib import Path

from gan_lightning.core.atomic import whole_file
from gan_lightning.export import load_generator, save_generator, save_onnx, save_program
from gan_lightning.export.generator_file import generator_record
from gan_lightning.export.network import exportable
from gan_lightning.models.adversarial import AdversarialModule
from gan_lightning.models.sampling import Weights
from gan_lightning.sampling.base import SamplingMode, ending


class Export(SamplingMode):
    """Writes the generator as the ending of the file says.

    ``.safetensors`` holds weights and configuration, and ``gan_lightning.load_generator`` reads it back; ``.onnx``
    and ``.pt2`` (a ``torch.export`` program) hold the network, latents and condition to images. Each is checked
    against the model before the file appears.

    Args:
        tolerance: largest difference between a pixel of the model and of what was written, on the scale [-1, 1].

    Raises:
        ValueError: for a negative tolerance.
    """

    name = "export"
    suffixes = (".safetensors", ".onnx", ".pt2")

    def __init__(self, *, tolerance: float = 1e-3) -> None:
        if tolerance < 0:
            raise ValueError(f"mode.tolerance must be at least 0, got {tolerance}")
        self.tolerance = tolerance

    def write(self, model: AdversarialModule, out: Path, *, weights: Weights, trust: bool) -> str:
        """Write the generator and compare it with the model."""
        generator_record(model, weights)  # refuses models that cannot be rebuilt
        if ending(out) == ".safetensors":
            difference = self._write_file(model, out, weights=weights, trust=trust)
        elif ending(out) == ".onnx":
            difference = save_onnx(model, out, weights=weights, tolerance=self.tolerance)
        else:
            difference = save_program(model, out, weights=weights, tolerance=self.tolerance)
        return f"the generator ({weights} weights, at most {difference:.1e} from the model)"

    def _write_file(self, model: AdversarialModule, out: Path, *, weights: Weights, trust: bool) -> float:
        example = exportable(model, weights)
        with whole_file(out) as temporary:
            save_generator(model, temporary, weights=weights)
            loaded = load_generator(temporary, trust=trust)
            images = loaded.render(example.example)
            return example.check(images, tolerance=self.tolerance, what="the generator that was read back")
