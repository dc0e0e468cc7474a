"""Unrolled steps equal torch's own, gradients through them equal finite differences, and they leave no trace."""

import copy
from functools import partial

import pytest
import torch
import torch.nn.functional as F

from gan_lightning.losses import Minimax, RelativisticPairing
from gan_lightning.models import UnrolledGAN, UpdateRule
from gan_lightning.models.unrolling import check_unrollable, unroll
from gan_lightning.networks import DCGANDiscriminator, DCGANGenerator, PointDiscriminator, PointGenerator
from tests.models.toys import train
from tests.parts import parts_with

OPTIMIZERS = {
    "adam": lambda parameters: torch.optim.Adam(parameters, lr=0.05, betas=(0.5, 0.9), eps=1e-6),
    "sgd": lambda parameters: torch.optim.SGD(parameters, lr=0.05),
    "momentum": lambda parameters: torch.optim.SGD(parameters, lr=0.05, momentum=0.7),
}


def fit(model, data):
    train(model, len(data), data=torch.utils.data.DataLoader(data, batch_size=None))


def game(seed=0):
    """A small discriminator in float64, its parameters' loss, and the samples it depends on."""
    torch.manual_seed(seed)
    network = torch.nn.Sequential(torch.nn.Linear(2, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1)).double()
    real, fake = torch.randn(6, 2).double() + 1, torch.randn(6, 2).double()

    def loss(parameters, fake=fake):
        judge = lambda x: torch.func.functional_call(network, parameters, (x,))  # noqa: E731
        return (F.softplus(-judge(real)) + F.softplus(judge(fake))).mean()

    return network, loss, fake


