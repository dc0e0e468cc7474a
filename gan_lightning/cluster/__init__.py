"""SLURM: what it tells a process, what a job asks of it, and jobs that go on after it took their machine away."""
