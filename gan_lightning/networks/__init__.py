"""Generators and discriminators; they know tensor shapes and nothing else."""
