# SPDX-License-Identifier: GPL-3.0-or-later
"""preflight of a whole inventory: hosts that keep a VIP as long as clients are sent there, and several clusters at once."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.filter.preflight import preflight_findings, release_refusals

VIP, MAIL = "192.0.2.30", "192.0.2.31"
ADDRESS = {"lb1": "192.0.2.3", "lb2": "192.0.2.2", "rs1": "192.0.2.4", "rs2": "192.0.2.5"}
GROUPS = {"all": list(ADDRESS), "directors": ["lb1"], "realservers": ["rs1", "rs2"]}
WEB = {"name": "web", "address": VIP, "ports": [80], "scheduler": "rr"}


def server(host: str, **options: Any) -> dict[str, Any]:
    return {"address": ADDRESS[host], "port": 80, "forwarding": "direct", "weight": 1, **options}


def table(*servers: dict[str, Any], **key: Any) -> dict[str, Any]:
    """Return what ipvs_info tells of a director."""
    service = {"address": VIP, "port": 80, "protocol": "tcp", **key} if "fwmark" not in key else key
    return {"services": [{**service, "scheduler": "rr", "real_servers": list(servers)}]}


def looked(host: str, *vips: str, **results: Any) -> dict[str, Any]:
    """Return what preflight_info tells of a host that has these VIPs."""
    number = list(ADDRESS).index(host)
    eth0 = [f"{ADDRESS[host]}/24", *(f"{vip}/32" for vip in vips if host.startswith("lb"))]
    lo = ["127.0.0.1/8", *(f"{vip}/32" for vip in vips if host.startswith("rs"))]
    facts = {
        "kernel": "6.1.0", "gateways": [], "ip_vs": "loaded", "schedulers": {}, "managers": [], "owners": {}, "unasked": {},
        "interfaces": [
            {"name": "lo", "mac": "", "up": True, "addresses": lo},
            {"name": "eth0", "mac": f"02:00:00:00:00:0{number}", "up": True, "addresses": eth0},
        ],
    }  # fmt: skip
    return {"facts": facts, "table": {}, "boots": {}, **results}


def boot(name: str, **declared: Any) -> dict[str, Any]:
    return {name: {"unit": f"lvs-cluster-{name}.service", "declared": declared}}


def cluster(services: Any = None) -> dict[str, Any]:
    """Return hostvars of a cluster that stands, in which both servers have the VIP and clients."""
    found: dict[str, Any] = {}
    for host, address in ADDRESS.items():
        results: dict[str, Any] = {}
        if host.startswith("lb"):
            results = {"table": table(server("rs1"), server("rs2")), "boots": boot("director", **table(server("rs1")))}
        else:
            results = {"boots": boot("realserver", vips=[{"interface": "lo", "addresses": [VIP]}])}
        found[host] = {
            "ansible_host": address,
            "lvs_services": services or [WEB],
            "lvs_host_report": looked(host, VIP, **results),
        }
    return found


def errors(hosts: dict[str, Any], groups: Any = GROUPS) -> list[str]:
    services = next(own["lvs_services"] for own in hosts.values() if "lvs_services" in own)
    return preflight_findings(services, groups, hosts)["errors"]


def test_a_cluster_that_stands() -> None:
    told = preflight_findings([WEB], GROUPS, cluster())
    assert told["lines"] == ["No error found. Read 3 hosts: lb1, rs1, rs2."]


def test_addresses_are_the_hosts() -> None:
    """Seen: with both servers named by their addresses, both lost the VIP, and the director kept sending clients to them."""
    services = [{**WEB, "real_servers": ["192.0.2.4", "192.0.2.5"]}]
    told = preflight_findings(services, GROUPS, cluster(services))
    assert told["errors"] == []
    assert told["lines"][:2] == [
        "192.0.2.4 in lvs_services (web).real_servers is the host rs1.",
        "192.0.2.5 in lvs_services (web).real_servers is the host rs2.",
    ]


def test_an_address_that_only_the_host_itself_says() -> None:
    services = [{**WEB, "real_servers": ["192.0.2.44", "rs2"]}]
    hosts = cluster(services)
    hosts["rs1"]["lvs_host_report"]["facts"]["interfaces"][1]["addresses"].append("192.0.2.44/24")
    first, second = errors(hosts)
    assert second.startswith(f"rs1: VIP: '{VIP}' would be removed from this host, ")
    assert first.startswith("lvs_services (web).real_servers: '192.0.2.44' is an address of the host rs1, ")
    served = [{**WEB, "real_servers": ["192.0.2.44", "rs1", "rs2"]}]
    hosts = cluster(served)
    hosts["rs1"]["lvs_host_report"]["facts"]["interfaces"][1]["addresses"].append("192.0.2.44/24")
    assert errors(hosts) == []


DROPPED = [{**WEB, "real_servers": ["rs1"]}]
ELSEWHERE = [{**WEB, "address": MAIL, "name": "mail"}]


def still_sent(hosts: dict[str, Any], groups: Any = GROUPS) -> set[tuple[str, str]]:
    """Return host and director of each error about a VIP that would be removed."""
    found = set()
    for error in errors(hosts, groups):
        if "would be removed from this host" in error:
            found.add((error.partition(":")[0], error.partition("director ")[2].split()[0].rstrip(",")))
    return found


@pytest.mark.parametrize(
    ("services", "changes", "expected"),
    [
        (None, {"rs2": {"realserver_state": "absent"}}, set()),  # the director removes it before
        (None, {"rs2": {"realserver_state": "absent"}, "lb1": {"director_services": []}}, set()),
        (DROPPED, {}, set()),
        (DROPPED, {"lb1": {"director_purge_servers": False}}, {("rs2", "lb1")}),
        (DROPPED, {"lb1": {"director_purge_servers": "no"}}, {("rs2", "lb1")}),
        (ELSEWHERE, {}, set()),  # what an earlier run declared, the director removes
        (ELSEWHERE, {"lb1": {"boots": {}}}, {("rs1", "lb1"), ("rs2", "lb1")}),
        (ELSEWHERE, {"lb1": {"boots": {}, "director_purge": True}}, set()),
        (DROPPED, {"lb1": {"director_services": table(server("rs2"))["services"]}}, {("rs2", "lb1")}),
        (DROPPED, {"lb1": {"director_state": "absent"}}, set()),
        ([{**WEB, "real_servers": []}], {"lb1": {"director_purge_servers": False}}, {("rs1", "lb1"), ("rs2", "lb1")}),
        # Nothing is to be removed from a host that does not have it, or that another address of the pool needs.
        (DROPPED, {"lb1": {"director_purge_servers": False}, "rs2": {"vips": ()}}, set()),
        (DROPPED, {"lb1": {"director_purge_servers": False}, "rs2": {"boots": {}}}, set()),
    ],
)
def test_a_vip_stays_where_clients_are_sent(services: Any, changes: dict[str, Any], expected: set[Any]) -> None:
    hosts = cluster(services)
    for host, change in changes.items():
        report = hosts[host]["lvs_host_report"]
        if "boots" in change:
            report["boots"] = change["boots"]
        if "vips" in change:
            hosts[host]["lvs_host_report"] = looked(host, *change["vips"], boots=report["boots"])
        hosts[host].update({name: value for name, value in change.items() if name not in ("boots", "vips")})
    assert still_sent(hosts) == expected


@pytest.mark.parametrize(
    ("servers", "expected"),
    [
        ([server("rs2")], {("rs2", "lb1")}),
        ([server("rs2", weight=0)], set()),
        ([server("rs2", forwarding="masquerade")], set()),
        ([server("rs2", forwarding="tunnel")], {("rs2", "lb1")}),
        ([server("rs1")], set()),
    ],
)
def test_who_gets_clients(servers: list[dict[str, Any]], expected: set[Any]) -> None:
    hosts = cluster(DROPPED)
    hosts["lb1"]["director_purge_servers"] = False
    hosts["lb1"]["lvs_host_report"]["table"] = table(*servers)
    assert still_sent(hosts) == expected


@pytest.mark.parametrize(("family", "expected"), [("ipv4", {("rs2", "lb1")}), ("ipv6", set())])
def test_a_mark_can_stand_for_each_vip_of_its_family(family: str, expected: set[Any]) -> None:
    hosts = cluster(DROPPED)
    address = ADDRESS["rs2"] if family == "ipv4" else "2001:db8::5"
    hosts["lb1"]["lvs_host_report"]["table"] = table(server("rs2", address=address), fwmark=7, address_family=family)
    hosts["rs2"]["lvs_host_report"]["facts"]["interfaces"][1]["addresses"].append("2001:db8::5/64")
    assert still_sent(hosts) == expected


def test_a_director_that_was_not_read_counts_as_one_that_sends() -> None:
    groups = {**GROUPS, "directors": ["lb1", "lb2"]}
    for services, own in ((None, {"realserver_state": "absent"}), (DROPPED, {})):
        hosts = cluster(services)
        hosts["rs2"].update(own)
        del hosts["lb2"]["lvs_host_report"]
        assert still_sent(hosts, groups) == {("rs2", "lb2")}
        hosts["lb2"]["director_state"] = "absent"
        assert still_sent(hosts, groups) == set()
    # Without its module a kernel has no table, and what stays needs no look at the directors.
    hosts = cluster(DROPPED)
    hosts["lb1"]["lvs_host_report"] = looked("lb1", VIP)
    hosts["lb1"]["lvs_host_report"]["facts"]["ip_vs"] = "module"
    assert still_sent(hosts) == set()
    hosts["lb1"]["lvs_host_report"]["facts"]["ip_vs"] = "loaded"
    assert still_sent(hosts) == {("rs2", "lb1")}
    hosts = cluster()
    del hosts["lb1"]["lvs_host_report"]
    assert errors(hosts) == []


def two_clusters() -> dict[str, Any]:
    hosts = cluster()
    for host in ("lb2", "rs2"):
        hosts[host]["lvs_services"] = [{**WEB, "address": MAIL}]
    hosts["lb1"]["lvs_host_report"]["table"] = table(server("rs1"))
    hosts["lb2"]["lvs_host_report"] = looked("lb2", MAIL, table=table(server("rs2"), address=MAIL))
    hosts["rs2"]["lvs_host_report"] = looked("rs2", MAIL)
    return hosts


BOTH = {**GROUPS, "directors": ["lb1", "lb2"], "east": ["lb1", "rs1"], "west": ["lb2", "rs2"]}


def test_each_of_two_clusters_is_judged() -> None:
    """Seen: only that of the first host was judged, and the other one had no IPVS."""
    hosts = two_clusters()
    told = preflight_findings(hosts["lb1"]["lvs_services"], BOTH, hosts)
    assert told["lines"] == [
        "east: No error found. Read 2 hosts: lb1, rs1.",
        "west: No error found. Read 2 hosts: lb2, rs2.",
    ]
    hosts["lb2"]["lvs_host_report"]["facts"]["ip_vs"] = "absent"
    hosts["rs2"]["lvs_services"] = hosts["lb2"]["lvs_services"] = [{**WEB, "address": MAIL, "colour": "red"}]
    told = preflight_findings(hosts["lb1"]["lvs_services"], BOTH, hosts)
    assert told["errors"] == [
        f"west: lvs_services (web): 'colour' is not an option; {told['errors'][0].partition('; ')[2]}"
    ]
    del hosts["rs2"]["lvs_services"][0]["colour"]
    (error,) = preflight_findings(hosts["lb1"]["lvs_services"], BOTH, hosts)["errors"]
    assert error.startswith("lb2: kernel: '6.1.0' has no module ip_vs")


def test_a_director_of_another_cluster_can_send_clients_too() -> None:
    hosts = two_clusters()
    hosts["rs1"]["lvs_services"] = hosts["lb1"]["lvs_services"] = [{**WEB, "real_servers": []}]
    assert still_sent(hosts, BOTH) == set()
    hosts["lb2"]["lvs_host_report"]["table"] = table(server("rs1"))
    assert still_sent(hosts, BOTH) == {("rs1", "lb2")}
    # Of a cluster that this run leaves out, nothing is known, and nothing follows.
    del hosts["lb2"]["lvs_host_report"]
    assert still_sent(hosts, BOTH) == set()


def test_one_vip_of_two_clusters_is_a_warning() -> None:
    hosts = two_clusters()
    hosts["rs2"]["lvs_services"] = hosts["lb2"]["lvs_services"] = [{**WEB, "ports": [81]}]
    (warning,) = preflight_findings(hosts["lb1"]["lvs_services"], BOTH, hosts)["warnings"][-1:]
    assert warning.startswith(f"west: VIP: '{VIP}' is a VIP of east too; ")


def test_no_description_is_an_error() -> None:
    hosts = cluster()
    for own in hosts.values():
        del own["lvs_services"]
    (error,) = preflight_findings(None, GROUPS, hosts)["errors"]
    assert error.startswith("lvs_services is set for no host; ")


def refused(hosts: dict[str, Any], host: str = "rs2", rehearsal: bool = False) -> list[str]:
    return release_refusals(hosts["lb1"]["lvs_services"], GROUPS, hosts, host, rehearsal)


def test_site_looks_again_before_it_removes_a_vip() -> None:
    hosts = cluster(DROPPED)
    (said,) = refused(hosts)
    assert said == f"The table of director lb1 could not be read, so the VIP {VIP} stays on this host."
    hosts["lb1"]["__site_table"] = table(server("rs1"), server("rs2", weight=4))
    (said,) = refused(hosts)
    assert said == (
        f"Director lb1 still sends clients to this host (tcp {VIP}:80 to 192.0.2.5:80, weight 4), so the VIP {VIP} stays on it."
    )
    assert refused(hosts, rehearsal=True) == refused(hosts, "rs1") == []
    hosts["lb1"]["__site_table"] = table(server("rs1"))
    assert refused(hosts) == []
    # With tags that leave preflight out, nothing is known of the host itself.
    unread = copy.deepcopy(hosts)
    del unread["rs2"]["lvs_host_report"]
    assert refused(unread) == []
    unread["lb1"]["__site_table"] = table(server("rs2"))
    assert len(refused(unread)) == 1
    del unread["lb1"]["__site_table"]
    assert len(refused(unread)) == 1
    former = copy.deepcopy(hosts)
    former["rs2"]["lvs_host_report"] = looked("rs2")
    former["lb1"]["__site_table"] = table(server("rs2"))
    assert refused(former) == []
