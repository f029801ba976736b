# SPDX-License-Identifier: GPL-3.0-or-later
"""What another cluster declares on a host: an error for what is declared twice, and a sentence for what is left."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import LvsError
from ansible_collections.lvs.cluster.plugins.module_utils._core.owner import Owner
from ansible_collections.lvs.cluster.plugins.module_utils._firewall.options import WantedFirewall
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.model import ServiceSettings, ServiceState
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.options import parse_service, parse_service_key
from ansible_collections.lvs.cluster.plugins.module_utils._neighbor.options import WantedNeighbors
from ansible_collections.lvs.cluster.plugins.module_utils._owner.declarations import Declaration
from ansible_collections.lvs.cluster.plugins.module_utils._owner.marks import refuse_marks
from ansible_collections.lvs.cluster.plugins.module_utils._owner.services import (
    refuse_service,
    refuse_settings,
    settle_services,
    unclaimed_settings,
    without_claimed,
)
from ansible_collections.lvs.cluster.plugins.module_utils._owner.sync import settle_sync, without_kept
from ansible_collections.lvs.cluster.plugins.module_utils._owner.vips import refuse_vips, settle_neighbors, settle_vips
from ansible_collections.lvs.cluster.plugins.module_utils._sync.options import WantedSync
from ansible_collections.lvs.cluster.plugins.module_utils._vip.options import VipSpec

ME = Owner("web")
MARKS = [
    {"address": "192.0.2.31", "ports": [80, 443], "mark": 7},
    {"address": "192.0.2.32", "protocol": "udp", "mark": 8},
    # As Ansible hands them to the module.
    {"address": "192.0.2.34", "ports": ["80", "5000-5010"], "mark": 7},
]
MAIL = Declaration(
    "mail",
    "director",
    {
        "vips": [
            {"interface": "lan0", "addresses": ["192.0.2.31", "2001:DB8::31/128"]},
            {"interface": "tunl0", "kind": "ipip", "addresses": ["192.0.2.33"]},
        ],
        "services": [{"address": "192.0.2.31", "port": 25}, {"fwmark": 7, "new_in_a_later_release": {}}],
        "neighbors": [{"interface": "lan0", "neighbors": [{"address": "192.0.2.31", "mac": "52:54:00:00:00:03"}]}],
        "firewall": [{"name": "director", "owner": "mail", "marks": MARKS}],
        "timeouts": {"tcp": 1800},
        "sysctls": {"conn_reuse_mode": 2},
        "sync": [
            {
                "daemons": [{"state": "master", "interface": "lan0", "sync_id": 7, "max_length": 1400}],
                "sysctls": {"sync_threshold": [0, 0]},
                "new_in_a_later_release": {},
            }
        ],
    },
)
WORDS = "stays, since cluster mail (declaration director) declares it on this host."


def vips(*addresses: str, interface: str = "lan0", **options: Any) -> VipSpec:
    return VipSpec.from_options({"interface": interface, "addresses": list(addresses), **options})


def firewall(**mark: Any) -> Any:
    return WantedFirewall.from_options({"name": "director", "marks": [mark]}).marks


def sync(**options: Any) -> WantedSync:
    daemon = {"state": "master", "interface": "lan0", "sync_id": 7, **options}
    return WantedSync.from_options({"daemons": [daemon], "sysctls": {"sync_threshold": [0, 0], "sync_retries": 3}})


def neighbors(state: str, *addresses: str) -> WantedNeighbors:
    entries = [{"address": one, "mac": "52:54:00:00:00:04"} for one in addresses]
    return WantedNeighbors.from_options({"interface": "lan0", "neighbors": entries, "state": state})


SERVICE, MARK = {"address": "192.0.2.31", "port": 25, "protocol": "tcp"}, {"fwmark": 7}
TWICE: dict[str, Any] = {
    "a VIP on its device": lambda: settle_vips(vips("192.0.2.30", "192.0.2.31"), ME, [MAIL]),
    "a VIP on another device": lambda: settle_vips(vips("192.0.2.31", interface="lo"), ME, [MAIL]),
    "a VIP of IPv6": lambda: settle_vips(vips("2001:db8:0::31"), ME, [MAIL]),
    "a filter that would silence a VIP": lambda: refuse_vips(["192.0.2.33"], ME, [MAIL]),
    "a service": lambda: settle_services([parse_service(SERVICE)], ME, [MAIL]),
    "a service by a mark": lambda: settle_services([parse_service(MARK)], ME, [MAIL]),
    "a server of a service": lambda: refuse_service(parse_service_key(SERVICE), ME, [MAIL]),
    "a mark's number": lambda: refuse_marks(firewall(address="192.0.2.30", mark=7), ME, [MAIL]),
    "a mark's packets": lambda: refuse_marks(firewall(address="192.0.2.31", ports=[443], mark=9), ME, [MAIL]),
    "a mark of every port": lambda: refuse_marks(firewall(address="192.0.2.31", mark=9), ME, [MAIL]),
    "a mark within every port": lambda: refuse_marks(
        firewall(address="192.0.2.32", ports=[53], protocol="udp", mark=9), ME, [MAIL]
    ),
    "a mark's range": lambda: refuse_marks(firewall(address="192.0.2.31", ports=["400-450"], mark=9), ME, [MAIL]),
    "a mark within a range": lambda: refuse_marks(firewall(address="192.0.2.34", ports=[5005], mark=9), ME, [MAIL]),
    "a mark's port as a text": lambda: refuse_marks(firewall(address="192.0.2.34", ports=[80], mark=9), ME, [MAIL]),
    "a neighbour": lambda: settle_neighbors(neighbors("present", "192.0.2.31"), ME, [MAIL]),
    "a timeout": lambda: refuse_settings({"tcp": 900}, "timeouts", [MAIL]),
    "a sync daemon": lambda: settle_sync(sync(sync_id=8), ME, [MAIL]),
    "a sync daemon with another length": lambda: settle_sync(sync(max_length=1472), ME, [MAIL]),
    "a sysctl of sync daemons": lambda: settle_sync(sync()._replace(sysctls={"sync_threshold": (3, 50)}), ME, [MAIL]),
    "a sysctl": lambda: refuse_settings({"conn_reuse_mode": 1}, "sysctls", [MAIL]),
}


@pytest.mark.parametrize("case", TWICE)
def test_what_is_declared_twice_is_an_error_with_both_names(case, error_words):
    with pytest.raises(LvsError) as refusal:
        TWICE[case]()
    error_words(refusal.value, case)
    assert "cluster mail" in str(refusal.value)


def test_what_the_other_does_not_declare_is_free():
    assert settle_vips(vips("192.0.2.30"), ME, [MAIL]) == (vips("192.0.2.30"), ())
    other = {**SERVICE, "port": 80}
    assert settle_services([parse_service(other)], ME, [MAIL]) == ([parse_service(other)], [])
    refuse_service(parse_service_key(other), ME, [MAIL])
    refuse_marks(firewall(address="192.0.2.31", ports=[25], mark=9), ME, [MAIL])
    refuse_marks(firewall(address="192.0.2.31", ports=[80], protocol="udp", mark=9), ME, [MAIL])
    refuse_marks(firewall(address="192.0.2.34", ports=[81, "5011-5020"], mark=9), ME, [MAIL])
    refuse_settings({"tcp": 1800, "udp": 5}, "timeouts", [MAIL])
    for wanted in (neighbors("present", "192.0.2.30"), neighbors("absent", "192.0.2.30")):
        assert settle_neighbors(wanted, ME, [MAIL]) == (wanted, [])


def test_what_a_run_would_remove_is_left_and_told():
    spec, words = settle_vips(vips("192.0.2.30", "192.0.2.31", state="absent"), ME, [MAIL])
    assert [vip.address for vip in spec.vips] == ["192.0.2.30"]
    assert words == [f"192.0.2.31 on lan0 {WORDS}"]
    # The VIP on another device is none of the other's.
    assert settle_vips(vips("192.0.2.31", interface="lo", state="absent"), ME, [MAIL])[1] == []
    assert settle_services([parse_service({**SERVICE, "state": "absent"})], ME, [MAIL]) == (
        [],
        [f"Service tcp 192.0.2.31:25 {WORDS}"],
    )
    left, words = settle_neighbors(neighbors("absent", "192.0.2.30", "192.0.2.31"), ME, [MAIL])
    assert ([one.address for one in left.neighbors], words) == (
        ["192.0.2.30"],
        [f"The entry for 192.0.2.31 on lan0 {WORDS}"],
    )
    assert unclaimed_settings({"tcp": 900, "udp": 300}, "timeouts", [MAIL]) == (
        {"udp": 300},
        [f"timeouts.tcp of IPVS (1800) {WORDS}"],
    )


def test_sync_daemons_that_both_declare_alike_are_of_both():
    settled = settle_sync(sync(), ME, [MAIL])
    assert (settled.daemons, settled.sysctls) == (sync().daemons, sync().sysctls)
    words = [
        f"Sync daemon master on lan0 (sync ID 7, 224.0.0.81:8848, TTL 1, 1400 bytes) {WORDS}",
        f"net.ipv4.vs.sync_threshold ([0, 0]) {WORDS}",
    ]
    assert [*settled.kept_daemons.values(), *settled.kept_sysctls.values()] == words
    item, told = without_kept(settle_sync(sync()._replace(present=False), ME, [MAIL]))
    assert (item, told) == (((), {"sync_retries": (3,)}), words)
    assert without_kept(settle_sync(sync(), ME, [])) == (sync().item, [])
    # Of the other state
    assert settle_sync(sync(state="backup", sync_id=9), ME, [MAIL]).kept_daemons == settled.kept_daemons


def test_the_device_of_another_cluster_stays_with_the_last_own_vip():
    spec, words = settle_vips(vips("192.0.2.30", interface="tunl0", kind="ipip", state="absent"), ME, [MAIL])
    assert (spec.kind, words) == (None, [f"The device tunl0 {WORDS}"])


def test_a_purge_sees_no_service_of_another_cluster():
    mine, theirs = parse_service_key({**SERVICE, "port": 80}), parse_service_key(SERVICE)
    state = ServiceState(ServiceSettings(), {})
    table, claimed = without_claimed({mine: state, theirs: state}, [MAIL])
    assert (list(table), list(claimed)) == ([mine], [theirs])


def test_what_cannot_be_read_of_another_cluster_is_an_error(error_words):
    broken = Declaration("mail", "director", {"vips": [{"interface": "lan0", "addresses": ["nowhere"]}]})
    with pytest.raises(LvsError) as refusal:
        settle_vips(vips("192.0.2.30"), ME, [broken])
    error_words(refusal.value)
