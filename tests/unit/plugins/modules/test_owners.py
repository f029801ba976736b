# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules on a host where another cluster has services: these stay, and the run says so."""

from __future__ import annotations

import importlib
from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import InvalidValue
from ansible_collections.lvs.cluster.plugins.module_utils._core.plan import Plan
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.model import Connections, Timeouts
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.operations import simulate
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.options import parse_services
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.plan import plan_services
from ansible_collections.lvs.cluster.plugins.module_utils._owner.declarations import Declaration
from ansible_collections.lvs.cluster.plugins.module_utils._table.run import Snapshot
from argument_specs import validated

SERVER, OTHER_SERVER = {"address": "192.0.2.4"}, {"address": "192.0.2.5"}
WEB = {"address": "192.0.2.30", "port": 80, "real_servers": [SERVER, OTHER_SERVER]}
MAIL = {"address": "192.0.2.31", "port": 25, "real_servers": [SERVER]}
STRAY = {"address": "192.0.2.32", "port": 53, "protocol": "udp"}
SYSCTLS = {"conn_reuse_mode": 2, "expire_nodest_conn": 1}
OTHERS = [
    Declaration("mail", "director", {"services": [MAIL], "timeouts": {"tcp": 1800}, "sysctls": {"conn_reuse_mode": 2}})
]
TABLE = simulate({}, plan_services({}, parse_services([WEB, MAIL, STRAY])).operations)
SEEN = Snapshot(TABLE, {}, Timeouts(1800, 60, 300), SYSCTLS, {})
WHO = "cluster mail (declaration director)"


@pytest.fixture
def plan(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that decides as a module does where the other cluster is on the host, or nobody else."""

    def decide(module: str, others: list[Declaration] = OTHERS, **options: Any) -> Plan[Any]:
        loaded = importlib.import_module(f"ansible_collections.lvs.cluster.plugins.modules.{module}")
        monkeypatch.setattr(loaded, "read_others", lambda _owner: others)
        request = loaded.parse(validated(module, options))
        places = [(key, server) for key in TABLE for server in TABLE[key].servers]
        return request.decide(SEEN._replace(connections=dict.fromkeys(places, Connections(0, 0, 0))))

    return decide


def test_a_purge_keeps_and_names_the_services_of_another_cluster(plan: Any) -> None:
    asked = {"services": [WEB], "purge": True}
    purged = plan("ipvs_table", **asked)
    assert purged.words == ["remove service udp 192.0.2.32:53"]
    assert purged.warnings == (f"Service tcp 192.0.2.31:25 stays, since {WHO} declares it on this host.",)
    assert len(plan("ipvs_table", [], **asked).words) == 2


def test_services_that_go_are_those_of_this_cluster(plan: Any) -> None:
    settings = {"timeouts": {"tcp": 5, "tcp_fin": 5}, "sysctls": SYSCTLS}
    gone = plan("ipvs_table", services=[WEB, MAIL], state="absent", **settings)
    assert gone.words == [
        "change sysctls: expire_nodest_conn 1 -> 0",
        "change timeouts: tcp_fin 60 -> 120",
        "remove service tcp 192.0.2.30:80",
    ]
    kept = ("Service tcp 192.0.2.31:25", "timeouts.tcp of IPVS (1800)", "sysctls.conn_reuse_mode of IPVS (2)")
    assert gone.warnings == tuple(f"{one} stays, since {WHO} declares it on this host." for one in kept)
    alone = plan("ipvs_table", [], services=[WEB, MAIL], state="absent", **settings)
    assert alone.words[:2] == [
        "change sysctls: conn_reuse_mode 2 -> 1, expire_nodest_conn 1 -> 0",
        "change timeouts: tcp 1800 -> 900, tcp_fin 60 -> 120",
    ]


@pytest.mark.parametrize(
    ("module", "options"),
    [
        ("ipvs_table", {"services": [WEB, MAIL]}),
        ("ipvs_table", {"services": [WEB], "timeouts": {"tcp": 900}}),
        ("ipvs_table", {"services": [WEB], "sysctls": {"conn_reuse_mode": 1}}),
        ("ipvs_service", MAIL),
        ("ipvs_realserver", {"service": {"address": "192.0.2.31", "port": 25}, **SERVER, "weight": 2}),
        ("ipvs_realserver", {"service": {"address": "192.0.2.31", "port": 25}, **SERVER, "state": "absent"}),
    ],
)
def test_what_belongs_to_another_cluster_is_refused(
    plan: Any, module: str, options: dict[str, Any], error_words: Any
) -> None:
    with pytest.raises(InvalidValue) as refusal:
        plan(module, **options)
    error_words(refusal.value)
    plan(module, [], **options)


def test_one_service_of_another_cluster_is_not_removed(plan: Any) -> None:
    gone = plan("ipvs_service", **MAIL, state="absent")
    assert (gone.words, len(gone.warnings)) == ([], 1)
    assert plan("ipvs_service", [], **MAIL, state="absent").words == ["remove service tcp 192.0.2.31:25"]


@pytest.mark.parametrize("state", ["drained", "restored"])
def test_a_drain_is_of_this_clusters_services(plan: Any, state: str) -> None:
    """Weights of another cluster's services stay, and it is told that the server still gets clients from there."""
    drained = plan("ipvs_drain", servers=["192.0.2.4"], state=state)
    words = ["drain server 192.0.2.4:80 of tcp 192.0.2.30:80: weight 1 -> 0"] if state == "drained" else []
    assert drained.words[:1] == words
    assert all("192.0.2.31" not in one for one in drained.words)
    (warning,) = drained.warnings
    assert warning.startswith(f"Service tcp 192.0.2.31:25 is not changed, since {WHO} declares it")
    # A server that the other cluster does not have is none of its business.
    assert plan("ipvs_drain", servers=["192.0.2.5"], state=state).warnings == ()
