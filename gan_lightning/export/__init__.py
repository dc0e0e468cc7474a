"""Generators as files of their own."""

from gan_lightning.export.generator_file import TrainedGenerator, load_generator, save_generator
from gan_lightning.export.onnx import save_onnx
from gan_lightning.export.program import save_program

__all__ = ["TrainedGenerator", "load_generator", "save_generator", "save_onnx", "save_program"]
