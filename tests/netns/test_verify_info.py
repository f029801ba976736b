# SPDX-License-Identifier: GPL-3.0-or-later
"""verify_info on a real segment: owners, sysctls in effect and paths in one run; and what a boot brings back, from files."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import LvsError
from ansible_collections.lvs.cluster.plugins.module_utils._facts.state import read_boots
from netns_hosts import Segment

VIP = "192.0.2.30"


def test_one_run_sees_all(make_segment: Callable[[int], Segment]) -> None:
    segment = make_segment(3)
    director, server = segment.host(1), segment.host(2)
    director.ip(f"addr add {VIP}/32 dev eth0")
    server.sysctl("ipv4/conf/all/arp_ignore", 1)
    server.sysctl("ipv4/conf/eth0/arp_announce", 2)
    server.ip(f"addr add {VIP}/32 dev lo")
    server.ip(f"neigh add 192.0.2.77 lladdr {segment.mac(1)} dev eth0 nud permanent")
    service = {"address": VIP, "port": 80, "real_servers": [{"address": f"192.0.2.{n}"} for n in (2, 3)]}
    with server.entered():
        listener = socket.create_server(("0.0.0.0", 80))
    with listener:
        seen = director.module("verify_info", check=True, paths=[service], timeout=0.5, boots=["director"])
    assert (seen["changed"], seen["operations"]) == (False, [])
    assert [path["verdict"] for path in seen["paths"]] == ["ok", "silent"]
    assert seen["boots"]["director"]["unit"] == "lvs-cluster-director.service"
    asked = server.module("verify_info", addresses=[VIP], timeout=0.5)
    assert asked["facts"]["owners"] == {VIP: [segment.mac(1)]}
    values = asked["sysctls"]["eth0"]
    assert (values["arp_ignore"], values["arp_announce"], values["forwarding"]) == (1, 2, 0)
    assert (asked["paths"], asked["table"]) == ([], {})
    assert asked["neighbors"] == [{"interface": "eth0", "address": "192.0.2.77", "mac": segment.mac(1)}]


def test_what_a_boot_brings_back(tmp_path: Path) -> None:
    root, unit = str(tmp_path), "lvs-cluster-realserver.service"
    nothing = {"unit": unit, "active": False, "enabled": False, "declared": None, "start": None}
    assert read_boots(["realserver"], root) == {"realserver": nothing}
    wants = tmp_path / "etc/systemd/system/multi-user.target.wants"
    for directory in (tmp_path / "etc/lvs-cluster", tmp_path / "run/lvs-cluster-realserver", wants):
        directory.mkdir(parents=True)
    (wants / unit).symlink_to("nowhere")
    state = tmp_path / "etc/lvs-cluster/realserver.json"
    state.write_text(json.dumps({"vips": []}))
    found = read_boots(["realserver"], root)["realserver"]
    assert found == {"unit": unit, "active": True, "enabled": True, "declared": {"vips": []}, "start": None}
    state.write_text("{")
    with pytest.raises(LvsError, match=r"cannot be read .*; run lvs\.cluster\.site to write it again\."):
        read_boots(["realserver"], root)
