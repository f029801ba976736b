# SPDX-License-Identifier: GPL-3.0-or-later
"""Which paths to prove, and from where; see verdict for what the answers mean. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from .._core.address import is_ipv6, parse_host, same_family
from .._core.errors import InvalidValue
from .._core.options import in_range, parse_interface, parse_wait
from .._core.protocols import DIRECT, MASQUERADE, TUNNEL
from .._rtnetlink.model import Own, Route
from .model import UDP, Probe, Way

_SERVER_OPTIONS: dict[str, Any] = {
    "address": {"type": "str", "required": True},
    "port": {"type": "int"},
    "forwarding": {"type": "str", "choices": [DIRECT, TUNNEL, MASQUERADE], "default": DIRECT},
    "tunnel_type": {"type": "str", "choices": ["ipip", "gue", "gre"], "default": "ipip"},
    "tunnel_port": {"type": "int"},
}
_SERVICE_OPTIONS: dict[str, Any] = {
    "address": {"type": "str", "required": True},
    "port": {"type": "int", "required": True},
    "protocol": {"type": "str", "choices": ["tcp", "udp", "sctp"], "default": "tcp"},
    "payload": {"type": "str"},
    "payload_hex": {"type": "str"},
    "expect": {"type": "str"},
    "expect_hex": {"type": "str"},
    "real_servers": {"type": "list", "elements": "dict", "required": True, "options": _SERVER_OPTIONS},
}
PATH_OPTIONS: dict[str, Any] = {
    "services": {"type": "list", "elements": "dict", "required": True, "options": _SERVICE_OPTIONS},
    "interface": {"type": "str"},
    "timeout": {"type": "float", "default": 2.0},
    "attempts": {"type": "int", "default": 3},
}
_LONGEST_WAIT, _MOST_ATTEMPTS, _LARGEST_PAYLOAD = 60, 20, 1200


class PathInquiry(NamedTuple):
    """What to prove; `interface` is None when the routes are to say it."""

    probes: tuple[Probe, ...]
    interface: str | None
    timeout: float
    attempts: int

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> PathInquiry:
        """Return what the options of `realserver_path_info` ask; raise InvalidValue for what breaks a rule."""
        probes: dict[Probe, None] = {}
        for number, service in enumerate(options["services"]):
            try:
                probes.update(dict.fromkeys(_probes(service)))
            except InvalidValue as error:
                raise error.of(f"services[{number}]") from None
        interface, timeout = options.get("interface"), parse_wait(options, "timeout", 2.0, _LONGEST_WAIT)
        attempts = in_range("attempts", options.get("attempts", 3), 1, _MOST_ATTEMPTS)
        return cls(tuple(probes), None if interface is None else parse_interface(interface), timeout, attempts)


def _probes(service: Mapping[str, Any]) -> list[Probe]:
    vip = parse_host(service["address"], "address")
    port, protocol = in_range("port", service["port"], 1, 65535), service.get("protocol") or "tcp"
    payload, expect = _bytes(service, "payload"), _bytes(service, "expect") or b""
    if payload is not None and protocol != UDP:
        raise InvalidValue("payload", None, f"goes with protocol udp, and this one is {protocol}", "leave it out")
    if expect and payload is None:
        raise InvalidValue("expect", None, "needs a payload that is answered so", "give payload or payload_hex too")
    return [
        _probe(Probe(str(vip), port, protocol, "", port, payload=payload, expect=expect), server)
        for server in service["real_servers"]
    ]


def _probe(probe: Probe, server: Mapping[str, Any]) -> Probe:
    rip = parse_host(server["address"], "address of real_servers")
    forwarding, tunnel_type = server.get("forwarding") or DIRECT, server.get("tunnel_type") or "ipip"
    probe = probe._replace(rip=str(rip), forwarding=forwarding)
    if forwarding != TUNNEL and is_ipv6(probe.vip) != (rip.version == 6):
        raise InvalidValue(
            "address of real_servers",
            str(rip),
            f"is not of the family of {probe.vip}, which only a tunnel can bridge",
            "name the server by its address of that family",
        )
    if forwarding == MASQUERADE:
        port = server.get("port")
        return probe._replace(server_port=probe.port if port is None else in_range("port", port, 1, 65535))
    if forwarding == TUNNEL:
        probe = probe._replace(tunnel_type=tunnel_type)
        if tunnel_type == "gue":
            port = server.get("tunnel_port")
            if port is None:
                raise InvalidValue("tunnel_port", None, "is missing", "tunnel_type: gue needs the port of the tunnel")
            probe = probe._replace(tunnel_port=in_range("tunnel_port", port, 1, 65535))
    return probe


def _bytes(service: Mapping[str, Any], name: str) -> bytes | None:
    text, digits = service.get(name), service.get(f"{name}_hex")
    if text is not None and digits is not None:
        raise InvalidValue(name, text, f"does not go with {name}_hex", "give one of them")
    try:
        value = None if digits is None else bytes.fromhex(digits)
    except ValueError:
        raise InvalidValue(f"{name}_hex", digits, "is not hexadecimal", "write bytes such as '12 34 0a'") from None
    value = value if text is None else text.encode()
    if value is not None and len(value) > _LARGEST_PAYLOAD:
        raise InvalidValue(name, None, f"has {len(value)} bytes, more than {_LARGEST_PAYLOAD}", "make it shorter")
    return value


def plan_ways(
    probes: Sequence[Probe], interface: str | None, own: Sequence[Own], route: Callable[[str], Route | None]
) -> list[Way]:
    """Return how each probe leaves this host, with the MACs still to be found.

    `own` are this host's addresses, `route` tells the main table's route to an address.
    """
    vips = {probe.vip for probe in probes}
    here = {one.address for one in own}
    ways: dict[tuple[str, bool, bool], Way] = {}
    for probe in probes:
        key = (probe.rip, is_ipv6(probe.vip), probe.forwarding == DIRECT)
        if key not in ways:
            ways[key] = _way(probe, interface, [one for one in own if one.address not in vips], route(probe.rip))
            if probe.rip in here:
                ways[key] = Way(here=True)
    return [ways[probe.rip, is_ipv6(probe.vip), probe.forwarding == DIRECT] for probe in probes]


def _way(probe: Probe, interface: str | None, own: Sequence[Own], route: Route | None) -> Way:
    device = interface or (route.interface if route else "")
    gateway = (route.gateway or "") if route else "none"
    if probe.forwarding == DIRECT and gateway and not interface:
        return Way(device, gateway=gateway)
    usable = [one for one in own if one.scope == 0 and same_family(one.address, probe.vip)]
    nearest = sorted(usable, key=lambda one: (one.interface != device, not _reaches(one, probe.rip)))
    if probe.forwarding == DIRECT:
        nearest = [one for one in nearest if one.interface == device]
    return Way(device, nearest[0].address if nearest else "")


def _reaches(own: Own, address: str) -> bool:
    return ipaddress.ip_address(address) in ipaddress.ip_network((own.address, own.prefix), strict=False)
