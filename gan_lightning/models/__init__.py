"""The two-optimizer protocol and one LightningModule per GAN variant."""
