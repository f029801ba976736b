# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses and ARP on each Debian release, with its kernel, its Python and its pyroute2: tests/netns, run on the machine.

These kernels have all that this machine's may lack: VLAN, bond, dummy and tunnel devices.
"""

from __future__ import annotations

import functools
import hashlib
import io
import re
import subprocess
import tarfile
from pathlib import Path

import ansible
import pytest
from conftest import INVENTORY, KERNELS
from lab_access import PROJECT, ssh_command
from tools import CACHE, libraries

# Not those of other libraries, which these machines' own take the place of, nor those of bad options, which no kernel sees. Packet filters
# and paths are no part of addresses and ARP, and were not seen to pass here yet.
LEFT_OUT = "test_vip_pyroute2 test_vip_firewall test_vip_firewall_others test_vip_arp_filter test_realserver_path_info test_verify_info"
# A minute or more of each machine: the oldest one will do. The first is about a packet filter too; for the second, test_managers has a
# keeper on every machine.
OLDEST_ONLY, OLDEST = "test_vip_firewall_forwarding test_vip_keeper", "bullseye"
WANTED = PROJECT / "requirements" / "guest.txt"
REMOTE = "/var/tmp/lvs-cluster-tests"
# A mount namespace of its own: each mount of `ip netns` that systemd sees costs it more than the test it is for.
RUN = (
    f"rm -rf {REMOTE} && mkdir {REMOTE} && cd {REMOTE} && tar xz && PYTHONPATH=libraries LVS_RANDOM_CASES=5 LVS_LIMIT=300 "
    "exec unshare --mount --propagation=private python3 -m pytest -q --durations=25 -p no:cacheprovider"
)
LIMIT = 1800  # seconds for all tests on one machine


def guest_libraries() -> Path:
    """Return a directory with what the tests need there; only the first run asks the package index."""
    # Wheels for any Python from the oldest machine's on, which need no compiler.
    options = ["--only-binary=:all:", "--python-version=3.9", "--implementation=py", "--abi=none", "--platform=any"]
    name = f"guest-{hashlib.sha256(WANTED.read_bytes()).hexdigest()[:12]}"
    return libraries(CACHE / name, *options, "--requirement", str(WANTED))


@functools.cache
def packed() -> bytes:
    """Return the collection, its tests, and what they need, as one archive."""
    content = io.BytesIO()

    def wanted(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
        return None if "__pycache__" in member.name else member

    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for name in ("plugins", "tests", ".collections", "pyproject.toml"):
            archive.add(PROJECT / name, name, filter=wanted)
        archive.add(guest_libraries(), "libraries", filter=wanted)
        # As Ansible does it on a managed host: an empty package with module_utils in it.
        home = Path(ansible.__file__).parent
        for name in ("release.py", "module_utils"):
            archive.add(home / name, f"libraries/ansible/{name}", filter=wanted)
        archive.addfile(tarfile.TarInfo("libraries/ansible/__init__.py"))
    return content.getvalue()


def arguments_for(name: str) -> str:
    """Return pytest's arguments on a machine."""
    left_out = LEFT_OUT if name == OLDEST else f"{LEFT_OUT} {OLDEST_ONLY}"
    ignored = " ".join(f"--ignore tests/netns/{one}.py" for one in left_out.split())
    return f"tests/netns -k 'not errors and not bad_input' {ignored}"


@pytest.mark.thorough
@pytest.mark.parametrize("name", KERNELS)
def test_addresses(name, record_property):
    done = subprocess.run(
        [*ssh_command(name, INVENTORY), f"{RUN} {arguments_for(name)}"],
        input=packed(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=LIMIT,
    )
    output = done.stdout.decode(errors="replace")
    assert done.returncode == 0, output[-20_000:]
    print(output)
    record_property(f"tests of addresses on {name}", int(re.findall(r"^(\d+) passed", output, re.M)[-1]))
    for number, kind in re.findall(r"^ +(\d+)  (\S.*)$", output, re.M):
        record_property(f"{kind} on {name}", int(number))
