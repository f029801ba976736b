# SPDX-License-Identifier: GPL-3.0-or-later
"""Which paths the servers of IPVS services have, for realserver_path_info. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import ip_address
from typing import Any

from .._core.address import is_ipv6
from .._core.options import given
from .._core.ports import parse_ports
from .model import TCP

# What of a server says how packets get to it
_PATH_OPTIONS = ("address", "port", "forwarding", "tunnel_type", "tunnel_port")
Options = Mapping[str, Any]
# VIP, port and protocol that are probed
End = tuple[str, int, str]
# A mark and its family, or VIP, port and protocol
Identity = tuple[Any, ...]


def service_paths(
    services: Iterable[Options], marks: Iterable[Options], prove_ports: Iterable[Options] = ()
) -> list[dict[str, Any]]:
    """Return the services of realserver_path_info for those of ipvs_table, with the servers that stay.

    `marks` are those of vip_firewall, and `prove_ports` those of ipvs_table; see service_ends.
    """
    named, proving = list(marks), proving_ends(prove_ports)
    found: dict[End, dict[tuple[Any, ...], dict[str, Any]]] = {}
    for service in services:
        stay = [one for one in service.get("real_servers") or () if one.get("state") != "absent"]
        servers = {tuple(one.items()): one for one in (given(server, _PATH_OPTIONS) for server in stay)}
        for end in service_ends(service, named, proving) if servers and service.get("state") != "absent" else ():
            found.setdefault(end, {}).update(servers)
    return [
        {"address": address, "port": port, "protocol": protocol, "real_servers": list(servers.values())}
        for (address, port, protocol), servers in found.items()
    ]


def proving_ends(prove_ports: Iterable[Options]) -> dict[Identity, list[End]]:
    """Return where `prove_ports` of ipvs_table says that services are proved; none where nothing proves one."""
    found: dict[Identity, list[End]] = {}
    for item in prove_ports:
        ends = found.setdefault(_identity(item["service"]), [])
        ends += [(str(item["address"]), int(port), TCP) for port in item["ports"]]
    return found


def service_ends(service: Options, marks: Iterable[Options], proving: Mapping[Identity, Sequence[End]]) -> list[End]:
    """Return where the servers of a service are probed.

    That is where `proving` says for it, else its own port; for a mark the ports in `marks`, the first one of a range.
    What is not TCP is there too, once for each VIP and protocol of a mark, although it proves nothing. A mark without
    ports has none that could be probed.
    """
    own = _marked(service, marks) if service.get("fwmark") else [_end(service, service["port"])]
    identity = _identity(service)
    if identity in proving:
        own = [*proving[identity], *(end for end in own if end[2] != TCP)]
    return list(dict.fromkeys(end for end in own if end[1]))


def _identity(service: Options) -> Identity:
    if service.get("fwmark"):
        return int(service["fwmark"]), service.get("address_family") or "ipv4"
    return str(ip_address(service["address"])), int(service["port"]), service.get("protocol") or TCP


def _end(options: Options, port: int) -> End:
    return options["address"], port, options.get("protocol") or TCP


def _marked(service: Options, marks: Iterable[Options]) -> list[End]:
    of_ipv6 = service.get("address_family") == "ipv6"
    found = []
    for mark in marks:
        if mark["mark"] == service["fwmark"] and is_ipv6(mark["address"]) == of_ipv6:
            ends = [_end(mark, parse_ports("ports", port).first) for port in mark.get("ports") or ()]
            found += ends if (mark.get("protocol") or TCP) == TCP else ends[:1]
    return found
