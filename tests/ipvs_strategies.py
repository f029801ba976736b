# SPDX-License-Identifier: GPL-3.0-or-later
"""Random IPVS tables: canonical records as the kernel could hold them, and options that ask for them."""

from __future__ import annotations

import ipaddress

from ansible_collections.lvs.cluster.plugins.module_utils._ipvs_fields import (
    FLAG_ONE_PACKET,
    ServerKey,
    ServerSettings,
    ServiceKey,
    ServiceSettings,
    default_netmask,
)
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs_plan import ServiceState
from hypothesis import strategies as st

FAMILIES = st.sampled_from(["ipv4", "ipv6"])
SCHEDULERS = st.sampled_from(["rr", "wrr", "lc", "wlc", "sh", "mh"])
# Few enough addresses and ports for two random tables to meet.
HOSTS = {
    "ipv4": st.integers(1, 6).map(lambda host: str(ipaddress.IPv4Address("192.0.2.0") + host)),
    "ipv6": st.integers(1, 6).map(lambda host: str(ipaddress.IPv6Address("2001:db8::") + host)),
}
PORTS = st.sampled_from([80, 443, 5060])


@st.composite
def service_keys(draw) -> ServiceKey:
    family = draw(FAMILIES)
    if draw(st.booleans()):
        return ServiceKey(family, fwmark=draw(st.integers(1, 3)))
    return ServiceKey(family, draw(st.sampled_from(["tcp", "udp", "sctp"])), draw(HOSTS[family]), draw(PORTS))


@st.composite
def service_settings(draw, key: ServiceKey) -> ServiceSettings:
    flags = draw(st.sampled_from([0, 0x8, 0x10, 0x20, 0x38]))
    if key.protocol in ("udp", "") and draw(st.booleans()):
        flags |= FLAG_ONE_PACKET
    netmask = st.sampled_from(["255.255.255.0", "255.255.255.255"] if key.address_family == "ipv4" else ["64", "128"])
    return ServiceSettings(
        scheduler=draw(SCHEDULERS),
        flags=flags,
        persistence_timeout=draw(st.sampled_from([0, 60, 300])),
        persistence_netmask=draw(st.one_of(st.just(default_netmask(key.address_family)), netmask)),
    )


@st.composite
def servers(draw, service: ServiceKey) -> dict[ServerKey, ServerSettings]:
    found = {}
    for _ in range(draw(st.integers(0, 4))):
        forwarding = draw(st.sampled_from(["direct", "tunnel", "masquerade"]))
        family = draw(FAMILIES) if forwarding == "tunnel" else service.address_family
        port = draw(PORTS) if forwarding == "masquerade" else service.port
        upper = draw(st.integers(0, 100))
        settings = ServerSettings(forwarding, draw(st.integers(0, 9)), upper, draw(st.integers(0, upper)))
        if forwarding == "tunnel":
            kind = draw(st.sampled_from(["ipip", "gue", "gre"]))
            settings = settings._replace(tunnel_type=kind, tunnel_port=6080 if kind == "gue" else 0)
        found[ServerKey(family, draw(HOSTS[family]), port)] = settings
    return found


@st.composite
def tables(draw) -> dict[ServiceKey, ServiceState]:
    keys = draw(st.lists(service_keys(), max_size=4, unique=True))
    return {key: ServiceState(draw(service_settings(key)), draw(servers(key))) for key in keys}