@pytest.mark.parametrize("kind", OPTIMIZERS)
@pytest.mark.parametrize("before", [0, 3])
def test_the_steps_are_those_of_torch(kind, before):
    network, loss, _ = game()
    optimizer = OPTIMIZERS[kind](network.parameters())

    def real_step():
        optimizer.zero_grad()
        loss(dict(network.named_parameters())).backward()
        optimizer.step()

    for _ in range(before):
        real_step()
    state = copy.deepcopy(optimizer.state_dict())
    ahead = unroll(loss, dict(network.named_parameters()), optimizer, steps=4)
    assert str(optimizer.state_dict()) == str(state)
    for _ in range(4):
        real_step()
    for name, parameter in network.named_parameters():
        torch.testing.assert_close(ahead[name], parameter, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_the_gradient_flows_through_the_steps(kind):
    network, loss, fake = game()
    optimizer = OPTIMIZERS[kind](network.parameters())

    def surrogate(samples):
        ahead = unroll(
            lambda parameters: loss(parameters, samples), dict(network.named_parameters()), optimizer, steps=3
        )
        return -loss(ahead, samples)

    assert torch.autograd.gradcheck(surrogate, fake.clone().requires_grad_(True))
    # and it is not the gradient that a detached look-ahead would have
    samples = fake.clone().requires_grad_(True)
    (through,) = torch.autograd.grad(surrogate(samples), samples)
    ahead = {
        name: value.detach()
        for name, value in unroll(loss, dict(network.named_parameters()), optimizer, steps=3).items()
    }
    (detached,) = torch.autograd.grad(-loss(ahead, samples), samples)
    assert (through - detached).norm() > 0.01 * detached.norm()


def test_one_plain_step_by_hand():
    # D(x) = w x, loss(w) = w a: w' = w - lr a, and d(w' a)/da = w - 2 lr a
    w, a = torch.nn.Parameter(torch.tensor(2.0)), torch.tensor(3.0, requires_grad=True)
    ahead = unroll(lambda p: p["w"] * a, {"w": w}, torch.optim.SGD([w], lr=0.1), steps=1)
    assert ahead["w"].item() == pytest.approx(2.0 - 0.3, abs=1e-6)
    (gradient,) = torch.autograd.grad(ahead["w"] * a, a)
    assert gradient.item() == pytest.approx(2.0 - 2 * 0.1 * 3.0, abs=1e-6)


def test_a_gradient_of_zero_is_no_nan():
    w = torch.nn.Parameter(torch.zeros(2))
    a = torch.ones(2, requires_grad=True)
    ahead = unroll(lambda p: (p["w"] * a * torch.tensor([0.0, 1.0])).sum(), {"w": w}, torch.optim.Adam([w]), steps=2)
    (gradient,) = torch.autograd.grad(ahead["w"].sum(), a)
    assert gradient.isfinite().all()


def unrolled(**arguments):
    torch.manual_seed(0)
    arguments = {
        "generator": PointGenerator(latent_dim=2, widths=(8,), batch_norm=False, initialization="xavier"),
        "discriminator": PointDiscriminator(widths=(8,)),
        "loss": Minimax(),
        "generator_optimizer": partial(torch.optim.Adam, lr=1e-3, betas=(0.5, 0.999)),
    } | arguments
    return UnrolledGAN(**parts_with(**arguments))


@pytest.mark.parametrize("nets", ["points", "batch_norm"])
def test_the_generator_s_turn_leaves_the_discriminator_as_it_was(nets):
    parts = {}
    if nets == "batch_norm":
        parts = {
            "generator": DCGANGenerator(resolution=16, channels=1, latent_dim=4, width=4),
            "discriminator": DCGANDiscriminator(resolution=16, channels=1, width=4),
        }
    model = unrolled(unroll_steps=3, **parts)
    shape = model.generator.sample_shape
    notes = []

    def state():
        optimizer = model.active["discriminator"].optimizer.state_dict()
        return copy.deepcopy((dict(model.discriminator.named_parameters()), optimizer["state"]))

    def update(phase, batch, *, logged, original=model.run_phase):
        before = state()
        original(phase, batch, logged=logged)
        after = state()
        if phase.name == "discriminator":
            assert str(before) != str(after)
            return
        notes.append(all(torch.equal(before[0][n], after[0][n]) for n in before[0]) and str(before[1]) == str(after[1]))
        notes.append(all(p.grad is None or not p.grad.isnan().any() for p in model.generator.parameters()))

    model.run_phase = update
    data = [torch.randn(8, *shape, generator=torch.Generator().manual_seed(i)).tanh() for i in range(4)]
    fit(model, data)
    assert notes == [True] * 8


def test_the_look_ahead_leaves_no_trace_in_buffers():
    data = [torch.randn(8, 1, 16, 16, generator=torch.Generator().manual_seed(1)).tanh()]
    buffers = []
    for steps in (0, 3):
        torch.manual_seed(0)
        model = UnrolledGAN(
            **parts_with(
                unroll_steps=steps,
                generator=DCGANGenerator(resolution=16, channels=1, latent_dim=4, width=4),
                discriminator=DCGANDiscriminator(resolution=16, channels=1, width=4),
            )
        )
        fit(model, data)
        buffers.append(dict(model.discriminator.named_buffers()))
    assert buffers[0]
    for name, buffer in buffers[0].items():
        assert torch.equal(buffer, buffers[1][name]), name


def test_no_steps_are_the_ordinary_game():
    """At K = 0 the saddle's gradient in the generator is that of the minimax loss."""
    updates = UpdateRule(ema_halflife_kimg=None)
    models = [unrolled(unroll_steps=0, objective=objective, updates=updates) for objective in ("saddle", "loss")]
    data = [torch.randn(8, 2, generator=torch.Generator().manual_seed(i)) for i in range(5)]
    for model in models:
        fit(model, data)
    for first, second in zip(models[0].parameters(), models[1].parameters(), strict=True):
        torch.testing.assert_close(first, second, rtol=1e-5, atol=1e-6)
    further = unrolled(unroll_steps=3, updates=updates)
    fit(further, data)
    pairs = zip(models[0].generator.parameters(), further.generator.parameters(), strict=True)
    assert max(float((a - b).detach().abs().max()) for a, b in pairs) > 1e-5


def test_relativistic_losses_see_the_real_samples_too():
    model = unrolled(unroll_steps=2, loss=RelativisticPairing(), objective="loss")
    fit(model, [torch.randn(8, 2) for _ in range(3)])
    assert all(p.isfinite().all() for p in model.parameters())


def test_what_cannot_be_unrolled_is_refused():
    with pytest.raises(ValueError, match=r"model\.unroll_steps must be at least 0, got -1"):
        unrolled(unroll_steps=-1)
    with pytest.raises(ValueError, match=r"model\.objective must be .*got 'both'"):
        unrolled(objective="both")
    parameters = [torch.nn.Parameter(torch.zeros(1))]
    for optimizer in (
        torch.optim.RMSprop(parameters),
        torch.optim.AdamW(parameters),
        torch.optim.Adam(parameters, weight_decay=0.1),
        torch.optim.SGD(parameters, lr=0.1, momentum=0.5, nesterov=True),
    ):
        with pytest.raises(ValueError, match=r"model\.discriminator_optimizer must be torch\.optim\.Adam or"):
            check_unrollable(optimizer)
    with pytest.raises(ValueError, match=r"its steps are unrolled; got RMSprop$"):
        unrolled(discriminator_optimizer=torch.optim.RMSprop)
    unrolled(discriminator_optimizer=torch.optim.RMSprop, unroll_steps=0)
