import pytest
import torch

from gan_lightning.sampling.classes import in_rows, plan


def test_without_labels_the_picture_is_a_square(plain):
    drawn = plan(plain, n=None, labels=None)
    assert (drawn.count, drawn.labels, drawn.columns) == (64, None, 8)
    assert plan(plain, n=5, labels=None).columns == 3


@pytest.mark.parametrize(
    ("labels", "n", "expected"),
    [
        (2, 3, [2, 2, 2]),
        ([2], 3, [2, 2, 2]),
        ([2, 0], 4, [2, 2, 0, 0]),
        ("all", 6, [0, 0, 1, 1, 2, 2]),
        ([1, 1], 2, [1, 1]),
    ],
)
def test_samples_lie_class_by_class(labeled, labels, n, expected):
    drawn = plan(labeled, n=n, labels=labels)
    assert drawn.labels.tolist() == expected


def test_eight_of_each_class_unless_a_number_is_given(labeled):
    drawn = plan(labeled, n=None, labels="all")
    assert (drawn.count, drawn.columns) == (24, 8)


@pytest.mark.parametrize(("per_class", "columns"), [(1, 1), (32, 32), (33, 17), (40, 20), (64, 32), (100, 25)])
def test_long_classes_take_several_rows_of_one_length(labeled, per_class, columns):
    assert plan(labeled, n=3 * per_class, labels="all").columns == columns


@pytest.mark.parametrize(
    ("labels", "expected"),
    [("dog", [1, 1, 1, 1]), (["bird", "cat"], [2, 2, 0, 0]), (["bird", 0], [2, 2, 0, 0]), ("all", [0, 0, 1, 1, 2, 2])],
)
def test_classes_are_called_by_name(labeled, labels, expected):
    labeled.class_names = ("cat", "dog", "bird")
    assert plan(labeled, n=len(expected), labels=labels).labels.tolist() == expected
    asked = labeled.sample(len(expected), labels=torch.tensor(expected))
    assert torch.equal(labeled.sample(len(expected), labels=labels), asked)


@pytest.mark.parametrize("labels", ["cta", ["cat", "cta"]])
def test_a_name_that_no_class_has_is_refused_with_those_that_there_are(labeled, labels):
    labeled.class_names = ("cat", "dog", "bird")
    with pytest.raises(ValueError, match=r"labels = .*'cta'.*classes are 0 to 2, called cat, dog, bird"):
        labeled.sample(2, labels=labels)
    labeled.class_names = None
    with pytest.raises(ValueError, match=r"classes are 0 to 2$"):
        labeled.sample(2, labels=labels)


def test_one_label_for_each_sample(labeled):
    with pytest.raises(ValueError, match=r"one entry for each of n = 3 samples, got shape \(2,\)"):
        labeled.sample(3, labels=torch.tensor([0, 1]))
    assert torch.equal(labeled.sample(2, labels=1), labeled.sample(2, labels=torch.tensor([1, 1])))


@pytest.mark.parametrize("labels", [3, -1, [0, 3], []])
def test_classes_that_there_are_not(labeled, labels):
    with pytest.raises(ValueError, match="classes are 0 to 2"):
        plan(labeled, n=None, labels=labels)


def test_a_model_without_classes_and_a_number_that_does_not_divide(plain, labeled):
    for labels in (0, [0], "all"):
        with pytest.raises(ValueError, match=r"labels = .*DCGAN.* takes no labels"):
            plan(plain, n=None, labels=labels)
    with pytest.raises(ValueError, match="n = 5: must be a multiple of the number of classes, 2"):
        plan(labeled, n=5, labels=[0, 1])


def test_the_categories_of_a_code_can_be_asked_for(coded):
    assert plan(coded, n=None, labels="all").count == 24


def test_groups_begin_new_rows():
    images = torch.arange(5, dtype=torch.uint8).view(5, 1, 1, 1)
    assert in_rows(images, rows=[3, 2], columns=2).flatten().tolist() == [0, 1, 2, 127, 3, 4]
    assert in_rows(images, rows=[4, 1], columns=3).flatten().tolist() == [0, 1, 2, 3, 127, 127, 4, 127, 127]
