# SPDX-License-Identifier: GPL-3.0-or-later
"""What brings a host back at boot: the files, their order, and that the program runs by itself."""

from __future__ import annotations

import json
import os

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._core.paths import PROGRAM
from ansible_collections.lvs.cluster.plugins.module_utils._parts.declaration import declare
from ansible_collections.lvs.cluster.plugins.module_utils._restore import client
from ansible_collections.lvs.cluster.plugins.module_utils._restore import plan as boot
from restore_declarations import CHECKSUM, DIRECTOR, STATE, UNIT, WANT, files

__all__ = ["files"]


def test_files(files):
    assert list(files) == [PROGRAM, STATE, UNIT, WANT]
    assert json.loads(files[STATE].data) == {
        "arp_filters": [],
        "firewall": [],
        "neighbors": [],
        "owner": "default",
        "services": [{"address": "192.0.2.30", "port": 80, "real_servers": [{"address": "192.0.2.4"}]}],
        "sync": [],
        "sysctls": {},
        "timeouts": {},
        "vips": [{"interface": "lan0", "addresses": ["192.0.2.30"]}],
    }
    assert files[WANT].link == UNIT


def test_vips_that_need_no_network_have_a_unit_of_their_own():
    declared = declare({"name": "realserver", "vips": [{"interface": "lo", "addresses": ["192.0.2.30"]}]})
    wanted = boot.wanted_files(declared, "/usr/bin/python3", CHECKSUM, early=True)
    paths = [file.path for file in wanted]
    assert paths == [path for path in declared.paths if path != declared.modules]
    assert declared.early_file in paths
    # It comes before the unit that starts it, and goes after that.
    assert paths.index(declared.early_file) < paths.index(declared.unit_file)
    (early,) = [file for file in wanted if file.path == declared.early_file]
    assert b" --early /etc/lvs-cluster/realserver.json\n" in early.data


def test_neighbors():
    neighbors = [{"interface": "lan0", "neighbors": [{"address": "192.0.2.30", "mac": "52:54:00:00:00:03"}]}]
    declared = declare({"name": "gateway", "neighbors": neighbors})
    state, unit = (file.data.decode() for file in boot.wanted_files(declared, "/usr/bin/python3", CHECKSUM)[1:3])
    assert json.loads(state)["neighbors"] == neighbors
    # They wait for the network like VIPs on a device of a network manager.
    assert " network-online.target sys-subsystem-net-devices-lan0.device\n" in unit


def test_sync():
    sync = [
        {"daemons": [{"state": "backup", "interface": "lan1", "sync_id": 7}], "sysctls": {"sync_threshold": [0, 0]}}
    ]
    state, unit = (
        file.data.decode()
        for file in boot.wanted_files(declare({"name": "director", "sync": sync}), "/usr/bin/python3", CHECKSUM)[1:3]
    )
    assert json.loads(state)["sync"] == sync
    # A daemon sends from the address that its device has when it starts.
    assert " network-online.target sys-subsystem-net-devices-lan1.device\n" in unit


def test_arp_filters_come_after_what_empties_nftables():
    arp_filters = [{"name": "realserver", "addresses": ["192.0.2.30"], "source_address": "192.0.2.4"}]
    declared = declare({"name": "realserver", "arp_filters": arp_filters})
    state, unit = (file.data.decode() for file in boot.wanted_files(declared, "/usr/bin/python3", CHECKSUM)[1:3])
    assert json.loads(state)["arp_filters"] == arp_filters
    assert "\nAfter=systemd-modules-load.service systemd-sysctl.service nftables.service " in unit


def test_firewall():
    opening = {"name": "director", "open": [{"address": "192.0.2.30", "port": None}], "marks": None}
    declared = declare({"name": "director", "firewall": [opening]})
    state, unit = (file.data.decode() for file in boot.wanted_files(declared, "/usr/bin/python3", CHECKSUM)[1:3])
    assert json.loads(state)["firewall"] == [{"name": "director", "open": [{"address": "192.0.2.30"}]}]
    # After all that loads rules at boot: what they flush would have to be mended.
    (after,) = [line for line in unit.splitlines() if line.startswith("After=")]
    assert {"nftables.service", "ufw.service", "firewalld.service"} <= set(after.split())
    assert "firewalld.service" not in unit.replace(after, "")


def test_kernel_modules():
    declared = declare({**DIRECTOR, "kernel_modules": ["ip_vs", "ip_vs_rr"]})
    first = boot.wanted_files(declared, "/usr/bin/python3", CHECKSUM)[0]
    assert first.path == "/etc/modules-load.d/lvs-cluster-director.conf"
    assert first.data.decode().splitlines()[1:] == ["ip_vs", "ip_vs_rr"]


def test_plan_writes_what_differs_and_nothing_twice(files):
    wanted = list(files.values())
    assert boot.plan_files({}, wanted, []).words == [
        f"write {PROGRAM}",
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
    declared, wanted = declare(DIRECTOR), list(files.values())

    def stale(path):
        edited = {**files, path: boot.Content(path, b"earlier")}
        return boot.is_stale(declared, boot.plan_files(edited, wanted, []).operations)

    assert [stale(path) for path in (PROGRAM, UNIT, STATE)] == [True, True, False]


def test_absent(files):
    plan = boot.plan_files(files, [], [WANT, UNIT, STATE])
    assert plan.words == [f"remove {WANT}", f"remove {UNIT}", f"remove {STATE}"]
    assert list(plan.after) == [PROGRAM]


def test_client_on_disk(tmp_path):
    path, link = str(tmp_path / "lvs-cluster" / "unit"), str(tmp_path / "etc" / "wants" / "unit")
    wanted = [boot.Content(path, b"text"), boot.Content(link, link=path)]
    client.apply_files(boot.plan_files(client.read_files([path, link]), wanted, []).operations, b"")
    assert client.read_files([path, link]) == {path: wanted[0], link: wanted[1]}
    client.apply_files(boot.plan_files(client.read_files([path, link]), [], [link, path]).operations, b"")
    assert client.read_files([path, link]) == {}
    assert [entry.name for entry in tmp_path.iterdir()] == ["etc"]


def test_the_program_is_written_from_what_was_transferred(tmp_path):
    path = str(tmp_path / "restore.pyz")
    wanted = [boot.Content(path, checksum=client.checksum_of(b"program"))]
    client.apply_files(boot.plan_files({}, wanted, []).operations, b"program")
    assert client.read_files([path]) == {path: wanted[0]}
    assert os.stat(path).st_mode & 0o777 == 0o755
    assert boot.plan_files(client.read_files([path]), wanted, []).operations == ()


@pytest.mark.parametrize("found", [None, b"of another version"])
def test_a_program_that_is_not_there_or_another_one_is_refused(tmp_path, found, error_words):
    path = tmp_path / "transferred"
    if found is not None:
        path.write_bytes(found)
    with pytest.raises(client.ProgramMissing) as refusal:
        client.read_program(str(path) if found else "", CHECKSUM)
    assert refusal.value.results == {"program_missing": True}
    assert error_words(refusal.value) == ("program", "1310ca2c8932dbd118668bd97442558a3e1f546b5e15c69699dfbd6024f548d8")
