"""What follows from a status, and the page that says so."""

from __future__ import annotations

import signal
from typing import get_args

from gan_lightning.runs.status import MEANINGS, WAYS, Status, Way, is_failure, status_of_signal
from tests.conftest import CONF

PAGE = (CONF.parent / "docs" / "reference" / "endings.md").read_text(encoding="utf-8")
FIRST = "| What happens |"


def row(way: Way) -> list[str]:
    meaning = MEANINGS[way.status]
    code = f"{meaning.exit_code}" if meaning.exit_code is not None else "of the signal"
    resumed = {
        "finished": "trains only with a larger budget",
        "diverged": "diverges again",
        "refused": "begins, once that is mended",
    }
    sweep = "skips it" if meaning.settled else "resumes it" if meaning.resumable else "tries it again"
    return [
        way.happens,
        f"`{way.status}`",
        code,
        "continues from the last checkpoint" if meaning.resumable else resumed[way.status],
        sweep,
        "counts it" if way.status == "finished" else "names it, outside of the means",
    ]


def test_the_page_shows_every_way():
    lines = PAGE[PAGE.index(FIRST) :].split("\n\n")[0].splitlines()[2:]
    shown = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert shown == [row(way) for way in WAYS.values()]


def test_the_page_explains_every_status():
    for status, meaning in MEANINGS.items():
        assert f"| `{status}` | {meaning.meaning} |" in PAGE


def test_every_status_has_a_meaning_and_the_gravest_comes_first():
    assert tuple(MEANINGS) == get_args(Status)
    codes = [meaning.exit_code for meaning in MEANINGS.values()]
    assert list(dict.fromkeys(codes)) == [1, 2, 130, 143, 3, 0, None]


def test_only_what_was_brought_to_an_end_is_settled():
    assert {status for status, meaning in MEANINGS.items() if meaning.settled} == {"finished", "diverged"}
    assert not any(meaning.settled and meaning.resumable for meaning in MEANINGS.values())


def test_a_code_tells_whether_an_error_ended_the_command():
    assert [is_failure(code) for code in (0, 1, 2, 3, 130, 143)] == [False, True, True, False, False, False]


def test_only_the_users_own_signal_interrupts():
    assert status_of_signal(signal.SIGINT) == "interrupted"
    assert {status_of_signal(number) for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1)} == {"preempted"}
