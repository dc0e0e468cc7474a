"""A Lightning experiment framework for generative adversarial networks."""

from typing import TYPE_CHECKING, Any

from gan_lightning.core.torchvision_guard import guard as _guard_torchvision
from gan_lightning.core.version import __version__ as __version__

if TYPE_CHECKING:
    from gan_lightning.export import load_generator as load_generator

_guard_torchvision()


def __getattr__(name: str) -> Any:
    """Import what is heavy when it is asked for (PEP 562)."""
    if name == "load_generator":
        from gan_lightning.export import load_generator

        return load_generator
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), "load_generator"]
