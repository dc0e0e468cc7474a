import gan_lightning  # noqa: F401  (before Lightning: it repairs torchvision where that is needed)
