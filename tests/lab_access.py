# SPDX-License-Identifier: GPL-3.0-or-later
"""How tests reach the lab's hosts without Ansible: a module run costs seconds where the processor is emulated."""

from __future__ import annotations

import atexit
import functools
import json
import os
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

PROJECT = Path(__file__).parents[1]
# One login for each host serves all commands; the sockets end by themselves a minute after the last.
SHARED_LOGIN = "-o ControlMaster=auto -o ControlPersist=60s"


class Access(NamedTuple):
    """Where a host's ssh listens, what ssh has to be told, and the Python that Ansible uses there."""

    address: str
    port: int
    user: str
    key: str
    arguments: str
    python: str

    @property
    def options(self) -> str:
        """The options of ssh, but for address, port, user and key."""
        return f"{self.arguments} {SHARED_LOGIN} -o ControlPath={sockets()}/%C"

    @property
    def command(self) -> list[str]:
        """The command to which a remote command is appended."""
        where = ["-i", self.key, "-p", str(self.port), f"{self.user}@{self.address}"]
        return ["ssh", *shlex.split(self.options), *where]


@functools.cache
def sockets() -> str:
    """Return a directory for ssh's control sockets: short, since a socket's path has 108 bytes at most."""
    directory = tempfile.mkdtemp(prefix="lvs-ssh-")
    atexit.register(shutil.rmtree, directory, ignore_errors=True)  # a master takes its own socket away when it ends
    return directory


@functools.cache
def lab_hosts(inventory: str = "lab") -> dict[str, Access]:
    """Return host name -> access of the lab that $LVS_LAB names, as the inventory says it."""
    environment = {**os.environ, "ANSIBLE_CONFIG": str(PROJECT / "ansible.cfg")}
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "access.json"
        subprocess.run(
            ["ansible-playbook", "tests/lab_access.yml", "-i", inventory, "-e", f"lab_access_file={path}"],
            cwd=PROJECT,
            env=environment,
            stdout=subprocess.PIPE,
            check=True,
            timeout=120,
        )
        found = json.loads(path.read_text())
    return {name: Access(**values) for name, values in found.items()}


def ssh_command(host: str, inventory: str = "lab") -> list[str]:
    """Return the command that runs what is appended on this host of the lab."""
    return lab_hosts(inventory)[host].command
