"""The ground floor: files, pixels, processes, randomness and the machine; nothing here knows of GANs."""
