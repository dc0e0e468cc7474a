"""Penalties on the discriminator: pure functions of gradients or weights, and thin objects with weight and interval."""
