# SPDX-License-Identifier: GPL-3.0-or-later
"""Random edits of a cluster that serves: `site` never cuts clients off, whatever is edited and whoever is in --limit.

The steps of playbooks/site.yml, each host at a time, by the filters that the playbooks call; what a module does on a host
is a line here. After each step no director sends clients to a host without the VIP, and no VIP has lost its owner.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.lvs.cluster.plugins.filter.operations import unfinished_directors
from ansible_collections.lvs.cluster.plugins.filter.preflight import preflight_findings, release_refusals
from ansible_collections.lvs.cluster.plugins.filter.topology import host_view
from ansible_collections.lvs.cluster.plugins.module_utils._facts.model import HostFacts, Interface
from hypothesis import example, given, settings
from hypothesis import strategies as st

ADDRESSES = {"lb1": "192.0.2.2", "lb2": "192.0.2.3", "rs1": "192.0.2.4", "rs2": "192.0.2.5", "rs3": "192.0.2.6"}
DIRECTORS, SERVERS = ("lb1", "lb2"), ("rs1", "rs2", "rs3")
GROUPS = {"all": list(ADDRESSES), "directors": list(DIRECTORS), "realservers": list(SERVERS)}
VIPS = {"web": "192.0.2.30", "mail": "192.0.2.31"}
MACS = {host: f"02:00:00:00:00:0{number}" for number, host in enumerate(ADDRESSES)}
Edit = Mapping[str, Any]


class World:
    """What the hosts have: VIPs, tables as (VIP, port) -> {address: weight}, and what their last run declared."""

    def __init__(self) -> None:
        self.server_vips: dict[str, set[str]] = {host: set() for host in SERVERS}
        self.director_vips: dict[str, set[str]] = {host: set() for host in DIRECTORS}
        self.tables: dict[str, dict[tuple[str, int], dict[str, int]]] = {host: {} for host in DIRECTORS}
        self.declared: dict[str, dict[str, Any]] = {host: {} for host in ADDRESSES}

    def table(self, host: str) -> dict[str, Any]:
        """Return what ipvs_info returns on a director."""
        return {"services": [
            {
                "address": vip, "port": port, "protocol": "tcp", "scheduler": "wlc",
                "real_servers": [
                    {"address": address, "port": port, "forwarding": "direct", "weight": weight}
                    for address, weight in servers.items()
                ],
            }
            for (vip, port), servers in self.tables[host].items()
        ]}  # fmt: skip

    def report(self, host: str) -> dict[str, Any]:
        """Return what preflight_info returns on a host."""
        own = [f"{ADDRESSES[host]}/24", *(f"{vip}/32" for vip in sorted(self.director_vips.get(host, ())))]
        silent = ["127.0.0.1/8", *(f"{vip}/32" for vip in sorted(self.server_vips.get(host, ())))]
        interfaces = (Interface("lo", "", True, tuple(silent)), Interface("lan0", MACS[host], True, tuple(own)))
        asked = {*ADDRESSES.values(), *VIPS.values()} - {ADDRESSES[host]} - self.director_vips.get(host, set())
        owners = {address: tuple(self.macs(address)) for address in asked}
        role = "director" if host in DIRECTORS else "realserver"
        return {
            "facts": HostFacts("6.1.0", interfaces, ip_vs="loaded", owners=owners).as_values(),
            "table": self.table(host) if host in DIRECTORS else {},
            "boots": {role: {"unit": "", "declared": self.declared[host]}} if self.declared[host] else {},
        }

    def macs(self, address: str) -> list[str]:
        """Return the MACs that answer for an address, as the ARP sysctls let real servers do it."""
        owners = [host for host, own in ADDRESSES.items() if own == address]
        owners += [host for host in DIRECTORS if address in self.director_vips[host]]
        return [MACS[host] for host in owners]

    def cut_off(self) -> list[str]:
        """Return each director that sends clients to a host without the VIP. Clients come to who has it."""
        hosts = {address: host for host, address in ADDRESSES.items()}
        return [
            f"{director} sends clients of {vip} to {hosts[address]}, which has {sorted(self.server_vips[hosts[address]])}"
            for director, table in self.tables.items()
            for (vip, _port), servers in table.items()
            for address, weight in servers.items()
            if weight > 0 and vip in self.director_vips[director] and vip not in self.server_vips[hosts[address]]
        ]

    def owned(self) -> set[str]:
        return {vip for vips in self.director_vips.values() for vip in vips}


def hostvars_of(world: World, edit: Edit, limit: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the variables of the hosts, with what preflight read on those within the limit."""
    found = {}
    for host, address in ADDRESSES.items():
        own = {"ansible_host": address, "lvs_services": edit["services"], **edit["hosts"].get(host, {})}
        if host in DIRECTORS:
            own["director_interface"] = "lan0"
        if host in limit:
            own["lvs_host_report"] = world.report(host)
        found[host] = own
    return found


