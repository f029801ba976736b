# SPDX-License-Identifier: GPL-3.0-or-later
"""From the table that a director has, whoever made it, to the `lvs_services` that say the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ansible_collections.lvs.cluster.plugins.module_utils._core.address import version
from ansible_collections.lvs.cluster.plugins.module_utils._core.protocols import DIRECT
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.model import ServerSettings, default_netmask

from .values import KINDS

# What a new service or server gets when nothing is said, and need not be said here.
_DEFAULTS: Mapping[str, Any] = {
    "scheduler_flags": [],
    "one_packet": False,
    "persistence_timeout": 0,
    "persistence_engine": "",
    **ServerSettings._field_defaults,
}


class Adopted(NamedTuple):
    """Items of lvs_services, and a sentence for each service that they can't say."""

    services: list[dict[str, Any]]
    left_out: list[str]


def adopt(table: Iterable[Mapping[str, Any]]) -> Adopted:
    """Return what the services of `ipvs_info` are as lvs_services; ports that differ in nothing else share an item.

    Servers are bare addresses: which host of an inventory has one is for the person to say who writes it.
    """
    items: list[dict[str, Any]] = []
    left_out = []
    for service in table:
        reason = _unsayable(service)
        if reason:
            left_out.append(f"{_words(service)} is left out: {reason}.")
            continue
        item = _item(service)
        same = next((other for other in items if {**other, "ports": []} == {**item, "ports": []}), None)
        if same:
            same["ports"].append(service["port"])
        else:
            items.append(item)
    return Adopted([{"name": _name(item), **item} for item in items], left_out)


def _unsayable(service: Mapping[str, Any]) -> str:
    """Return why lvs_services can't say what a service is, and what to do; empty when they can."""
    servers = service["real_servers"]
    ways = sorted({server["forwarding"] for server in servers})
    addresses = [server["address"] for server in servers]
    if service.get("fwmark"):
        return "the table does not tell which packets get the mark; write it with its address, ports and fwmark"
    if not service["port"]:
        return "it is for every port; write it with a fwmark and no ports"
    if len(ways) > 1:
        return f"its servers are reached in several ways ({', '.join(ways)}); give it one, or use ipvs_table"
    if {"local", "bypass"} & set(ways):
        return f"the kernel reports forwarding {ways[0]}; write its servers as hosts of the inventory"
    if len(set(addresses)) < len(addresses):
        return "one of its servers is there with several ports; use ipvs_table"
    return ""


def _item(service: Mapping[str, Any]) -> dict[str, Any]:
    servers = service["real_servers"]
    item = {"address": service["address"], "ports": [service["port"]]}
    if service["protocol"] != "tcp":
        item["protocol"] = service["protocol"]
    item["scheduler"] = service["scheduler"]
    item["forwarding"] = servers[0]["forwarding"] if servers else DIRECT
    item.update(_said(service))
    if service["persistence_netmask"] != default_netmask(f"ipv{version(service['address'])}"):
        item["persistence_netmask"] = service["persistence_netmask"]
    item["real_servers"] = [_server(server, service["port"]) for server in servers]
    if servers and not any(server["weight"] for server in servers):
        item["may_be_empty"] = True
    return item


def _server(server: Mapping[str, Any], port: int) -> dict[str, Any]:
    own_port = {} if server["port"] == port else {"port": server["port"]}
    return {"address": server["address"], **own_port, "weight": server["weight"], **_said(server)}


def _said(options: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: options[name]
        for name in KINDS
        if name in _DEFAULTS and options.get(name, _DEFAULTS[name]) != _DEFAULTS[name]
    }


def _name(item: Mapping[str, Any]) -> str:
    """Return a name that no other item has, since no two services of a table share protocol, address and port."""
    return "-".join([item.get("protocol", "tcp"), item["address"], *map(str, item["ports"])])


def _words(service: Mapping[str, Any]) -> str:
    if service.get("fwmark"):
        return f"fwmark {service['fwmark']} ({service['address_family']})"
    return f"{service['protocol']} {service['address']} port {service['port']}"
