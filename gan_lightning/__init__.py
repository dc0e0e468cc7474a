"""A Lightning experiment framework for generative adversarial networks."""

import importlib
from typing import TYPE_CHECKING, Any

from gan_lightning.core.torchvision_guard import guard as _guard_torchvision
from gan_lightning.core.version import __version__ as __version__

if TYPE_CHECKING:
    from gan_lightning.export import load_generator as load_generator
    from gan_lightning.models.catalog import create_model as create_model
    from gan_lightning.models.catalog import list_models as list_models
    from gan_lightning.models.loading import from_pretrained as from_pretrained

_guard_torchvision()

_HEAVY = {
    "from_pretrained": "gan_lightning.models.loading",
    "create_model": "gan_lightning.models.catalog",
    "list_models": "gan_lightning.models.catalog",
    "load_generator": "gan_lightning.export",
}


def __getattr__(name: str) -> Any:
    """Import what is heavy when it is asked for (PEP 562)."""
    if name in _HEAVY:
        return getattr(importlib.import_module(_HEAVY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *_HEAVY]