def site(world: World, edit: Edit, limit: Sequence[str]) -> Iterator[str]:
    """Run the steps of site, and yield the name of each after it is done; nothing is done if preflight finds errors."""
    services, hosts = edit["services"], hostvars_of(world, edit, limit)
    errors = preflight_findings(services, GROUPS, hosts)["errors"]
    if errors:
        return
    views = {host: host_view(services, GROUPS, hosts, host) for host in ADDRESSES}
    for host in (host for host in SERVERS if host in limit and "realserver" in views[host]["roles"]):
        yield from _configure_server(world, views[host], host, hosts[host])
    present = [host for host in DIRECTORS if host in limit and "director" in views[host]["roles"]]
    for host in present:
        _update_table(world, views[host], host)
        yield f"{host}: services"
    # A VIP moves in one step of all directors: it is removed on one before another one announces it.
    leaving = [host for host in DIRECTORS if host in limit and host not in present]
    for host in leaving:
        world.director_vips[host].clear()
    for host in present:
        # _director_yielded_vips of the role
        world.director_vips[host] -= set(views[host]["cluster_vips"]) - set(views[host]["director_vips"])
    for host in present:
        world.director_vips[host] |= set(views[host]["director_vips"])
    yield "directors: VIPs"
    for host in present:
        kept = {(one["address"], one["port"]) for one in views[host]["director_services"]}
        world.tables[host] = {key: servers for key, servers in world.tables[host].items() if key in kept}
        world.director_vips[host] &= set(views[host]["director_vips"])
        world.declared[host] = {"services": [{"address": vip, "port": port} for vip, port in kept]}
        hosts[host]["director_result"] = {"state": "present"}
        yield f"{host}: persist"
    for host in leaving:
        world.tables[host] = {}
        world.declared[host] = {}
        hosts[host]["director_result"] = {"state": "absent"}
        yield f"{host}: removed"
    for host in (host for host in DIRECTORS if host in limit):
        hosts[host]["__site_table"] = world.table(host)
    for host in (host for host in SERVERS if host in limit):
        refusals = release_refusals(services, GROUPS, hosts, host)
        finished = not unfinished_directors(GROUPS["directors"], hosts)
        yield from _release(world, views[host], host, bool(hosts[host].get("realserver_leftovers")), refusals, finished)


def _configure_server(world: World, view: Mapping[str, Any], host: str, own: dict[str, Any]) -> Iterator[str]:
    vips = set(view["realserver_vips"])
    declared = world.declared[host]
    parts = [*declared.get("vips", ()), *declared.get("former", {}).get("vips", ())]
    before = {vip for part in parts for vip in part["addresses"]}
    world.server_vips[host] |= vips
    former = {"vips": [{"interface": "lo", "addresses": sorted(before - vips)}]} if before - vips else {}
    world.declared[host] = {"vips": [{"interface": "lo", "addresses": sorted(vips)}], "former": former}
    own["realserver_leftovers"] = bool(former)
    yield f"{host}: configured"


def _update_table(world: World, view: Mapping[str, Any], host: str) -> None:
    """As ipvs_table does: a new server is admitted only if it serves, and services that are not declared stay."""
    hosts = {address: name for name, address in ADDRESSES.items()}
    for service in view["director_services"]:
        key = (service["address"], service["port"])
        before, after = world.tables[host].get(key, {}), {}
        for one in service["real_servers"]:
            weight = 0 if one["state"] == "drained" else one.get("weight", 1)
            serves = key[0] in world.server_vips[hosts[one["address"]]]
            if one["state"] != "absent" and (serves or before.get(one["address"], 0) > 0 or weight == 0):
                after[one["address"]] = weight
        world.tables[host][key] = after


def _release(
    world: World, view: Mapping[str, Any], host: str, leftovers: bool, refusals: Sequence[str], finished: bool
) -> Iterator[str]:
    if refusals:
        return
    if "realserver" not in view["roles"]:
        world.server_vips[host].clear()
        world.declared[host] = {}
        yield f"{host}: removed"
    elif leftovers and finished:
        world.server_vips[host] = set(view["realserver_vips"])
        world.declared[host]["former"] = {}
        yield f"{host}: cleanup"


