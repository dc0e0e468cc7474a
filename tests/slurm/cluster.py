"""A SLURM of our own: four virtual nodes on this machine, all daemons as the present user, nothing left behind.

Debian's packages ``slurmctld slurmd slurm-client munge`` are all it needs, and no systemd. Their build can run several
node daemons on one machine, each under its node's name and on its own port.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

PROGRAMS = ("slurmctld", "slurmd", "sbatch", "munged")
NODES = ("n1", "n2", "n3", "n4")
CPUS, GPUS, MEMORY_MB = 4, 2, 8000
PARTITIONS = """PartitionName=main Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP
PartitionName=apart Nodes=n3,n4 MaxTime=INFINITE State=UP
"""
DEAD_NODE_S = 6
"""The controller gives a silent node up after so many seconds."""

SETTINGS = """
ClusterName=lab
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
SlurmctldPort={port}
AuthType=auth/munge
AuthInfo=socket={folder}/run/munge.socket,cred_expire=5
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
SlurmctldPidFile={folder}/run/slurmctld.pid
SlurmdPidFile={folder}/run/slurmd.%n.pid
SlurmctldLogFile={folder}/log/slurmctld.log
SlurmdLogFile={folder}/log/slurmd.%n.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
GresTypes=gpu
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
SlurmdTimeout={dead}
# without these, a requeued job waits for two minutes before it starts again
SchedulerParameters=sched_interval=1,sched_min_interval=100000,batch_sched_delay=0,bf_interval=1
SchedulerType=sched/backfill
EpilogMsgTime=0
ReturnToService=2
MpiDefault=none
KillWait=20
MinJobAge=3600
JobRequeue=1
"""
NODE = (
    "NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs={cpus} RealMemory={memory} "
    "Gres=gpu:{gpus} State=UNKNOWN\n"
)


def missing_programs() -> list[str]:
    """Return what has to be installed before a cluster can start."""
    return [name for name in PROGRAMS if find(name) is None]


def find(program: str) -> str | None:
    return shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin")


class Cluster:
    """Starts the daemons below ``folder``, and stops them in ``close``."""

    def __init__(self, folder: Path, *, port: int = 21817) -> None:
        self.folder, self.port = folder, port
        self.environment = {
            **os.environ,
            "PATH": f"{os.environ['PATH']}:/usr/sbin",
            "SLURM_CONF": str(folder / "slurm.conf"),
            "MASTER_ADDR": "127.0.0.1",  # the names of virtual nodes do not resolve
        }

    def start(self) -> None:
        host, user = socket.gethostname().split(".")[0], getpass.getuser()
        for name in ("state", "log", "run", *(f"spool/{node}" for node in NODES)):
            (self.folder / name).mkdir(parents=True, mode=0o755)
        self.folder.chmod(0o755)
        nodes = "".join(
            NODE.format(name=name, host=host, port=self.port + 10 + i, cpus=CPUS, memory=MEMORY_MB, gpus=GPUS)
            for i, name in enumerate(NODES)
        )
        settings = SETTINGS.format(host=host, user=user, port=self.port, folder=self.folder, dead=DEAD_NODE_S)
        (self.folder / "slurm.conf").write_text(f"{settings}{nodes}{PARTITIONS}")
        files = [self.folder / f"gpu{i}" for i in range(GPUS)]  # make-believe: counted and allocated, never opened
        for file in files:
            file.touch()
        (self.folder / "gres.conf").write_text(f"Name=gpu File={self.folder}/gpu[0-{GPUS - 1}]\n")
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o600)
        run = self.folder / "run"
        self.call(
            "munged",
            f"--key-file={key}",
            f"--socket={run}/munge.socket",
            f"--pid-file={run}/munged.pid",
            f"--log-file={self.folder}/log/munged.log",
            f"--seed-file={self.folder}/munge.seed",
            "--force",
        )
        self.call("slurmctld")
        for node in NODES:
            self.start_node(node)
        until(lambda: self.call("sinfo", "-h", "-N", "-t", "idle", "-o", "%N").split() == list(NODES), 30, "nodes")

    def call(self, *command: str) -> str:
        """Run one of SLURM's programs, which must succeed."""
        done = subprocess.run(
            command, env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
        return done.stdout

    def start_node(self, node: str) -> None:
        self.call("slurmd", "-N", node)

    def kill_node(self, node: str) -> None:
        """End a node as a power cut would: its daemon and all that runs on it, at once."""
        pids = {int((self.folder / "run" / f"slurmd.{node}.pid").read_text())}
        ours = {f"SLURM_CONF={self.folder}/slurm.conf".encode(), f"SLURMD_NODENAME={node}".encode()}
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if ours <= set((process / "environ").read_bytes().split(b"\0")):
                    parent = (process / "stat").read_text().rpartition(")")[2].split()[1]
                    pids.add(int(process.name))
                    if Path("/proc", parent, "cmdline").read_bytes().startswith(b"slurmstepd"):
                        pids.add(int(parent))
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def job_field(self, job: str, name: str) -> str:
        """Return a field of ``scontrol show job``."""
        words = self.call("scontrol", "show", "job", "-o", job).split()
        return next(word.partition("=")[2] for word in words if word.startswith(f"{name}="))

    def state(self, job: str) -> str:
        return self.job_field(job, "JobState")

    def wait(self, job: str, states: tuple[str, ...], timeout_s: float) -> str:
        """Wait until a job is in one of some states."""
        until(lambda: self.state(job) in states, timeout_s, f"job {job} in {states}, it is {self.state(job)}")
        return self.state(job)

    def close(self) -> None:
        subprocess.run(["scancel", "--user", getpass.getuser()], env=self.environment, check=False)
        with contextlib.suppress(AssertionError):  # jobs that outlive the daemons would never be ended
            until(lambda: not self.call("squeue", "-h").strip(), 30, "an empty queue")
        for name in ("slurmctld", *(f"slurmd.{node}" for node in NODES), "munged"):
            path = self.folder / "run" / f"{name}.pid"
            if path.is_file() and path.read_text().strip():
                end(int(path.read_text()))


def end(pid: int) -> None:
    """Ask a daemon to leave, and make it leave after three seconds."""
    try:
        os.kill(pid, signal.SIGTERM)
        for _ in range(30):
            time.sleep(0.1)
            os.kill(pid, 0)
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def until(condition: Callable[[], bool], timeout_s: float, what: str) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"waited {timeout_s} s for: {what}"
        time.sleep(0.25)
