"""In which keys configurations differ, without repetitions."""

from gan_lightning.tracking.config_diff import differing_keys, flatten, shown


def test_interpolated_copies_and_arguments_of_exchanged_parts_are_not_repeated():
    def config(batch, loss, **arguments):
        return flatten(
            {"batch_size": batch, "data": {"batch_size": batch}, "model": {"loss": {"_target_": loss, **arguments}}}
        )

    first, second = config(64, "x.Hinge"), config(32, "x.NonSaturating", real_target=1.0)
    assert differing_keys([first, second]) == ["batch_size", "model.loss._target_"]
    assert differing_keys([config(64, "x.Ns", real_target=1.0), config(64, "x.Ns", real_target=0.9)]) == [
        "model.loss.real_target"
    ]
    assert shown("model.loss._target_", "x.y.Hinge") == "model.loss=Hinge"
    assert shown("model.clip", None) == "model.clip=null"
