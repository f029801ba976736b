# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Python the unit starts: the distribution's, else one that a boot can start, else none."""

from __future__ import annotations

import sys
import venv
from pathlib import Path

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._core import interpreters
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import PrerequisiteMissing
from ansible_collections.lvs.cluster.plugins.module_utils._parts.declaration import declare
from ansible_collections.lvs.cluster.plugins.module_utils._restore import interpreter
from ansible_collections.lvs.cluster.plugins.module_utils._restore.interpreter import (
    Running,
    choose_interpreter,
    is_hidden,
    needed_libraries,
)

SYSTEM, OPT, HOME = "/usr/bin/python3", "/opt/python/bin/python3.13", "/root/venv/bin/python"
PLACE = "/usr/lib/python3/dist-packages/pyroute2/__init__.py"
VIP = {"interface": "lo", "addresses": ["192.0.2.30"]}


@pytest.fixture
def host(monkeypatch):
    """Return a function that makes a host: which Python runs, and which libraries those have that are there."""

    def make(running: str, found: dict[str, list[str]]) -> None:
        asked: list[str] = []

        def has_libraries(path, libraries=()):
            asked.append(path)
            return path in found and set(libraries) <= set(found[path])

        monkeypatch.setattr(interpreter, "is_running", lambda path: path == running)
        monkeypatch.setattr(interpreter, "has_libraries", has_libraries)
        return asked

    return make


@pytest.mark.parametrize(
    ("running", "found", "chosen"),
    [
        # The name without a version outlives an upgrade, whatever name discovery found.
        (SYSTEM, {SYSTEM: ["pyroute2"]}, SYSTEM),
        (SYSTEM, {SYSTEM: []}, SYSTEM),
        (OPT, {SYSTEM: ["pyroute2"], OPT: ["pyroute2"]}, SYSTEM),
        (HOME, {SYSTEM: ["pyroute2"], HOME: ["pyroute2"]}, SYSTEM),
        (OPT, {SYSTEM: [], OPT: ["pyroute2"]}, OPT),
        (OPT, {OPT: []}, OPT),
        # Packages are made for the distribution's.
        (OPT, {SYSTEM: [], OPT: []}, SYSTEM),
        (OPT, {"/usr/libexec/platform-python": ["pyroute2"], OPT: []}, "/usr/libexec/platform-python"),
    ],
)
def test_the_choice(host, running, found, chosen):
    asked = host(running, found)
    here = Running(running, [running], lambda library: PLACE if library in found[running] else None)
    assert choose_interpreter(["pyroute2"], here) == chosen
    # An unchanged run of a normal host starts no process.
    assert (asked == []) is (running == SYSTEM)


@pytest.mark.parametrize(
    ("running", "place", "found", "remedy"),
    [
        (HOME, PLACE, {SYSTEM: [], HOME: ["pyroute2"]}, "install python3-pyroute2 for /usr/bin/python3, "),
        (HOME, PLACE, {HOME: ["pyroute2"]}, "install the package python3, "),
        # What pip installed for root alone
        (SYSTEM, "/root/.local/lib/python3.11/pyroute2/__init__.py", {SYSTEM: ["pyroute2"]}, "install python3-pyroute2"),
    ],
)  # fmt: skip
def test_what_a_boot_cannot_see_is_refused(host, running, place, found, remedy, error_words):
    host(running, found)
    with pytest.raises(PrerequisiteMissing) as caught:
        choose_interpreter(["pyroute2"], Running(running, [running], lambda _library: place))
    assert error_words(caught.value) == ("interpreter", running)
    assert caught.value.remedy.startswith(remedy)


def test_a_virtual_environment_is_judged_by_all_its_places(host):
    """Its own path is harmless; the interpreter behind it is not."""
    host("/opt/venv/bin/python", {})
    here = Running("/opt/venv/bin/python", ["/opt/venv/bin/python", "/home/a/.pyenv/3.13/bin/python"], lambda _: PLACE)
    with pytest.raises(PrerequisiteMissing, match=r"/home/a/\.pyenv/3\.13/bin/python"):
        choose_interpreter(["pyroute2"], here)


def test_this_one():
    here = Running.here()
    assert here.path == sys.executable in here.places
    assert (here.find("json"), here.find("nosuchlibrary")) == (sys.modules["json"].__file__, None)


@pytest.mark.parametrize(
    ("path", "hidden"),
    [
        ("/home/a/bin/python", True),
        ("/run/user/0/python", True),
        ("/tmp/venv/bin/python", True),
        ("/usr/bin/python3", False),
        ("/run/current-system/sw/bin/python3", False),
        ("/homes/python3", False),
    ],
)
def test_what_a_unit_does_not_see(path, hidden):
    assert is_hidden(path) is hidden


@pytest.mark.parametrize(
    ("parts", "needed"),
    [
        ({"services": [{"address": "192.0.2.30", "port": 80}], "kernel_modules": ["ip_vs"]}, []),
        ({"vips": [VIP]}, ["pyroute2"]),
        ({"neighbors": [{"interface": "lan0", "neighbors": []}]}, ["pyroute2"]),
        ({"firewall": [{"name": "x"}]}, ["nftables"]),
        ({"vips": [VIP], "arp_filters": [{"name": "x"}]}, ["nftables", "pyroute2"]),
    ],
)
def test_libraries_that_a_declaration_needs(parts, needed):
    assert needed_libraries(declare({"name": "x", **parts})) == needed


def test_a_real_interpreter_is_asked(tmp_path: Path):
    """A virtual environment without the packages of this one."""
    venv.create(tmp_path, symlinks=True)
    other = str(tmp_path / "bin" / "python")
    assert interpreters.has_libraries(other, ["json"])
    assert not interpreters.has_libraries(other, ["json", "ansible"])
    assert interpreters.has_libraries(sys.executable, ["ansible"])
    assert not interpreters.has_libraries(str(tmp_path / "nosuch"))
    assert not interpreters.has_libraries("/bin/false")


def test_an_old_python_is_none(monkeypatch):
    monkeypatch.setattr(interpreters, "OLDEST", (99,))
    assert not interpreters.has_libraries(sys.executable)


@pytest.mark.parametrize(("prefix", "same"), [(sys.base_prefix, True), ("/opt/venv", False)])
def test_a_virtual_environment_is_not_the_interpreter_that_it_links_to(monkeypatch, prefix, same):
    monkeypatch.setattr(interpreters.sys, "prefix", prefix)
    assert interpreters.is_running(sys.executable) is same
