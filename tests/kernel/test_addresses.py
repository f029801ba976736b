# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses and ARP on each Debian release, with its kernel, its Python and its pyroute2: tests/netns, run on the machine.

These kernels have all that this machine's may lack: VLAN, bond, dummy and tunnel devices.
"""

from __future__ import annotations

import hashlib
import io
import re
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

import ansible
import pytest
from kernels import INVENTORY, KERNELS
from lab_access import PROJECT, ssh_command
from tools import CACHE, libraries, pythons

# Not those of other libraries, which these machines' own take the place of, nor those of bad options, which no kernel sees, nor the keeper's,
# who is on every machine in test_managers. Packet filters and paths are no part of addresses and ARP, and were not seen to pass here yet.
LEFT_OUT = (
    "test_vip_pyroute2 test_vip_keeper test_vip_firewall test_vip_firewall_forwarding test_vip_firewall_others test_vip_arp_filter "
    "test_realserver_path_info test_verify_info"
)
# To compile takes a machine whose processor is emulated a tenth of the whole.
PYTHON = {"bullseye": "3.9", "bookworm": "3.11", "trixie": "3.13"}
WANTED = PROJECT / "requirements" / "guest.txt"
# By its name nothing there is a person's own code, which hypothesis would read for constants: a tenth of the whole. Debian's own
# libraries have such a name too by way of a link.
REMOTE = "/var/tmp/lvs-cluster-tests/site-packages"
# A mount namespace of its own: each mount of `ip netns` that systemd sees costs it more than the test it is for. A plugin that
# pytest finds by itself has its whole package's asserts rewritten, all of hypothesis.
RUN = (
    f"rm -rf {REMOTE} && mkdir -p {REMOTE} && cd {REMOTE} && tar xz && ln -s /usr/lib/python3/dist-packages debian && "
    "export PYTHONPATH=libraries:debian LVS_RANDOM_CASES=5 LVS_LIMIT=300 PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 && "
    "exec unshare --mount --propagation=private "
    "python3 -m pytest -q --durations=25 -p no:cacheprovider -p _hypothesis_pytestplugin"
)
CHOSEN = "tests/netns -k 'not errors and not bad_input' " + " ".join(
    f"--ignore tests/netns/{one}.py" for one in LEFT_OUT.split()
)
LIMIT = 1800  # seconds for all tests on one machine


def guest_libraries() -> Path:
    """Return a directory with what the tests need there; only the first run asks the package index."""
    # Wheels for any Python from the oldest machine's on, which need no compiler.
    options = ["--only-binary=:all:", "--python-version=3.9", "--implementation=py", "--abi=none", "--platform=any"]
    name = f"guest-{hashlib.sha256(WANTED.read_bytes()).hexdigest()[:12]}"
    return libraries(CACHE / name, *options, "--requirement", str(WANTED))


def lay_out(tree: Path) -> None:
    """Put there the collection, its tests, and what they need, as they are on a machine."""
    unneeded = shutil.ignore_patterns("__pycache__", "unit", "bench", "matrix", "usage")
    for name in ("plugins", "tests", ".collections"):
        shutil.copytree(PROJECT / name, tree / name, symlinks=True, ignore=unneeded)
    shutil.copy2(PROJECT / "pyproject.toml", tree)
    shutil.copytree(guest_libraries(), tree / "libraries", ignore=unneeded)
    for lexer in (tree / "libraries" / "pygments" / "lexers").glob("[a-z]*.py"):  # most of the archive
        if lexer.stem not in ("diff", "python"):  # which pytest imports
            lexer.unlink()
    # As Ansible does it on a managed host: an empty package with module_utils in it.
    home, package = Path(ansible.__file__).parent, tree / "libraries" / "ansible"
    shutil.copytree(home / "module_utils", package / "module_utils", ignore=unneeded)
    shutil.copy2(home / "release.py", package)
    (package / "__init__.py").touch()


def packed(name: str) -> bytes:
    """Return what is run on a machine as one archive, compiled already where its Python is here too."""
    python, content = pythons().get(PYTHON[name]), io.BytesIO()
    with tempfile.TemporaryDirectory() as directory:
        tree = Path(directory)
        lay_out(tree)
        if python:
            # What a newer Python has a syntax for stays a source.
            subprocess.run([python, "-m", "compileall", "-qq", "-s", directory, "-p", REMOTE, directory], check=False)
        with tarfile.open(fileobj=content, mode="w:gz", compresslevel=6) as archive:
            for path in tree.iterdir():
                archive.add(path, path.name)
    return content.getvalue()


@pytest.mark.thorough
@pytest.mark.parametrize("name", KERNELS)
def test_addresses(name, record_property):
    done = subprocess.run(
        [*ssh_command(name, INVENTORY), f"{RUN} {CHOSEN}"],
        input=packed(name),
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
