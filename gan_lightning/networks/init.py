"""Weight initializations, as functions that change a module in place and return nothing.

They draw from torch's global generator. Biases become 0 everywhere; layers of other types keep their own start.
"""

from __future__ import annotations

from torch import nn

Convolution = nn.Conv2d | nn.ConvTranspose2d
Weighted = nn.Conv2d | nn.ConvTranspose2d | nn.Linear
Norm = nn.BatchNorm1d | nn.BatchNorm2d


def normal_init(module: nn.Module, *, std: float = 0.02) -> None:
    """Draw every weight from N(0, std), batch-norm scales from N(1, std); biases 0.

    With ``std = 0.02`` this is the initialization of DCGAN (Radford 2015, arXiv 1511.06434, section 4).
    """
    for layer in module.modules():
        if isinstance(layer, Weighted | nn.Embedding):
            nn.init.normal_(layer.weight, 0.0, std)
        elif isinstance(layer, Norm) and layer.affine:
            nn.init.normal_(layer.weight, 1.0, std)
        _zero_bias(layer)


def uniform_init(module: nn.Module, *, bound: float) -> None:
    """Draw every weight of a linear or convolutional layer from U(-bound, bound); biases 0."""
    for layer in module.modules():
        if isinstance(layer, Weighted):
            nn.init.uniform_(layer.weight, -bound, bound)
            _zero_bias(layer)


def orthogonal_init(module: nn.Module, *, gain: float = 1.0) -> None:
    """Make every linear and convolutional weight (semi-)orthogonal (Saxe 2013, arXiv 1312.6120); biases 0."""
    for layer in module.modules():
        if isinstance(layer, Weighted | nn.Embedding):
            nn.init.orthogonal_(layer.weight, gain)
            _zero_bias(layer)


def xavier_init(module: nn.Module, *, gain: float = 1.0) -> None:
    """Draw every weight from U(-a, a), a = gain sqrt(6 / (fan_in + fan_out)) (Glorot 2010); biases 0."""
    for layer in module.modules():
        if isinstance(layer, Weighted | nn.Embedding):
            nn.init.xavier_uniform_(layer.weight, gain)
            _zero_bias(layer)


def he_init(module: nn.Module, *, uniform: bool = False) -> None:
    """Draw every weight of a linear or convolutional layer with variance 2 / fan_in (He 2015); biases 0.

    Args:
        module: its layers are changed.
        uniform: from U(-a, a) with a = sqrt(6 / fan_in), instead of a normal distribution.
    """
    for layer in module.modules():
        if isinstance(layer, Weighted):
            draw = nn.init.kaiming_uniform_ if uniform else nn.init.kaiming_normal_
            draw(layer.weight, nonlinearity="relu")
            _zero_bias(layer)


def _zero_bias(layer: nn.Module) -> None:
    if isinstance(layer, Weighted | Norm) and layer.bias is not None:
        nn.init.zeros_(layer.bias)
