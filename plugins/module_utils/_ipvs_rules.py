# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run's words mean for an object that exists or not yet, and the rules that the kernel leaves unchecked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ._errors import InvalidValue
from ._ipvs_fields import FLAG_ONE_PACKET, ServerKey, ServerSettings, ServiceKey, ServiceSettings, default_netmask
from ._ipvs_options import flag_bits, server_name, service_name

_TUNNEL_OPTIONS = ("tunnel_type", "tunnel_port", "tunnel_checksum")
_NO_TUNNEL = {name: ServerSettings._field_defaults[name] for name in _TUNNEL_OPTIONS}


def settle_service(key: ServiceKey, given: Mapping[str, Any], current: ServiceSettings | None) -> ServiceSettings:
    """Return the settings that a service is to have: what is given, else what is there, else the defaults.

    Scheduler flags belong to a scheduler: a change of scheduler that names no flags drops them.
    """
    settings = current or ServiceSettings(persistence_netmask=default_netmask(key.address_family))
    plain = {name: value for name, value in given.items() if name in ServiceSettings._fields}
    flags = settings.flags
    if plain.get("scheduler", settings.scheduler) != settings.scheduler:
        flags &= FLAG_ONE_PACKET
    settings = settings._replace(**plain)
    if "scheduler_flags" in given:
        flags = flags & FLAG_ONE_PACKET | flag_bits(settings.scheduler, given["scheduler_flags"])
    if "one_packet" in given:
        flags = flags & ~FLAG_ONE_PACKET | (FLAG_ONE_PACKET if given["one_packet"] else 0)
    settings = settings._replace(flags=flags)
    if not key.fwmark and key.port == 0 and not settings.persistence_timeout:
        raise InvalidValue(
            "port",
            0,
            "means every port and needs persistence",
            "set persistence_timeout, or name a port from 1 to 65535",
        )
    if flags & FLAG_ONE_PACKET and key.protocol not in ("udp", ""):
        raise InvalidValue(
            "one_packet",
            True,
            f"schedules single datagrams and does not go with {key.protocol}",
            "use it with udp only",
        )
    return settings


def settle_server(
    service: ServiceKey, key: ServerKey, given: Mapping[str, Any], current: ServerSettings | None
) -> ServerSettings:
    """Return the settings that a real server is to have; raise InvalidValue for a server that could not work."""
    settings = (current or ServerSettings())._replace(**given)
    if settings.forwarding != "tunnel":
        for name in _TUNNEL_OPTIONS:
            if name in given and given[name] != _NO_TUNNEL[name]:
                raise InvalidValue(
                    name, given[name], f"does not go with forwarding {settings.forwarding}", "leave it out"
                )
        settings = settings._replace(**_NO_TUNNEL)
    _check_path(service, key, settings)
    if settings.lower_threshold > settings.upper_threshold:
        raise InvalidValue(
            "lower_threshold",
            settings.lower_threshold,
            f"is above the upper threshold {settings.upper_threshold} of server {server_name(key)}",
            "lower it, or raise upper_threshold",
        )
    if settings.tunnel_type == "gue" and not settings.tunnel_port:
        raise InvalidValue(
            "tunnel_port", 0, "is missing for tunnel type gue", "name the UDP port of the server's fou device"
        )
    return settings


def _check_path(service: ServiceKey, key: ServerKey, settings: ServerSettings) -> None:
    """Refuse what the kernel accepts and no packet survives (ip_vs_ctl.c checks neither port nor network)."""
    if settings.forwarding in ("direct", "tunnel") and key.port != service.port:
        raise InvalidValue(
            "real server port",
            key.port,
            f"differs from port {service.port} of service {service_name(service)}, and forwarding "
            f"{settings.forwarding} leaves the packet as it is, so {key.address} would get it for port {service.port}",
            "let the server listen on the service's port and leave port out, or use forwarding masquerade",
        )
    if key.address_family != service.address_family and settings.forwarding != "tunnel":
        raise InvalidValue(
            "real server address",
            key.address,
            f"is not of the family of service {service_name(service)}, which forwarding {settings.forwarding} needs",
            f"name an {service.address_family} address, or use forwarding tunnel",
        )
