"""A run's files, and the trackers that show them."""
