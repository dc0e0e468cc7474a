"""InfoGAN (Chen 2016, arXiv 1606.03657)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Unpack, get_args

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan_lightning.core.schedules import Scalar
from gan_lightning.core.seeding import sample_generators
from gan_lightning.data.batch import Batch
from gan_lightning.models.adversarial import AdversarialModule, Parts
from gan_lightning.models.compatibility import check_features, check_weights, refuse_classes
from gan_lightning.models.outputs import DiscriminatorOutput, GeneratedBatch
from gan_lightning.networks import CodeHead
from gan_lightning.regularizers import Replay

CodePlayer = Literal["discriminator", "generator"]

_CODE_STREAM = 0x636F6465  # tells the stream of codes from that of latents


class InfoGAN(AdversarialModule):
    """Part of the generator's input is a code that a network Q must be able to read off the sample.

    Equation 6 of the paper: the lower bound L_I(G, Q) of the mutual information is added to both players'
    objectives with weight lambda. A code is one-hot categories followed by continuous values uniform in [-1, 1].
    Q shares D's features; its log-likelihood of a continuous code is that of a Gaussian of
    unit variance, as in the released code.

    Args:
        categories: number of values of each categorical code.
        continuous: number of continuous codes.
        info_weight: lambda, the factor of the mutual information.
        code_width: units of Q's hidden layer.
        code_player: with whom Q learns, by whose optimizer and at whose rate: the "discriminator", as in the authors'
            code, or the "generator", as equation 6 says.
        **parts: as in ``AdversarialModule``.

    Raises:
        ValueError: for a value out of range, or a generator made for other codes.
    """

    def __init__(
        self,
        *,
        categories: Sequence[int] = (10,),
        continuous: int = 2,
        info_weight: Scalar = 1.0,
        code_width: int = 128,
        code_player: CodePlayer = "discriminator",
        **parts: Unpack[Parts],
    ) -> None:
        if any(k < 2 for k in categories) or continuous < 0 or len(categories) + continuous == 0:
            raise ValueError(
                "model.categories must be numbers from 2 up, model.continuous at least 0, and there must be a code; "
                f"got {list(categories)} and {continuous}"
            )
        check_weights({"info_weight": info_weight})
        if code_player not in get_args(CodePlayer):
            raise ValueError(f"model.code_player must be one of {get_args(CodePlayer)}, got {code_player!r}")
        self.categories = list(categories)
        self.continuous = continuous
        self.info_weight = info_weight
        self.code_player = code_player
        super().__init__(**parts)
        self.classes = self.categories[0] if self.categories else None
        # A mean and a deviation for each continuous code, though the deviation is not used: as released.
        outputs = sum(self.categories) + 2 * continuous
        self.code_head = CodeHead(feature_dim=self.discriminator.feature_dim, outputs=outputs, hidden_width=code_width)

    @property
    def code_dim(self) -> int:
        """Length of a code."""
        return sum(self.categories) + self.continuous

    def check_condition(self) -> None:
        """Refuse networks of labels, and a generator of other codes.

        Raises:
            ValueError: naming the network.
        """
        for player in ("generator", "discriminator"):
            refuse_classes(getattr(self, player), f"model.{player}", "InfoGAN")
        if self.generator.code_dim is None:
            raise ValueError(
                "InfoGAN needs a generator that takes codes; "
                f"model.generator ({type(self.generator).__name__}) has code_dim = None"
            )
        if self.generator.code_dim != self.code_dim:
            raise ValueError(
                f"model.generator.code_dim = {self.generator.code_dim}: it must be {self.code_dim}, the length of a "
                f"code with model.categories = {self.categories} and model.continuous = {self.continuous}"
            )

    def check_parts(self) -> None:
        """Refuse what parts a sample from the code that Q should read off it.

        Raises:
            ValueError: naming the part and the reason.
        """
        super().check_parts()
        check_features(self.discriminator, reads="InfoGAN's code")
        for name, stabilizer in self.stabilizers.items():
            if isinstance(stabilizer, Replay):
                raise ValueError(
                    f"model.stabilizers.{name}: InfoGAN's Q cannot recover the codes of replayed samples; leave it out"
                )

    def player_modules(self, player: str) -> tuple[nn.Module, ...]:
        """Train Q with ``code_player``."""
        modules = super().player_modules(player)
        return (*modules, self.code_head) if player == self.code_player else modules

    def generator_condition(self, batch: Batch) -> Tensor:
        """Draw codes: float32 ``(N, code_dim)``."""
        device, count = batch.images.device, len(batch)
        parts = [F.one_hot(torch.randint(k, (count,), device=device), k).float() for k in self.categories]
        parts.append(torch.empty(count, self.continuous, device=device).uniform_(-1, 1))
        return torch.cat(parts, dim=1)

    def sample_condition(self, indices: Sequence[int], *, seed: int, labels: Tensor | None) -> Tensor:
        """Draw sample i's code by (seed, i); ``labels`` are values of the first category, if asked for.

        Raises:
            ValueError: for a label that the first category does not have.
        """
        if labels is not None and (
            not self.categories or not bool(((labels >= 0) & (labels < self.categories[0])).all())
        ):
            raise ValueError(f"labels choose a value of the first of model.categories = {self.categories}")
        codes = np.zeros((len(indices), self.code_dim), dtype=np.float32)
        for row, random in enumerate(sample_generators(seed ^ _CODE_STREAM, indices)):
            start = 0
            for position, k in enumerate(self.categories):
                value = int(random.integers(k))
                codes[row, start + (int(labels[row]) if labels is not None and position == 0 else value)] = 1
                start += k
            codes[row, start:] = random.random(self.continuous, dtype=np.float32) * 2 - 1
        return torch.from_numpy(codes)

    @property
    def draws_codes(self) -> bool:
        """Say whether there is a categorical code."""
        return bool(self.categories)

    def sample_codes(self, indices: Sequence[int], *, seed: int) -> Tensor | None:
        """Return the first categorical code that samples are drawn of, None without one."""
        if not self.categories:
            return None
        return self.sample_condition(indices, seed=seed, labels=None)[:, : self.categories[0]].argmax(dim=1)

    def traversals(self, condition: Tensor, *, steps: int, extent: float) -> list[Tensor]:
        """Return the codes in which one category takes all its values, or one continuous code ``steps`` of them."""
        rows, start = [], 0
        for k in self.categories:
            row = condition.repeat(k, 1)
            row[:, start : start + k] = torch.eye(k)
            rows.append(row)
            start += k
        for position in range(start, self.code_dim):
            row = condition.repeat(steps, 1)
            row[:, position] = torch.linspace(-extent, extent, steps)
            rows.append(row)
        return rows

    def information(self, features: Tensor, codes: Tensor) -> dict[str, Tensor]:
        """Return -lambda times the mean log-likelihood of ``codes`` under Q, up to its constant, one term a kind.

        Args:
            features: ``(N, feature_dim)`` of generated samples.
            codes: float ``(N, code_dim)`` they were made from.
        """
        parameters = self.code_head(features).float()
        terms, start = {}, 0
        losses = []
        for k in self.categories:
            part = slice(start, start + k)
            losses.append(F.cross_entropy(parameters[:, part], codes[:, part].argmax(dim=1)))
            start += k
        if losses:
            terms["info_categorical"] = self.scalar(self.info_weight) * torch.stack(losses).sum()
        if self.continuous:
            means = parameters[:, start : start + self.continuous]
            squares = (codes[:, start:] - means).square().sum(dim=1).mean()
            terms["info_continuous"] = self.scalar(self.info_weight) * squares / 2
        return terms

    def discriminator_terms(
        self, batch: Batch, fakes: GeneratedBatch, real: DiscriminatorOutput, fake: DiscriminatorOutput
    ) -> dict[str, Tensor]:
        """Add the information term, which trains the shared features, and Q if it learns with D."""
        assert fakes.condition is not None
        terms = super().discriminator_terms(batch, fakes, real, fake)
        return terms | self.information(fake.features, fakes.condition)

    def generator_terms(self, batch: Batch, fakes: GeneratedBatch, fake: DiscriminatorOutput) -> dict[str, Tensor]:
        """Add the information term, which trains G, and Q if it learns with G."""
        assert fakes.condition is not None
        terms = super().generator_terms(batch, fakes, fake)
        return terms | self.information(fake.features, fakes.condition)
