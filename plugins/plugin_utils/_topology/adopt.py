# SPDX-License-Identifier: GPL-3.0-or-later
"""From the table that a director has, whoever made it, to the `lvs_services` that say the same."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.lvs.cluster.plugins.module_utils._core.address import version
from ansible_collections.lvs.cluster.plugins.module_utils._core.protocols import DIRECT
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.model import ServerSettings, default_netmask
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.settings import KERNEL_SYSCTLS, KERNEL_TIMEOUTS

from .finding import Finding, Findings
from .hosts import Groups, Hostvars
from .reader import read_topology
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


def adopt(
    table: Sequence[Mapping[str, Any]], groups: Groups | None = None, hostvars: Hostvars | None = None
) -> Adopted:
    """Return what the services of `ipvs_info` are as lvs_services; ports that differ in nothing else share an item.

    Servers are bare addresses: which host of an inventory has one is for the person to say who writes it. What the
    reader of lvs_services would refuse, in this inventory if it is given, is left out with its words.
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
    named = [{"name": _name(item), **item} for item in items]
    if groups is None or hostvars is None:
        groups, hostvars = _alone(table)
    refused = _refused(named, groups, hostvars)
    return Adopted([item for item in named if item["name"] not in refused], [*left_out, *_why(named, refused)])


def _alone(table: Iterable[Mapping[str, Any]]) -> tuple[Groups, Hostvars]:
    """Return an inventory of one director, with an address that the table does not have."""
    taken = {one.get("address") for service in table for one in (service, *service["real_servers"])}
    address = next(str(one) for one in ipaddress.ip_network("198.18.0.0/15").hosts() if str(one) not in taken)
    return {"directors": ["director"]}, {"director": {"director_address": address}}


def _refused(items: Sequence[Mapping[str, Any]], groups: Groups, hostvars: Hostvars) -> dict[str, list[Finding]]:
    """Return the items that the reader refuses, by name with its reasons; without them it takes the others.

    Mistakes of the inventory itself are in no item, and preflight reports them.
    """
    refused: dict[str, list[Finding]] = {}
    while True:
        left = [item for item in items if item["name"] not in refused]
        try:
            read_topology(left, groups, hostvars)
        except Findings as error:
            again = {
                item["name"]: [one for one in error.findings if one.subject.startswith(_prefix(item))] for item in left
            }
            refused.update({name: findings for name, findings in again.items() if findings})
            if any(again.values()):
                continue
        return refused


def _prefix(item: Mapping[str, Any]) -> str:
    return f"lvs_services ({item['name']})"


def _why(items: Iterable[Mapping[str, Any]], refused: Mapping[str, Sequence[Finding]]) -> list[str]:
    """Return a sentence for each item and reason."""
    sentences = []
    for item in items:
        ports = f"port{'s' if len(item['ports']) > 1 else ''} {', '.join(map(str, item['ports']))}"
        what = f"{item.get('protocol', 'tcp')} {item['address']} {ports}"
        for finding in refused.get(item["name"], ()):
            subject = finding.subject[len(_prefix(item)) :].lstrip(".") or "service"
            sentences.append(f"{what} is left out: {finding._replace(subject=subject).sentence}")
    return sentences


def adopt_settings(info: Mapping[str, Any], role_sysctls: Mapping[str, int]) -> dict[str, dict[str, int]]:
    """Return the role's variables for what holds for all services of a director, where its defaults would change it.

    `role_sysctls` is the default of director_sysctls. A variable replaces that as a whole, so it has each of them.
    """
    timeouts = {
        name: int(value) for name, value in (info.get("timeouts") or {}).items() if value != KERNEL_TIMEOUTS.get(name)
    }
    now = {name: int(value) for name, value in (info.get("sysctls") or {}).items()}
    same = all(value == {**KERNEL_SYSCTLS, **role_sysctls}.get(name) for name, value in now.items())
    sysctls = {name: value for name, value in now.items() if name in role_sysctls or value != KERNEL_SYSCTLS.get(name)}
    found = {"director_timeouts": timeouts, "director_sysctls": {} if same else sysctls}
    return {name: settings for name, settings in found.items() if settings}


def settings_left_out(info: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each sync daemon, and for each server whose weight is that of a drain."""
    sentences = [
        f"The sync daemon ({one['state']}, on {one['interface']}, sync ID {one['sync_id']}) is left out: the roles "
        "neither start nor stop it; keep what starts it at boot."
        for one in info.get("sync_daemons") or ()
    ]
    sentences += [
        f"The weight of server {one['server']} of {one['service']} is left out: it is drained and had weight "
        f"{one['former_weight']}, and weight 0 is written; correct the weight, or write state: drained beside it."
        for one in info.get("drained") or ()
    ]
    return sentences


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
