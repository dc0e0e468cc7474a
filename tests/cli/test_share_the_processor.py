"""How threads wait for one another, which decides how fast a run is beside another program."""

import os
import subprocess
import sys

import pytest

from gan_lightning.launch.command import SPINS, share_the_processor


def test_waiting_threads_spin_briefly():
    environment = {"PATH": "/bin"}
    share_the_processor(environment)
    assert environment == {"PATH": "/bin", "GOMP_SPINCOUNT": SPINS}


@pytest.mark.parametrize("name", ["OMP_WAIT_POLICY", "GOMP_SPINCOUNT"])
def test_what_the_user_has_set_stays(name):
    environment = {name: "x"}
    share_the_processor(environment)
    assert environment == {name: "x"}


def test_the_commands_import_pytorch_later_than_they_say_so():
    program = "import sys, gan_lightning.cli.train, gan_lightning.launch.job; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=os.environ, check=True)
    assert done.stdout.strip() == "False"
