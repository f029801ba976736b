# SPDX-License-Identifier: GPL-3.0-or-later
"""What brings a host back at boot: the files, their order, and that the program runs by itself."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils import _boot as restore
from ansible_collections.lvs.cluster.plugins.module_utils import _boot_client as client
from ansible_collections.lvs.cluster.plugins.module_utils import _boot_declare, _boot_ways
from ansible_collections.lvs.cluster.plugins.module_utils import _boot_plan as boot
from ansible_collections.lvs.cluster.plugins.module_utils._boot_check import check_parts
from ansible_collections.lvs.cluster.plugins.module_utils._errors import InvalidValue, LvsError

DIRECTOR = {
    "name": "director",
    "vips": [{"interface": "lan0", "addresses": ["192.0.2.30"], "label": None}],
    "services": [{"address": "192.0.2.30", "port": 80, "real_servers": [{"address": "192.0.2.4", "weight": None}]}],
}
UNIT = "/etc/systemd/system/lvs-cluster-director.service"
WANT = "/etc/systemd/system/multi-user.target.wants/lvs-cluster-director.service"
STATE = "/etc/lvs-cluster/director.json"


@pytest.fixture
def files():
    declared = boot.declare(DIRECTOR)
    return {
        file.path: file
        for file in boot.wanted_files(declared, "/usr/bin/python3", boot.program(client.module_sources()))
    }


def test_files(files):
    assert list(files) == [boot.PROGRAM, STATE, UNIT, WANT]
    assert json.loads(files[STATE].data) == {
        "arp_filters": [],
        "firewall": [],
        "neighbors": [],
        "services": [{"address": "192.0.2.30", "port": 80, "real_servers": [{"address": "192.0.2.4"}]}],
        "sysctls": {},
        "timeouts": {},
        "vips": [{"interface": "lan0", "addresses": ["192.0.2.30"]}],
    }
    assert files[WANT].link == UNIT


def test_neighbors():
    neighbors = [{"interface": "lan0", "neighbors": [{"address": "192.0.2.30", "mac": "52:54:00:00:00:03"}]}]
    declared = boot.declare({"name": "gateway", "neighbors": neighbors})
    state, unit = (file.data.decode() for file in boot.wanted_files(declared, "/usr/bin/python3", b"")[1:3])
    assert json.loads(state)["neighbors"] == neighbors
    # They wait for the network like VIPs on a device of a network manager.
    assert " network-online.target sys-subsystem-net-devices-lan0.device\n" in unit


def test_arp_filters_come_after_what_empties_nftables():
    arp_filters = [{"name": "realserver", "addresses": ["192.0.2.30"], "source_address": "192.0.2.4"}]
    declared = boot.declare({"name": "realserver", "arp_filters": arp_filters})
    state, unit = (file.data.decode() for file in boot.wanted_files(declared, "/usr/bin/python3", b"")[1:3])
    assert json.loads(state)["arp_filters"] == arp_filters
    assert "\nAfter=systemd-modules-load.service systemd-sysctl.service nftables.service " in unit


def test_no_vip_without_its_arp_filter(monkeypatch, tmp_path, capsys):
    done = []

    def refuse(_items, _state):
        raise LvsError("nftables refuses.")

    monkeypatch.setitem(_boot_ways.WAYS, "arp_filters", refuse)
    parts = ("services", "vips", "neighbors")
    for part in parts:
        monkeypatch.setitem(_boot_ways.WAYS, part, lambda _items, _state, part=part: done.append(part) or [])
    (tmp_path / "state.json").write_text(json.dumps({part: [{}] for part in ("arp_filters", *parts)}))
    assert restore.main([str(tmp_path / "state.json")]) == 1
    assert done == ["services", "neighbors"]
    assert capsys.readouterr().err.splitlines() == [
        "nftables refuses.",
        "VIPs are left out, since they can't be kept out of ARP.",
    ]


def test_firewall():
    opening = {"name": "director", "open": [{"address": "192.0.2.30", "port": None}], "marks": None}
    declared = boot.declare({"name": "director", "firewall": [opening]})
    state, unit = (file.data.decode() for file in boot.wanted_files(declared, "/usr/bin/python3", b"")[1:3])
    assert json.loads(state)["firewall"] == [{"name": "director", "open": [{"address": "192.0.2.30"}]}]
    # After all that loads rules at boot: what they flush would have to be mended.
    (after,) = [line for line in unit.splitlines() if line.startswith("After=")]
    assert {"nftables.service", "ufw.service", "firewalld.service"} <= set(after.split())
    assert "firewalld.service" not in unit.replace(after, "")


def test_kernel_modules():
    declared = boot.declare({**DIRECTOR, "kernel_modules": ["ip_vs", "ip_vs_rr"]})
    first = boot.wanted_files(declared, "/usr/bin/python3", b"")[0]
    assert first.path == "/etc/modules-load.d/lvs-cluster-director.conf"
    assert first.data.decode().splitlines()[1:] == ["ip_vs", "ip_vs_rr"]


def test_same_sources_same_bytes(files):
    assert boot.program(client.module_sources()) == files[boot.PROGRAM].data


@pytest.mark.parametrize(
    ("vips", "after"),
    [
        ([], "systemd-modules-load.service systemd-sysctl.service"),
        ([{"interface": "lo", "addresses": ["192.0.2.30"]}], "systemd-modules-load.service systemd-sysctl.service"),
        (
            [{"interface": "lan-0.5", "addresses": ["192.0.2.30"]}],
            "systemd-modules-load.service systemd-sysctl.service network-online.target "
            "sys-subsystem-net-devices-lan\\x2d0.5.device",
        ),
    ],
)
def test_unit_order(vips, after):
    text = boot.unit_text(boot.declare({"name": "x", "vips": vips}), "/usr/bin/python3")
    assert f"\nAfter={after}\n" in text
    assert (
        "\nExecStart=/usr/bin/python3 /usr/local/lib/lvs-cluster/restore.pyz --keep /etc/lvs-cluster/x.json\n" in text
    )


def test_plan_writes_what_differs_and_nothing_twice(files):
    wanted = list(files.values())
    assert boot.plan_files({}, wanted, []).words == [
        f"write {boot.PROGRAM}",
        f"write {STATE}",
        f"write {UNIT}",
        f"link {WANT}",
    ]
    assert boot.plan_files(files, wanted, []).operations == ()
    edited = {**files, UNIT: boot.Content(UNIT, b"by hand"), WANT: boot.Content(WANT, link="/dev/null")}
    plan = boot.plan_files(edited, wanted, [])
    assert plan.words == [f"write {UNIT}", f"link {WANT}"]
    assert plan.before[UNIT] == "by hand"
    assert plan.after == boot.plan_files({}, wanted, []).after


def test_a_unit_is_stale_when_its_program_or_its_file_changed(files):
    declared, wanted = boot.declare(DIRECTOR), list(files.values())

    def stale(path):
        edited = {**files, path: boot.Content(path, b"earlier")}
        return boot.is_stale(declared, boot.plan_files(edited, wanted, []).operations)

    assert [stale(path) for path in (boot.PROGRAM, UNIT, STATE)] == [True, True, False]


def test_absent(files):
    plan = boot.plan_files(files, [], [WANT, UNIT, STATE])
    assert plan.words == [f"remove {WANT}", f"remove {UNIT}", f"remove {STATE}"]
    assert list(plan.after) == [boot.PROGRAM]


def test_client_on_disk(tmp_path):
    path, link = str(tmp_path / "lvs-cluster" / "unit"), str(tmp_path / "etc" / "wants" / "unit")
    wanted = [boot.Content(path, b"text"), boot.Content(link, link=path)]
    client.apply_files(boot.plan_files(client.read_files([path, link]), wanted, []).operations)
    assert client.read_files([path, link]) == {path: wanted[0], link: wanted[1]}
    client.apply_files(boot.plan_files(client.read_files([path, link]), [], [link, path]).operations)
    assert client.read_files([path, link]) == {}
    assert [entry.name for entry in tmp_path.iterdir()] == ["etc"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"name": "a b"},
            "name: 'a b' becomes part of a unit's name; use lower-case letters, digits and hyphens.",
        ),
        (
            {"name": "x", "kernel_modules": ["ip vs"]},
            "kernel_modules: 'ip vs' is not the name of a kernel module; write one such as ip_vs.",
        ),
        (
            {"name": "x", "services": [{"address": "192.0.2.30"}]},
            "port is missing; name the service by address and port, or by fwmark.",
        ),
        (
            {"name": "x", "firewall": [{"name": "x", "open": [{"address": "192.0.2.30", "port": 0}]}]},
            "port: 0 is not from 1 to 65535; name a port, or leave it out for every port.",
        ),
        (
            {"name": "x", "timeouts": {"tcp": -1}},
            "timeouts.tcp: -1 is out of range; give a number from 1 to 2147483.",
        ),
        (
            {"name": "x", "sysctls": {"conn_reuse_mode": -1}},
            "sysctls.conn_reuse_mode: -1 is out of range; give a number from 0 to 3.",
        ),
        (
            {"name": "x", "neighbors": [{"interface": "lan0", "neighbors": [{"address": "192.0.2.30"}]}]},
            "mac is missing for 192.0.2.30; name the MAC of the director, or write state: absent.",
        ),
    ],
)
def test_refusals(options, message):
    with pytest.raises(InvalidValue) as refusal:
        check_parts(boot.declare(options))
    assert str(refusal.value) == message


@pytest.mark.parametrize(
    ("edited", "checked"),
    [
        ({}, False),
        ({UNIT: b"by hand"}, False),
        ({boot.PROGRAM: b"of other checks"}, True),
        ({STATE: b"by hand"}, True),
        ({STATE: None}, True),
    ],
)
def test_what_was_checked_before_is_not_checked_again(files, monkeypatch, edited, checked):
    found = {**files, **{path: boot.Content(path, data or b"") for path, data in edited.items()}}
    current = {path: file for path, file in found.items() if edited.get(path, b"") is not None}
    seen = []
    monkeypatch.setattr(
        _boot_declare, "read_files", lambda paths: {one: current[one] for one in paths if one in current}
    )
    monkeypatch.setattr("ansible_collections.lvs.cluster.plugins.module_utils._boot_check.check_parts", seen.append)
    declared = boot.declare(DIRECTOR)
    run = _boot_declare.DeclareRun(declared, present=True, remove_former=False, python="/usr/bin/python3")
    assert seen == ([declared] if checked else [])
    assert [one.path for one in run.plan.operations] == list(edited)


def test_what_is_former_is_not_lost_by_a_run_like_the_one_before(monkeypatch):
    """The file that remembers is not that of the declaration alone, so it is read."""
    declared = boot.declare(DIRECTOR)
    former = {"vips": [{"interface": "lo", "addresses": ["192.0.2.9"], "state": "absent"}]}
    restorer = boot.program(client.module_sources())
    files = {file.path: file for file in boot.wanted_files(declared, "/usr/bin/python3", restorer, former)}
    monkeypatch.setattr(_boot_declare, "read_files", lambda _paths: files)
    run = _boot_declare.DeclareRun(declared, present=True, remove_former=False, python="/usr/bin/python3")
    assert (run.plan.operations, run.plan.results["former"]) == ((), former)


@pytest.mark.parametrize(
    ("state", "status", "errors"),
    [
        ({"services": [], "vips": []}, 0, ""),
        (
            {"services": [{"address": "192.0.2.30", "port": 70000}], "vips": []},
            1,
            "port: 70000 is out of range; give a number from 0 to 65535.\n",
        ),
    ],
)
def test_program_runs_by_itself(files, tmp_path, state, status, errors):
    program, declared = tmp_path / "restore.pyz", tmp_path / "director.json"
    program.write_bytes(files[boot.PROGRAM].data)
    declared.write_text(json.dumps(state))
    # -I: no environment, no user's packages: nothing but the zip and the standard library.
    result = subprocess.run([sys.executable, "-I", program, declared], capture_output=True, text=True, timeout=60)
    assert (result.returncode, result.stderr) == (status, errors)


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd-analyze here (package systemd)")
def test_the_unit_is_closed_off(tmp_path):
    """The manager of 250 and later can judge a file; below 5 is what it calls OK."""
    told = subprocess.run(["systemd-analyze", "--version"], capture_output=True, text=True, check=True).stdout
    if int(told.split()[1]) < 250:
        pytest.skip(f"this systemd-analyze ({told.split()[1]}) judges no file: 250 or newer does")
    declared = boot.declare(DIRECTOR)
    unit = tmp_path / declared.unit
    unit.write_text(boot.unit_text(declared, sys.executable))
    command = ["systemd-analyze", "security", "--no-pager", "--offline=true", str(unit)]
    judged = subprocess.run(command, capture_output=True, text=True)
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", judged.stdout)
    assert found, judged.stdout + judged.stderr
    assert float(found[1]) < 3, judged.stdout
    # Whatever the unit writes: that a drain is over can be told while services are restored.
    assert "\nReadWritePaths=-/var/lib/lvs-cluster\n" in unit.read_text()
