# SPDX-License-Identifier: GPL-3.0-or-later
"""What the roles still use of `lvs_services` until their filters are those of _topology_views."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ._address import parse_host
from ._errors import InvalidValue

# Options of lvs_services that are those of a service or of every server of its pool, passed on as they are.
_SERVICE_OPTIONS = ("scheduler", "scheduler_flags", "one_packet", "persistence_timeout", "persistence_netmask")
_SERVER_OPTIONS = ("forwarding",)
_KNOWN = {"name", "address", "ports", "protocol", "real_servers", *_SERVICE_OPTIONS, *_SERVER_OPTIONS}
_REQUIRED = ("name", "address", "ports")


def vips(services: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return every VIP of the topology once, in the order of their first mention."""
    found: dict[str, None] = {}
    for service in services:
        _check(service)
        found[str(parse_host(service["address"], f"lvs_services ({service['name']}) address"))] = None
    return list(found)


def ipvs_services(
    services: Sequence[Mapping[str, Any]], real_servers: Iterable[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return one set of ipvs_service options for each VIP and port.

    `real_servers` are the servers of a pool that names none of its own: each with `address`, and `weight` where it
    has one. Raises InvalidValue for an entry that is not complete, or has an option that is not known.
    """
    pool = list(real_servers)
    found = []
    for service in services:
        _check(service)
        servers = service.get("real_servers", pool)
        common = {name: service[name] for name in _SERVER_OPTIONS if name in service}
        for port in service["ports"]:
            options = {name: service[name] for name in _SERVICE_OPTIONS if name in service}
            found.append(
                {
                    "address": service["address"],
                    "port": port,
                    "protocol": service.get("protocol", "tcp"),
                    **options,
                    "real_servers": [{**common, **server} for server in servers],
                }
            )
    return found


def real_servers(hosts: Iterable[str], hostvars: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the pool that these hosts of the inventory make, each as the options of one real server.

    A host's RIP is its `realserver_address`, else its `ansible_host`, else its name. Raises InvalidValue, naming the
    host, when that is not an address.
    """
    pool = []
    for host in hosts:
        own = hostvars[host]
        address = _own_address(host, own, "realserver_address", "a real server")
        server: dict[str, Any] = {"address": address, "state": own.get("realserver_state", "present")}
        if "realserver_weight" in own:
            server["weight"] = int(own["realserver_weight"])
        pool.append(server)
    return pool


def dips(hosts: Iterable[str], hostvars: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the DIPs of these directors: each its `director_address`, else its `ansible_host`, else its name."""
    return [_own_address(host, hostvars[host], "director_address", "a director") for host in hosts]


def _own_address(host: str, own: Mapping[str, Any], variable: str, role: str) -> str:
    option = variable if variable in own else "ansible_host"
    try:
        return str(parse_host(own.get(option, host), option))
    except InvalidValue as error:
        raise InvalidValue(
            f"host {host}, {option}", error.value, f"is not the address of {role}", f"set {variable}"
        ) from None


def _check(service: Mapping[str, Any]) -> None:
    name = service.get("name") or service.get("address") or "?"
    for option in _REQUIRED:
        if not service.get(option):
            raise InvalidValue(f"lvs_services ({name})", option, "is missing", f"give it {option}")
    for option in service:
        if option not in _KNOWN:
            raise InvalidValue(
                f"lvs_services ({name})", option, "is not an option", f"choose from {', '.join(sorted(_KNOWN))}"
            )
