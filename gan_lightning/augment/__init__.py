"""Differentiable augmentations of what the discriminator sees."""
