"""Adversarial losses: pure functions of logits, and thin objects that name them."""
