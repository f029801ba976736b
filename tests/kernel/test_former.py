# SPDX-License-Identifier: GPL-3.0-or-later
"""What is declared no more leaves the host, and nothing else does; nothing of it is started here."""

from __future__ import annotations

import json

import pytest
from ansible_collections.lvs.cluster.plugins.plugin_utils._restore.program import restore_program
from kernels import RESTORE

NAME, FILE = "former", "/etc/lvs-cluster/former.json"
WEB = {"address": "192.0.2.30", "port": 80, "scheduler": "rr", "real_servers": [{"address": "192.0.2.4"}]}
SHOP = {**WEB, "address": "192.0.2.31"}
STRANGER = {**WEB, "address": "192.0.2.99"}
ON_LAN0 = {"interface": "lan0", "announce": 0}
BOTH = {"vips": [{**ON_LAN0, "addresses": ["192.0.2.31", "192.0.2.32"]}], "services": [WEB, SHOP]}
ONE = {"vips": [{**ON_LAN0, "addresses": ["192.0.2.32"]}], "services": [WEB]}
LEAVES = ["remove 192.0.2.31/32 from lan0", "remove service tcp 192.0.2.31:80"]


@pytest.fixture
def host(kernel):
    """A host that has what BOTH declares, and more."""
    vips = {"interface": "lan0", "addresses": ["192.0.2.31", "192.0.2.32", "192.0.2.33"]}
    kernel.ask({"kind": "receive", "path": RESTORE, "hex": restore_program().hex()})
    kernel.module("ipvs_table", services=[*BOTH["services"], STRANGER])
    kernel.module("vip_iface", **vips, announce=0, on_conflict="ignore")
    kernel.module("boot_restore", name=NAME, **BOTH)
    yield kernel
    kernel.module("boot_restore", name=NAME, state="absent")
    kernel.module("vip_iface", **vips, state="absent")


def places(kernel) -> set[str]:
    """Return the addresses of lan0 and of the services, by other tools than ours."""
    shown = json.loads(kernel.command("ip", "-json", "-4", "address", "show", "dev", "lan0"))
    found = {one["local"] for one in shown[0]["addr_info"]} - {"192.0.2.254"}
    lines = kernel.command("ipvsadm", "-Sn").splitlines()
    return found | {line.split()[2] for line in lines if line.startswith("-A")}


ALL = {"192.0.2.31", "192.0.2.32", "192.0.2.33", "192.0.2.30:80", "192.0.2.31:80", "192.0.2.99:80"}
LEFT = ALL - {"192.0.2.31", "192.0.2.31:80"}


def test_it_is_taken_away(host):
    rehearsed = host.check("boot_restore", name=NAME, former="remove", **ONE)
    assert places(host) == ALL
    done = host.module("boot_restore", name=NAME, former="remove", **ONE)
    assert done["operations"] == rehearsed["operations"] == [f"write {FILE}", *LEAVES, f"write {FILE}"]
    assert done["diff"] == rehearsed["diff"]
    assert places(host) == LEFT
    assert host.module("boot_restore", name=NAME, former="remove", **ONE)["operations"] == []


def test_it_stays_until_it_may_go(host):
    kept = host.module("boot_restore", name=NAME, **ONE)
    assert kept["operations"] == [f"write {FILE}"]
    assert [item["addresses"] for item in kept["former"]["vips"]] == [["192.0.2.31"]]
    assert places(host) == ALL
    again = host.module("boot_restore", name=NAME, **ONE)
    assert (again["operations"], again["former"]) == ([], kept["former"])
    # A run that was killed after it had removed the VIP leaves this behind.
    host.command("ip", "address", "del", "192.0.2.31/32", "dev", "lan0")
    gone = host.module("boot_restore", name=NAME, former="remove", **ONE)
    assert gone["operations"] == [LEAVES[1], f"write {FILE}"]
    assert places(host) == LEFT
    assert gone["former"] == {}


def test_what_is_declared_again_stays(host):
    host.module("boot_restore", name=NAME, **ONE)
    back = host.module("boot_restore", name=NAME, former="remove", **BOTH)
    assert back["operations"] == [f"write {FILE}"]
    assert places(host) == ALL


def test_all_of_it_goes_with_the_declaration(host):
    gone = host.module("boot_restore", name=NAME, former="remove", state="absent")
    assert [words for words in gone["operations"] if "lvs-cluster" not in words] == [
        "remove 192.0.2.31/32 from lan0",
        "remove 192.0.2.32/32 from lan0",
        "remove service tcp 192.0.2.30:80",
        "remove service tcp 192.0.2.31:80",
    ]
    assert places(host) == {"192.0.2.33", "192.0.2.99:80"}
    assert host.module("boot_restore", name=NAME, former="remove", state="absent")["operations"] == []
