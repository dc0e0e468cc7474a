import torch

from gan_lightning.callbacks.nearest import draw_nearest
from gan_lightning.data.images import TensorImages
from gan_lightning.metrics.files import FileSampler
from gan_lightning.metrics.scores import Closest


def images(values, channels, side):
    pixels = torch.tensor(values, dtype=torch.uint8).view(-1, 1, 1, 1).expand(-1, channels, side, side)
    return TensorImages(images=pixels.contiguous(), name="flat", split="train")


def test_each_row_is_a_sample_and_the_real_images_nearest_to_it():
    generated, real = images([10, 20, 30], 1, 32), images([100, 110, 120, 130], 3, 64)
    closest = [Closest(2, [3, 0], 0.1), Closest(0, [1, 2], 0.5)]
    picture = draw_nearest(closest, FileSampler(generated), real)
    assert picture.shape == (2 * 66 + 2, 3 * 66 + 2, 3)
    centres = [[picture[34 + 66 * row, 34 + 66 * column].tolist() for column in range(3)] for row in range(2)]
    assert centres == [[[30] * 3, [130] * 3, [100] * 3], [[10] * 3, [110] * 3, [120] * 3]]