WHOLE: Edit = {
    "services": [{"name": name, "address": vip, "ports": [80]} for name, vip in VIPS.items()],
    "hosts": {},
}


def cluster() -> World:
    """Return the world after a first run of site for WHOLE."""
    world = World()
    assert list(site(world, WHOLE, tuple(ADDRESSES)))
    assert world.cut_off() == []
    assert world.owned() == set(VIPS.values())
    return world


def named(host: str) -> st.SearchStrategy[Any]:
    """Return the ways in which a person writes a server."""
    ways: list[Any] = [host, ADDRESSES[host], {"host": host}, {"address": ADDRESSES[host]}]
    return st.sampled_from([*ways, {"host": host, "weight": 0}, {"host": host, "state": "drained"}])


@st.composite
def edits(draw: Any) -> Edit:
    """Return services and variables of hosts that are another edit of WHOLE; not all of them are right."""
    services = []
    for name in draw(st.lists(st.sampled_from(list(VIPS)), unique=True, max_size=2)):
        service: dict[str, Any] = {
            "name": name,
            "address": VIPS[name],
            "ports": draw(st.sampled_from([[80], [80, 443]])),
        }
        if draw(st.booleans()):
            hosts = draw(st.lists(st.sampled_from(SERVERS), unique=True, max_size=3))
            service["real_servers"] = [draw(named(host)) for host in hosts]
        if draw(st.booleans()):
            order = draw(st.permutations(DIRECTORS))
            service["directors"] = order[: draw(st.integers(1, 2))]
        if draw(st.booleans()):
            service["may_be_empty"] = True
        services.append(service)
    variables: dict[str, dict[str, Any]] = {}
    for host in draw(st.lists(st.sampled_from(list(ADDRESSES)), unique=True, max_size=2)):
        states = ["absent"] if host in DIRECTORS else ["absent", "drained"]
        variable = "director_state" if host in DIRECTORS else "realserver_state"
        variables[host] = {variable: draw(st.sampled_from(states))}
    return {"services": services, "hosts": variables}


limits = st.one_of(
    st.just(tuple(ADDRESSES)), st.lists(st.sampled_from(list(ADDRESSES)), unique=True, min_size=1).map(tuple)
)
SWAPPED: Edit = {"services": [{**one, "directors": ["lb2", "lb1"]} for one in WHOLE["services"]], "hosts": {}}
GONE: Edit = {
    "services": [{**one, "directors": ["lb1"]} for one in WHOLE["services"]],
    "hosts": {"lb1": {"director_state": "absent"}, **{host: {"realserver_state": "absent"} for host in SERVERS}},
}
BY_ADDRESS: Edit = {
    "services": [{**WHOLE["services"][0], "real_servers": ["192.0.2.4", "192.0.2.5"]}, WHOLE["services"][1]],
    "hosts": {},
}


@given(st.lists(st.tuples(edits(), limits), min_size=1, max_size=3))
@settings(max_examples=1000, deadline=None)
@example([(SWAPPED, ("lb1", "rs1"))])  # the next owner is not there
@example([(SWAPPED, ("lb2", "rs1"))])  # the former owner is not there
@example([(BY_ADDRESS, tuple(ADDRESSES))])
@example([(GONE, ("rs1", "rs2", "rs3"))])  # the director is to leave, and still serves
@example([({"services": WHOLE["services"], "hosts": {"rs2": {"realserver_state": "absent"}}}, ("rs2",))])
def test_no_step_of_site_does_harm(steps: list[tuple[Edit, tuple[str, ...]]]) -> None:
    world = cluster()
    for edit, limit in steps:
        before = copy.deepcopy(world)
        declared = {vip for one in edit["services"] for vip in [one["address"]]}
        for step in site(world, edit, limit):
            assert world.cut_off() == [], step
            lost = (before.owned() & declared) - world.owned()
            gone = {
                vip for vip in lost
                if all(_is_absent(edit, host) for host in _directors(edit, vip))
            }  # fmt: skip
            assert lost - gone == set(), step
            doubly = world.director_vips["lb1"] & world.director_vips["lb2"]
            assert doubly == set(), step


def _is_absent(edit: Edit, host: str) -> bool:
    return edit["hosts"].get(host, {}).get("director_state") == "absent"


def _directors(edit: Edit, vip: str) -> Sequence[str]:
    return next(one.get("directors", DIRECTORS) for one in edit["services"] if one["address"] == vip)
