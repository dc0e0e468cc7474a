"""``.ci/test-slurm`` where SLURM is missing: it installs it or is passed over and says so; all programs stand in."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from tests.conftest import CONF

SCRIPT = CONF.parent / ".ci" / "test-slurm"
PROGRAMS = ("slurmctld", "slurmd", "sbatch", "munged")


@pytest.fixture
def machine(tmp_path):
    """A machine on which a user who is not root has the given programs, and what became of the script there."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("bash", "sh", "dirname", "env", "touch", "chmod"):
        (folder / name).symlink_to(shutil.which(name))

    def put(name, text):
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)

    def run(**programs):
        put("id", "echo 1000")
        put("python", 'echo "python $@, SLURM=$GAN_LIGHTNING_TEST_SLURM"; exit 5')
        for name, text in programs.items():
            put(name.replace("_", "-"), text)
        return subprocess.run(
            [folder / "bash", SCRIPT, folder / "python", "-x"],
            env={"PATH": str(folder), "SBIN": str(folder)},
            capture_output=True,
            text=True,
            check=False,
        )

    run.folder = folder
    return run


def sudo(folder):
    """Become root for ``apt-get`` only, and note the rest."""
    return (
        f'shift; echo "$@" >> {folder}/asked; '
        'case "$1 $3" in apt-get*|*apt-get) exec "$@";; tee*) while read -r line; do :; done;; esac'
    )


def installing(folder):
    made = " ".join(f"{folder}/{name}" for name in PROGRAMS)
    return f'case "$*" in *install*) touch {made}; chmod +x {made};; esac'


def asked(folder):
    return (folder / "asked").read_text().splitlines()


def about_services(folder):
    """What was done with the policy that keeps packages from starting services."""
    policy = f" {folder}/policy-rc.d"
    return [line.removesuffix(policy) for line in asked(folder) if line.endswith(policy)]


def test_without_apt_get_it_is_passed_over_with_a_line(machine):
    done = machine()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "test-slurm: PASSED OVER: slurmctld is missing, and slurmctld slurmd slurm-client munge cannot be installed: "
        "there is no apt-get here\n"
    )


@pytest.mark.parametrize("refusal", [{}, {"sudo": "echo a password is required >&2; exit 1"}])
def test_without_the_right_to_install_it_is_passed_over(machine, refusal):
    done = machine(apt_get="exit 0", **refusal)
    assert done.returncode == 0
    assert "PASSED OVER" in done.stdout
    assert "needs root, or sudo without a password" in done.stdout


def test_where_nothing_can_be_downloaded_it_says_what_apt_get_said(machine):
    failing = "echo Reading; echo 'E: Failed to fetch http://deb.example/slurm' >&2; exit 100"
    done = machine(sudo=sudo(machine.folder), apt_get=failing)
    assert done.returncode == 0
    assert "cannot be installed: apt-get failed: E: Failed to fetch http://deb.example/slurm\n" in done.stdout
    assert about_services(machine.folder)[-1] == "rm -f"


def test_after_installing_the_tests_run_and_their_code_is_the_scripts(machine):
    done = machine(sudo=sudo(machine.folder), apt_get=installing(machine.folder))
    assert done.returncode == 5, done.stderr
    assert done.stdout == "python -m pytest tests/slurm -x, SLURM=1\n"
    assert any(line.endswith("install slurmctld slurmd slurm-client munge") for line in asked(machine.folder))
    assert about_services(machine.folder) == ["tee", "chmod +x", "rm -f"]


def test_where_slurm_is_there_nothing_is_installed(machine):
    done = machine(**dict.fromkeys(PROGRAMS, "exit 0"), apt_get=f"touch {machine.folder}/asked")
    assert done.returncode == 5
    assert not (machine.folder / "asked").exists()


def test_packages_without_their_programs_are_an_error(machine):
    done = machine(sudo=sudo(machine.folder), apt_get="exit 0")
    assert done.returncode == 1
    assert "there is still no slurmctld" in done.stderr
