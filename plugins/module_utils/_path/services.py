# SPDX-License-Identifier: GPL-3.0-or-later
"""Which paths the servers of IPVS services have, for realserver_path_info. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .._core.address import is_ipv6
from .._core.options import given

# What of a server says how packets get to it
_PATH_OPTIONS = ("address", "port", "forwarding", "tunnel_type", "tunnel_port")


def service_paths(services: Iterable[Mapping[str, Any]], marks: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the services of realserver_path_info for those of ipvs_table, with the servers that stay.

    `marks` are those of vip_firewall: they tell the VIPs and ports that a mark stands for; one of every port has none
    that could be asked for.
    """
    named = list(marks)
    found = []
    for service in services:
        stay = [one for one in service.get("real_servers") or () if one.get("state") != "absent"]
        servers = [given(one, _PATH_OPTIONS) for one in stay]
        ends = _marked(service, named) if service.get("fwmark") else [service]
        for end in ends if servers and service.get("state") != "absent" else ():
            if end["port"]:
                key = {"address": end["address"], "port": end["port"], "protocol": end.get("protocol") or "tcp"}
                found.append({**key, "real_servers": servers})
    return found


def _marked(service: Mapping[str, Any], marks: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    of_ipv6 = service.get("address_family") == "ipv6"
    return [
        {**mark, "port": port}
        for mark in marks
        if mark["mark"] == service["fwmark"] and is_ipv6(mark["address"]) == of_ipv6
        for port in mark.get("ports") or ()
    ]
