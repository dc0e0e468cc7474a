"""Names of files to two domains: every layout that people have, and what is wrong with others."""

from __future__ import annotations

import pytest

from gan_lightning.data import DataError
from gan_lightning.data.domain_layout import Domains, arrange_domains, domain_root
from gan_lightning.data.layout import is_held_out

AB = ["1.png", "2.png"]


def arrange(names, *, paired=True, layout="auto", heldout_fraction=0.0):
    root = domain_root(names)
    return arrange_domains(
        [name.removeprefix(root) for name in names],
        layout=layout,
        paired=paired,
        heldout_fraction=heldout_fraction,
        where="here",
    )


def files(*folders):
    return [f"{folder}/{name}" for folder in folders for name in AB]


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize(
    ("folders", "pattern"),
    [
        (["trainA", "trainB", "testA", "testB"], "{split}{domain}/{name}"),
        (["A/train", "A/test", "B/train", "B/test"], "{domain}/{split}/{name}"),
        (["train/A", "train/B", "test/A", "test/B"], "{split}/{domain}/{name}"),
    ],
)
@pytest.mark.parametrize("above", ["", "maps/", "data/maps/"])
def test_layouts_with_splits(folders, pattern, above, paired):
    splits = arrange([above + name for name in files(*folders)], paired=paired)
    assert set(splits) == {"train", "test"}
    for split, found in splits.items():
        expected = [[pattern.format(split=split, domain=domain, name=name) for name in AB] for domain in "AB"]
        assert [found.a, found.b] == expected


def test_two_folders_without_splits_are_all_trained_on_or_held_out_by_name():
    names = [f"{domain}/{number}.{suffix}" for domain, suffix in (("A", "jpg"), ("B", "png")) for number in range(100)]
    assert list(arrange(names)) == ["train"]
    splits = arrange(names, heldout_fraction=0.2)
    assert 8 <= len(splits["heldout"].a) <= 35
    for found in splits.values():
        assert [a[2:-4] for a in found.a] == [b[2:-4] for b in found.b]
    assert len(splits["train"].a) + len(splits["heldout"].a) == 100


@pytest.mark.parametrize("paired", [True, False])
def test_a_fraction_of_training_folders_alone_is_held_out(paired):
    names = [f"train{domain}/{number}.png" for domain in "AB" for number in range(40)]
    splits = arrange(names, paired=paired, heldout_fraction=0.2)
    apart = arrange([name.removeprefix("train") for name in names], paired=paired, heldout_fraction=0.2)
    for split, found in splits.items():
        assert [name.removeprefix("train") for name in found.a] == apart[split].a
    held = files("testA", "testB")
    assert set(arrange([*names, *held], paired=paired, heldout_fraction=0.2)) == {"train", "test"}


def test_partners_are_found_however_their_accents_are_stored():
    assert arrange(["A/e\u0301.png", "B/\u00e9.png"]) == {"train": Domains(["A/e\u0301.png"], ["B/\u00e9.png"])}
    for number in range(40):
        assert is_held_out(f"e\u0301{number}", 0.5) is is_held_out(f"\u00e9{number}", 0.5)


def test_side_by_side_with_and_without_splits():
    assert arrange(files("train", "val")) == {
        "train": Domains(["train/1.png", "train/2.png"], None),
        "val": Domains(["val/1.png", "val/2.png"], None),
    }
    assert arrange(["x/1.png", "x/2.png"]) == {"train": Domains(["1.png", "2.png"], None)}
    forced = arrange(["A/1.png", "A/2.png"], layout="side_by_side")
    assert forced == {"train": Domains(["A/1.png", "A/2.png"], None)}


def test_domains_without_pairs_may_have_other_names_and_numbers():
    splits = arrange(["trainA/horse1.jpg", "trainA/horse2.jpg", "trainB/zebra.png"], paired=False)
    assert splits == {"train": Domains(["trainA/horse1.jpg", "trainA/horse2.jpg"], ["trainB/zebra.png"])}


@pytest.mark.parametrize(
    ("names", "options", "message"),
    [
        (files("trainA"), {}, "train images of domain B are missing; the other domain has trainA/1.png"),
        (files("A"), {}, "images of domain B are missing"),
        (files("trainA", "trainB", "testB"), {}, "test images of domain A are missing"),
        ([*files("A", "B"), "A/3.png"], {}, "3 in A and 2 in B: A/3.png without a partner in B"),
        (["A/1.png", "A/2.png", "B/1.png", "B/3.png"], {}, "A/2.png without a partner in B; B/3.png without a partner"),
        (["A/1.png", "B/2.png"], {}, "Partners have the same name, suffixes aside; data=unpaired needs none"),
        ([*files("A", "B"), "A/1.jpg"], {}, "A/1.png and A/1.jpg differ only in their suffixes"),
        ([*files("A", "B"), "other.png"], {}, "other.png lie outside the domains' folders"),
        (files("testA", "testB"), {}, "no training images, only test"),
        ([*files("A/train", "B"), "A/0.png"], {}, "lies in a split's folder"),
        (files("photos"), {"paired": False}, "lie outside the domains' folders, which are trainA/ and trainB/"),
        (files("A", "B"), {"paired": False, "layout": "side_by_side"}, "data.paired=true"),
        (files("photos"), {"layout": "folders"}, "side_by_side takes images that hold both"),
    ],
)
def test_what_does_not_fit_is_named(names, options, message):
    with pytest.raises(DataError) as caught:
        arrange(names, **options)
    assert message in str(caught.value)
