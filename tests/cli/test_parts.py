"""What a run builds of its configuration."""

from gan_lightning.callbacks import Interruption
from gan_lightning.launch.parts import make_each


def test_a_named_part_that_is_null_is_left_out():
    parts = {"health": None, "interruption": {"_target_": "gan_lightning.callbacks.Interruption"}}
    (built,) = make_each({"callbacks": parts}, "callbacks")
    assert isinstance(built, Interruption)
