# SPDX-License-Identifier: GPL-3.0-or-later
"""Groups with names of their own, and several clusters in one inventory: who belongs to which, and what is left out."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.filter.scope import play_hosts, play_scope
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.descriptions import descriptions
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.inventory import Inventory
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.reader import read_findings, read_topology
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.scope import known_strays, strays
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.written import Comparison

WEB = {"name": "web", "address": "192.0.2.30", "ports": [80]}
MAIL = {"name": "mail", "address": "192.0.2.31", "ports": [25]}
ADDRESS = {"lba": "192.0.2.1", "rsa": "192.0.2.2", "lbb": "192.0.2.3", "rsb": "192.0.2.4", "other": "192.0.2.5"}
GROUPS = {
    "all": list(ADDRESS),
    "directors": ["lba", "lbb"],
    "realservers": ["rsa", "rsb"],
    "east": ["lba", "rsa"],
    "west": ["lbb", "rsb"],
}


def hosts(**more: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {host: {"ansible_host": address, **more.get(host, {})} for host, address in ADDRESS.items()}


def two(**more: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the variables of two clusters."""
    found = hosts(**more)
    for host, service in (("lba", WEB), ("rsa", WEB), ("lbb", MAIL), ("rsb", MAIL)):
        found[host].setdefault("lvs_services", [service])
    return found


def named(services: Any, hostvars: Any) -> list[tuple[str, str, list[str]]]:
    found = descriptions(services, Inventory(GROUPS, hostvars))
    return [(one.name, one.services[0]["name"], sorted(one.others)) for one in found]


def test_each_cluster_is_known_by_its_group() -> None:
    expected = [("east", "web", ["lbb", "rsb"]), ("west", "mail", ["lba", "rsa"])]
    assert named([WEB], two()) == expected
    assert named(None, two()) == expected


def test_a_cluster_is_known_by_its_name_or_hosts() -> None:
    hostvars = two(lba={"lvs_cluster_name": "blue"}, rsa={"lvs_cluster_name": "blue"})
    del hostvars["rsb"]["lvs_services"]
    assert [name for name, _service, _others in named(None, hostvars)] == ["blue", "lbb"]


def test_one_description_has_no_name() -> None:
    everywhere = {host: {**own, "lvs_services": [WEB]} for host, own in hosts().items()}
    assert named([WEB], everywhere) == named(None, everywhere) == [("", "web", [])]


def test_a_variable_of_a_play_wins_over_those_of_hosts() -> None:
    assert named([{**WEB, "ports": [81]}], two()) == [("", "web", [])]
    assert read_topology([{**WEB, "ports": [81]}], GROUPS, two()).services[0].directors == ("lba", "lbb")
    assert named([WEB], hosts()) == [("", "web", [])]


def test_a_description_that_only_other_hosts_have_is_left_out() -> None:
    hostvars = two(other={"lvs_services": [{**WEB, "name": "old"}]})
    assert [service for _name, service, _others in named(None, hostvars)] == ["web", "mail"]


def test_a_default_group_means_the_hosts_of_the_same_cluster() -> None:
    for service, director, server in ((WEB, "lba", "rsa"), (MAIL, "lbb", "rsb")):
        (read,) = read_topology([service], GROUPS, two()).services
        assert (read.directors, [one.host for one in read.servers]) == ((director,), [server])


def test_a_cluster_without_hosts_of_its_own_is_a_mistake(error_words: Any) -> None:
    hostvars = two()
    hostvars["lbb"]["lvs_services"] = [WEB]
    mistakes = [error_words(one.error) for one in read_findings([MAIL], GROUPS, hostvars)]
    assert mistakes == [("lvs_services (mail).directors", None)]


def test_names_of_groups() -> None:
    groups = {**GROUPS, "lb": ["lbb", "other"]}
    own = {host: {"lvs_directors_group": "lb"} for host in ("lbb", "other")}
    inventory = Inventory(groups, two(**own))
    assert inventory.members("directors") == ["lba", "lbb", "other"]
    assert inventory.group_names("directors") == ["directors", "lb"]
    assert play_hosts(groups, two(**own), "directors") == ["lba", "lbb", "other"]
    everywhere = {host: {**values, "lvs_directors_group": "lb"} for host, values in two().items()}
    assert play_hosts(groups, everywhere, "directors", "realservers") == ["lbb", "other", "rsa", "rsb"]


def test_no_host_is_never_every_host() -> None:
    """Ansible takes an empty list for all hosts."""
    assert play_hosts(GROUPS, two(), "gateways") == ["all", "!all"]
    assert play_hosts(GROUPS, {}, "gateways") == ["all", "!all"]
    assert play_hosts(GROUPS, {}, "directors", "gateways") == ["directors"]


@pytest.mark.parametrize(
    ("servers", "pattern"),
    [
        ("rsa", ["rsa"]),
        ("192.0.2.2, east", ["rsa", "east"]),
        (["rs*", "!rsb"], ["rs*", "!rsb"]),
        ("198.51.100.1", ["198.51.100.1"]),
        (" , ", ["all", "!all"]),
        ("", ["rsa", "rsb"]),
    ],
)
def test_servers_as_hosts_of_a_play(servers: Any, pattern: list[str]) -> None:
    assert play_hosts(GROUPS, two(), "realservers", servers=servers) == pattern


