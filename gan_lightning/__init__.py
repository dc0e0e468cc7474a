"""A Lightning experiment framework for generative adversarial networks."""

from gan_lightning._torchvision import guard as _guard_torchvision

_guard_torchvision()

__version__ = "0.1.0"
