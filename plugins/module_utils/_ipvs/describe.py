# SPDX-License-Identifier: GPL-3.0-or-later
"""Services and real servers in the words of people, and as the options that would make them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .._core.address import endpoint, packed
from .._core.errors import InvalidValue
from .._core.protocols import TUNNEL
from .model import FLAG_ONE_PACKET, SCHEDULER_BITS, ServerKey, ServerSettings, ServiceKey, ServiceSettings

_FLAG_WORDS = {"sh": ("sh-fallback", "sh-port"), "mh": ("mh-fallback", "mh-port")}


def flag_words(scheduler: str) -> tuple[str, ...]:
    """Return the names of the three scheduler bits, lowest first, as this scheduler calls them."""
    own = _FLAG_WORDS.get(scheduler, ())
    return own + tuple(f"flag-{number}" for number in range(len(own) + 1, len(SCHEDULER_BITS) + 1))


def flag_bits(scheduler: str, words: Sequence[str]) -> int:
    """Return the bits that the names stand for; ``flag-1`` to ``flag-3`` stand for themselves with any scheduler."""
    bits = 0
    known = flag_words(scheduler)
    for word in words:
        generic = [f"flag-{number}" for number in range(1, len(SCHEDULER_BITS) + 1)]
        names = known if word in known else generic
        if word not in names:
            raise InvalidValue(
                "scheduler_flags", word, f"is no flag of scheduler {scheduler}", f"choose from {', '.join(known)}"
            )
        bits |= SCHEDULER_BITS[names.index(word)]
    return bits


def service_name(key: ServiceKey) -> str:
    """Return a service's identity as people write it, such as ``tcp 192.0.2.30:80`` or ``fwmark 7 (ipv6)``."""
    if key.fwmark:
        return f"fwmark {key.fwmark}" + (" (ipv6)" if key.address_family == "ipv6" else "")
    return f"{key.protocol} {endpoint(key.address, key.port)}"


def server_name(key: ServerKey) -> str:
    """Return a real server's identity as people write it, such as ``192.0.2.4:80``."""
    return endpoint(key.address, key.port)


def service_key_options(key: ServiceKey) -> dict[str, Any]:
    """Return a service's identity as options."""
    if key.fwmark:
        return {"fwmark": key.fwmark, "address_family": key.address_family}
    return {"address": key.address, "port": key.port, "protocol": key.protocol}


def service_options(
    key: ServiceKey, settings: ServiceSettings, servers: Mapping[ServerKey, ServerSettings]
) -> dict[str, Any]:
    """Return a service as the options that would make it; servers in the order of their addresses."""
    names = zip(SCHEDULER_BITS, flag_words(settings.scheduler))
    return {
        **service_key_options(key),
        "scheduler": settings.scheduler,
        "scheduler_flags": [name for bit, name in names if settings.flags & bit],
        "one_packet": bool(settings.flags & FLAG_ONE_PACKET),
        "persistence_timeout": settings.persistence_timeout,
        "persistence_netmask": settings.persistence_netmask,
        "persistence_engine": settings.persistence_engine,
        "real_servers": [server_options(server, servers[server]) for server in ordered(servers)],
    }


def server_options(key: ServerKey, settings: ServerSettings) -> dict[str, Any]:
    """Return a real server as the options that would make it; tunnel options only where there is a tunnel."""
    options = {"address": key.address, "port": key.port, **settings._asdict()}
    if settings.forwarding != TUNNEL:
        for name in ("tunnel_type", "tunnel_port", "tunnel_checksum"):
            del options[name]
    return options


def ordered(servers: Iterable[ServerKey]) -> list[ServerKey]:
    """Return real servers in the order of their addresses and ports."""
    return sorted(servers, key=lambda key: (key.address_family, packed(key.address), key.port))