def test_scope() -> None:
    told = play_scope(GROUPS, two(), ["lba", "rsa", "rsb"], ["directors", "realservers"])
    assert told == {
        "error": "",
        "lines": [
            "east: This run includes directors lba; real servers rsa.",
            "west: This run includes real servers rsb. Outside --limit: lbb.",
        ],
    }
    for run, group, words in (
        (["other"], GROUPS, "--limit leaves out every host of this playbook (lba, lbb)."),
        (
            list(ADDRESS),
            {"all": list(ADDRESS)},
            "the inventory has no host in the group directors (lvs_directors_group).",
        ),
    ):
        told = play_scope(group, hosts(), run, ["directors"])
        assert told["lines"] == []
        assert words in told["error"]


def test_a_scope_without_groups_names_the_hosts_of_the_description() -> None:
    groups = {"all": list(ADDRESS), "lb": ["lba"], "web": ["rsa"]}
    services = [{**WEB, "directors": ["lb"], "real_servers": ["web"]}]
    error = play_scope(groups, hosts(), list(ADDRESS), ["directors", "realservers"], services)["error"]
    assert error.startswith("Nothing was checked or changed: ")
    for words in (
        "lvs_services (web).directors: 'lba' is in no group",
        "lvs_services (web).real_servers: 'rsa' is in no",
    ):
        assert words in error


@pytest.mark.parametrize(
    ("service", "errors", "warnings"),
    [
        ({}, [], []),
        ({"directors": ["lba", "other"]}, ["other"], []),
        ({"real_servers": ["rsa", "other"]}, ["other"], []),
        ({"real_servers": ["rsa", "192.0.2.5"]}, [], ["other"]),
        ({"real_servers": ["rsa", {"host": "other", "state": "absent"}]}, [], ["other"]),
        ({"real_servers": ["rsa", "other"], "forwarding": "masquerade"}, [], []),
        ({"directors": ["lba"], "real_servers": ["lba"]}, [], []),
        ({"directors": ["lba", "lbb"], "real_servers": ["lba"]}, ["lba"], []),
    ],
)
def test_hosts_that_no_playbook_goes_through(service: dict[str, Any], errors: list[str], warnings: list[str]) -> None:
    topology = read_topology([{**WEB, **service}], GROUPS, hosts())
    assert [one.value for one in strays(topology, GROUPS)] == errors
    assert [one.value for one in known_strays(topology, GROUPS)] == warnings


def test_a_host_of_another_cluster_is_configured_by_that_one(error_words: Any) -> None:
    inventory = Inventory(GROUPS, two())
    services = [{**WEB, "real_servers": ["rsa", "rsb"]}]
    hostvars = two(lba={"lvs_services": services}, rsa={"lvs_services": services})
    one = descriptions(None, Inventory(GROUPS, hostvars))[0]
    topology = read_topology(services, GROUPS, hostvars)
    (found,) = strays(topology, one.members(inventory), one.others)
    assert error_words(found.error) == ("lvs_services (web).real_servers", "rsb")
    assert "another lvs_services" in found.rule


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ({"x": [1, {"a": "b"}]}, {"x": [1, {"a": "b"}]}, True),
        ({"x": [1]}, {"x": [2]}, False),
        ({"x": [1]}, {}, False),
        ({"x": "{{ y }}", "y": 1}, {"x": "{{ y }}", "y": 1}, True),
        ({"x": "{{ y }}", "y": 1}, {"x": "{{ y }}", "y": 2}, False),
        ({"x": [{"a": "{{ y.b }}"}], "y": "{{ z }}", "z": 1}, {"x": [{"a": "{{ y.b }}"}], "y": "{{ z }}", "z": 2}, False),
        ({"x": {"{{ y }}": 1}, "y": 1}, {"x": {"{{ y }}": 1}, "y": 2}, False),
        ({"x": "{% if y | lvs.cluster.z %}1{% endif %}", "y": 1}, {"x": "{% if y | lvs.cluster.z %}1{% endif %}", "y": 2}, False),
        ({"x": "{{ y }}", "y": "{{ x }}", "w": 1}, {"x": "{{ y }}", "y": "{{ x }}", "w": 2}, True),
        # Perhaps: what these refer to, they do not name.
        ({"x": "{{ lookup('vars', 'y') }}"}, {"x": "{{ lookup('vars', 'y') }}"}, False),
        ({"x": "{{ vars['y'] }}"}, {"x": "{{ vars['y'] }}"}, False),
        ({"x": "{{ y"}, {"x": "{{ y"}, False),
    ],
)  # fmt: skip
def test_whether_a_variable_is_written_alike(one: dict[str, Any], other: dict[str, Any], alike: bool) -> None:
    assert Comparison().is_alike("x", one, other) is alike
