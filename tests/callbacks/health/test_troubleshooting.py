"""The page on troubleshooting lists the monitor's remedies as they are."""

import re

from gan_lightning.callbacks.health.trouble import REMEDIES
from tests.documentation import PAGES, ROOT


def test_the_page_lists_every_remedy_of_every_kind_of_trouble():
    page = PAGES[ROOT / "docs" / "how-to" / "troubleshooting.md"]
    shown = re.findall(r"^### .*\n\n`(\w+)`\. .*:\n\n((?:- .*\n)+)", page, flags=re.MULTILINE)
    assert {kind: tuple(re.findall(r"- (.*)\n", remedies)) for kind, remedies in shown} == {
        kind: tuple(remedy.advice.format(penalty="NAME") for remedy in remedies) for kind, remedies in REMEDIES.items()
    }
