"""Techniques that keep the training of two players stable."""
