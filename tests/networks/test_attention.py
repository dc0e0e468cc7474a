import torch

from gan_lightning.networks.attention import SelfAttention


def test_starts_as_the_identity(seeded):
    x = torch.randn(2, 16, 4, 4)
    assert torch.equal(SelfAttention(channels=16, spectral_norm=False)(x), x)


def test_equals_the_written_out_sum(seeded):
    layer = SelfAttention(channels=8, spectral_norm=False).double()
    torch.nn.init.constant_(layer.gamma, 0.7)
    x = torch.randn(1, 8, 4, 6, dtype=torch.float64)
    weights = {name: getattr(layer, name).weight[:, :, 0, 0] for name in ("key", "query", "value", "output")}

    def pooled(name):
        maps = torch.einsum("oc,chw->ohw", weights[name], x[0])
        blocks = [maps[:, i : i + 2, j : j + 2].flatten(1).max(dim=1).values for i in (0, 2) for j in (0, 2, 4)]
        return torch.stack(blocks)

    keys, values = pooled("key"), pooled("value")
    expected = x.clone()
    for i in range(4):
        for j in range(6):
            scores = keys @ (weights["query"] @ x[0, :, i, j])
            share = scores.exp() / scores.exp().sum()
            expected[0, :, i, j] += 0.7 * weights["output"] @ (share @ values)
    torch.testing.assert_close(layer(x), expected)
