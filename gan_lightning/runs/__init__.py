"""The run folder: its files, its lock, its record. Nothing is imported here: some readers must not wait for torch."""
