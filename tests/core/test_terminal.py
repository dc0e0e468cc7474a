import os
import shlex
import subprocess

import pytest

from gan_lightning.core.terminal import printable, shell_quoted


@pytest.mark.parametrize(
    "path",
    [
        *("runs/demo", "my photos (1)", "it's", "null", "ü💥", "a\\x09b", "$HOME `id`", "-a"),
        *("tab\there", "two\nlines", "\x1b[31mred", "\x1bit's \\x41", "\x9f\u202e", os.fsdecode(b"caf\xe9\t"), "\t\\"),
    ],
)
def test_a_quoted_path_can_be_copied_from_a_terminal_into_a_shell(path):
    quoted = shell_quoted(path)
    assert printable(quoted) == quoted
    assert not {"\t", "\n"} & set(quoted)
    said = subprocess.run(["bash", "-c", f"printf %s {quoted}"], capture_output=True, check=True)
    assert os.fsdecode(said.stdout) == path
    assert quoted.startswith("$'") or quoted == shlex.quote(path)
