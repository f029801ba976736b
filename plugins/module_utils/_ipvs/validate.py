# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run's words mean for an object that exists or not yet, and the rules that the kernel leaves unchecked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable, TypeVar

from .._core.errors import InvalidValue
from .._core.protocols import DIRECT, FORWARDING_METHODS, TUNNEL
from .describe import flag_bits, server_name, service_name
from .model import FLAG_ONE_PACKET, ServerKey, ServerSettings, ServiceKey, ServiceSettings, default_netmask

Settings = TypeVar("Settings", ServiceSettings, ServerSettings)

_TUNNEL_OPTIONS = ("tunnel_type", "tunnel_port", "tunnel_checksum")
_NO_TUNNEL = {name: ServerSettings._field_defaults[name] for name in _TUNNEL_OPTIONS}


def resolve_service(
    key: ServiceKey, given: Mapping[str, Any], current: ServiceSettings | None
) -> tuple[ServiceSettings, str]:
    """Return the settings that a service is to have, and a warning (empty: none).

    What is given counts, else what is there, else the defaults. Scheduler flags belong to a scheduler: a change of
    scheduler that names no flags drops them. Raises InvalidValue for a service that could not work; for one that is
    just like that already the text is the warning.
    """
    whose = f"service {service_name(key)}"
    settings = current or ServiceSettings(persistence_netmask=default_netmask(key.address_family))
    plain = {name: value for name, value in given.items() if name in ServiceSettings._fields}
    flags = settings.flags
    if plain.get("scheduler", settings.scheduler) != settings.scheduler:
        flags &= FLAG_ONE_PACKET
    settings = settings._replace(**plain)
    if "scheduler_flags" in given:
        try:
            flags = flags & FLAG_ONE_PACKET | flag_bits(settings.scheduler, given["scheduler_flags"])
        except InvalidValue as error:
            raise error.of(whose) from None
    if "one_packet" in given:
        flags = flags & ~FLAG_ONE_PACKET | (FLAG_ONE_PACKET if given["one_packet"] else 0)
    settings = settings._replace(flags=flags)
    return settings, _judged(settings, current, lambda: _check_service(key, settings), whose)


def resolve_server(
    service: ServiceKey, key: ServerKey, given: Mapping[str, Any], current: ServerSettings | None
) -> tuple[ServerSettings, str]:
    """Return the settings that a real server is to have, and a warning, as resolve_service() does.

    Port and checksum belong to a tunnel type: a change of type that does not name them drops them.
    """
    whose = f"server {server_name(key)} of {service_name(service)}"
    settings = current or ServerSettings()
    if given.get("tunnel_type", settings.tunnel_type) != settings.tunnel_type:
        settings = settings._replace(**_NO_TUNNEL)
    settings = settings._replace(**given)
    if settings.forwarding != TUNNEL:
        for name in _TUNNEL_OPTIONS:
            if name in given and given[name] != _NO_TUNNEL[name]:
                rule = f"does not go with forwarding {settings.forwarding}"
                raise InvalidValue(name, given[name], rule, "leave it out").of(whose)
        settings = settings._replace(**_NO_TUNNEL)
    return settings, _judged(settings, current, lambda: _check_server(service, key, settings), whose)


def _judged(settings: Settings, current: Settings | None, check: Callable[[], None], whose: str) -> str:
    try:
        check()
    except InvalidValue as error:
        if settings != current:
            raise error.of(whose) from None
        return f"{error.of(whose)} It is so already, and is left as it is."
    return ""


def _check_service(key: ServiceKey, settings: ServiceSettings) -> None:
    if not key.fwmark and key.port == 0 and not settings.persistence_timeout:
        raise InvalidValue(
            "port",
            0,
            "means every port and needs persistence",
            "set persistence_timeout, or name a port from 1 to 65535",
        )
    if settings.flags & FLAG_ONE_PACKET and key.protocol not in ("udp", ""):
        raise InvalidValue(
            "one_packet",
            True,
            f"schedules single datagrams and does not go with {key.protocol}",
            "use it with udp only",
        )
    if settings.persistence_engine:
        _check_engine(key, settings)


def _check_engine(key: ServiceKey, settings: ServiceSettings) -> None:
    engine = settings.persistence_engine
    if key.protocol not in ("udp", ""):
        # ip_vs_sip_fill_param() in ip_vs_pe_sip.c, the only engine that there is, looks at UDP alone.
        raise InvalidValue(
            "persistence_engine", engine, f"reads datagrams and does not go with {key.protocol}", "use it with udp only"
        )
    if not settings.persistence_timeout:
        raise InvalidValue("persistence_engine", engine, "does nothing without persistence", "set persistence_timeout")


def _check_server(service: ServiceKey, key: ServerKey, settings: ServerSettings) -> None:
    if settings.forwarding not in FORWARDING_METHODS:
        raise InvalidValue(
            "forwarding",
            settings.forwarding,
            "is what the kernel reports of a server, and can't be asked for",
            f"choose from {', '.join(FORWARDING_METHODS)}",
        )
    _check_path(service, key, settings)
    if settings.lower_threshold > settings.upper_threshold:
        raise InvalidValue(
            "lower_threshold",
            settings.lower_threshold,
            f"is above upper_threshold {settings.upper_threshold}",
            "lower it, or raise upper_threshold",
        )
    if settings.tunnel_type == "gue" and not settings.tunnel_port:
        raise InvalidValue(
            "tunnel_port", None, "is missing for tunnel type gue", "name the UDP port of the server's fou device"
        )
    if settings.tunnel_type != "gue" and settings.tunnel_port:
        raise InvalidValue(
            "tunnel_port", settings.tunnel_port, f"does not go with tunnel type {settings.tunnel_type}", "leave it out"
        )
    if settings.tunnel_checksum != "none" and settings.tunnel_type == "ipip":
        raise InvalidValue(
            "tunnel_checksum", settings.tunnel_checksum, "does not go with tunnel type ipip", "use gue or gre, or none"
        )
    if settings.tunnel_checksum == "remote" and settings.tunnel_type == "gre":
        raise InvalidValue(
            "tunnel_checksum", "remote", "does not go with tunnel type gre", "use gue, or choose plain or none"
        )


def _check_path(service: ServiceKey, key: ServerKey, settings: ServerSettings) -> None:
    """Refuse what the kernel accepts and no packet survives (ip_vs_ctl.c checks neither port nor network)."""
    if settings.forwarding in (DIRECT, TUNNEL) and key.port != service.port:
        raise InvalidValue(
            "port",
            key.port,
            f"is not the service's port {service.port}, and forwarding {settings.forwarding} leaves the packet as it "
            f"is, so the server would get it for port {service.port}",
            "let the server listen on the service's port and leave port out, or use forwarding masquerade",
        )
    if key.address_family != service.address_family and settings.forwarding != TUNNEL:
        raise InvalidValue(
            "address",
            key.address,
            f"is not of the service's family, which forwarding {settings.forwarding} needs",
            f"name an {service.address_family} address, or use forwarding tunnel",
        )
