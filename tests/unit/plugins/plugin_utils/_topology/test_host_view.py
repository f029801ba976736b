# SPDX-License-Identifier: GPL-3.0-or-later
"""Who owns a VIP, which roles a host has, and what its own variables change of that."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.host_view import host_view
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.owners import ANOTHER, NOBODY, THIS_HOST, vip_owners
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.reader import read_topology

VIP, MAIL = "192.0.2.30", "192.0.2.31"
GROUPS = {"directors": ["lb1", "lb2"], "realservers": ["rs1"]}
SERVICES = [
    {"name": "web", "address": VIP, "ports": [80]},
    {"name": "dns", "address": VIP, "ports": [53], "protocol": "udp"},
    {"name": "mail", "address": MAIL, "ports": [25], "directors": ["lb2"], "forwarding": "masquerade"},
]
HOSTVARS = {
    "lb1": {"director_address": "192.0.2.2"},
    "lb2": {"director_address": "192.0.2.3"},
    "rs1": {"realserver_address": "192.0.2.4"},
}


def topology(**changes: dict[str, Any]) -> Any:
    hostvars = {host: {**own, **changes.get(host, {})} for host, own in HOSTVARS.items()}
    return read_topology(SERVICES, GROUPS, hostvars)


def view(host: str, own: dict[str, Any] | None = None, **changes: dict[str, Any]) -> dict[str, Any]:
    return host_view(topology(**changes), GROUPS, host, own or {})


@pytest.mark.parametrize(
    ("absent", "seen"),
    [
        ((), {"lb1": [THIS_HOST, ANOTHER], "lb2": [ANOTHER, THIS_HOST], "rs1": [ANOTHER, ANOTHER]}),
        (("lb1",), {"lb1": [ANOTHER, ANOTHER], "lb2": [THIS_HOST, THIS_HOST]}),
        (("lb2",), {"lb1": [THIS_HOST, NOBODY], "lb2": [ANOTHER, NOBODY]}),
        (("lb1", "lb2"), {"lb1": [NOBODY, NOBODY], "rs1": [NOBODY, NOBODY]}),
    ],
)
def test_who_owns_each_vip(absent: tuple[str, ...], seen: dict[str, list[str]]) -> None:
    read = topology(**{host: {"director_state": "absent"} for host in absent})
    owners = vip_owners(read)
    assert list(owners) == [VIP, MAIL]
    for host, expected in seen.items():
        assert [owner.seen_from(host) for owner in owners.values()] == expected


@pytest.mark.parametrize(
    ("host", "own", "roles"),
    [
        ("lb1", {}, ["director"]),
        ("lb1", {"director_state": "absent"}, []),
        ("rs1", {}, ["realserver"]),
        ("rs1", {"realserver_state": "drained"}, ["realserver"]),
        ("rs1", {"realserver_state": "absent"}, []),
        ("rs1", {"realserver_vips": []}, []),
        ("rs1", {"realserver_vips": [], "realserver_tunnels": [{"interface": "lvs-ipip"}]}, ["realserver"]),
        ("lb1", {"realserver_vips": [VIP]}, ["director", "realserver"]),
        ("client", {}, []),
    ],
)
def test_roles(host: str, own: dict[str, Any], roles: list[str]) -> None:
    assert view(host, own)["roles"] == roles


def test_paths_are_those_of_a_director_and_of_its_own_services() -> None:
    assert [(one["address"], one["port"]) for one in view("lb1")["paths"]] == [(VIP, 80), (VIP, 53)]
    assert view("rs1")["paths"] == view("lb1", {"director_state": "absent"})["paths"] == []
    own = {"address": VIP, "port": 8080, "protocol": "tcp", "real_servers": [{"address": "192.0.2.4"}]}
    (path,) = view("lb1", {"director_services": [own]})["paths"]
    assert path == own


def test_clients_connect_by_tcp_alone() -> None:
    services = view("client")["client_services"]
    assert services == [{"address": VIP, "port": 80}, {"address": MAIL, "port": 25}]
