"""Batches of real samples and the data modules that make them."""
