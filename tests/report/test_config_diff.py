"""In which keys configurations differ, without repetitions."""

from gan_lightning.report.config_diff import brief, differing_keys, flatten, shown, shown_value, telling_keys


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
    common = [config(64, f"x.{name}", lr=lr) for name, lr in (("A", 1.0), ("B", 2.0))]  # variants with their own rates
    assert differing_keys(common) == ["model.loss._target_", "model.loss.lr"]
    assert shown("model.loss._target_", "x.y.Hinge") == "model.loss=Hinge"
    assert shown("model.clip", None) == "model.clip=null"


def test_keys_are_as_brief_as_can_be_and_still_differ():
    keys = ["model.generator_optimizer.lr", "model.discriminator_optimizer.lr", "model.loss._target_", "seed", "a.seed"]
    assert list(brief(keys).values()) == [
        "generator_optimizer.lr",
        "discriminator_optimizer.lr",
        "loss",
        "seed",
        "a.seed",
    ]


def test_few_keys_tell_many_configurations_apart():
    configs = [{"a": a, "b": b, "c": (a, b), "d": 1 if a else None, "e": b} for a in (0, 1) for b in (0, 1, 2)]
    assert telling_keys(["a", "b", "d", "e"], configs, most=3) == ["a", "b"]
    assert telling_keys(["a", "b", "c", "d", "e"], configs, most=3) == ["c"]
    assert telling_keys(["a", "d", "e"], configs, most=3) == ["a", "d", "e"]
    assert telling_keys(["a", "b", "d", "e"], configs, most=1) == ["b"]


def test_values_are_shown_with_six_digits():
    assert shown_value("lr", 0.00115349821) == "0.0011535"
    assert shown_value("model.loss._target_", "a.b.Hinge") == "Hinge"
    assert [shown_value("x", value) for value in (None, True, [1], 3)] == ["null", "True", "[1]", "3"]
