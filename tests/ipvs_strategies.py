# SPDX-License-Identifier: GPL-3.0-or-later
"""Random IPVS tables: canonical records as the kernel could hold them, and options that ask for them."""

from __future__ import annotations

import ipaddress

from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.model import (
    FLAG_ONE_PACKET,
    ServerKey,
    ServerSettings,
    ServiceKey,
    ServiceSettings,
    ServiceState,
    default_netmask,
)
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

FAMILIES = st.sampled_from(["ipv4", "ipv6"])
SCHEDULERS = st.sampled_from(["rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "mh", "sed", "nq", "fo", "ovf"])
# Few enough addresses and ports for two random tables to meet.
HOSTS = {
    "ipv4": st.integers(1, 6).map(lambda host: str(ipaddress.IPv4Address("192.0.2.0") + host)),
    "ipv6": st.integers(1, 6).map(lambda host: str(ipaddress.IPv6Address("2001:db8::") + host)),
}
WEIGHTS = st.one_of(st.integers(0, 9), st.sampled_from([65535, (1 << 31) - 1]))
CHECKSUMS = {"ipip": ["none"], "gue": ["none", "plain", "remote"], "gre": ["none", "plain"]}
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
    timeout = draw(st.sampled_from([0, 60, 300, 31 * 86400]))
    engine = timeout > 0 and key.protocol in ("udp", "") and draw(st.booleans())
    return ServiceSettings(
        scheduler=draw(SCHEDULERS),
        flags=flags,
        persistence_timeout=timeout,
        persistence_netmask=draw(st.one_of(st.just(default_netmask(key.address_family)), netmask)),
        persistence_engine="sip" if engine else "",
    )


@st.composite
def servers(draw, service: ServiceKey) -> dict[ServerKey, ServerSettings]:
    found = {}
    for _ in range(draw(st.integers(0, 4))):
        forwarding = draw(st.sampled_from(["direct", "tunnel", "masquerade"]))
        family = draw(FAMILIES) if forwarding == "tunnel" else service.address_family
        port = draw(PORTS) if forwarding == "masquerade" else service.port
        upper = draw(st.integers(0, 100))
        settings = ServerSettings(forwarding, draw(WEIGHTS), upper, draw(st.integers(0, upper)))
        if forwarding == "tunnel":
            kind = draw(st.sampled_from(["ipip", "gue", "gre"]))
            checksum = draw(st.sampled_from(CHECKSUMS[kind]))
            tunnel_port = draw(st.integers(1, 65535)) if kind == "gue" else 0
            settings = settings._replace(tunnel_type=kind, tunnel_port=tunnel_port, tunnel_checksum=checksum)
        found[ServerKey(family, draw(HOSTS[family]), port)] = settings
    return found


@st.composite
def tables(draw) -> dict[ServiceKey, ServiceState]:
    keys = draw(st.lists(service_keys(), max_size=4, unique=True))
    return {key: ServiceState(draw(service_settings(key)), draw(servers(key))) for key in keys}


def relocated(table: dict[ServiceKey, ServiceState], block: int) -> dict[ServiceKey, ServiceState]:
    """Return the same table with identities that no table of another block has, so that many can be in one kernel at once."""

    def key_in_block(key: ServiceKey) -> ServiceKey:
        if key.fwmark:
            return key._replace(fwmark=key.fwmark + 8 * block)
        if key.address_family == "ipv4":
            return key._replace(
                address=str(ipaddress.IPv4Address(key.address) - 0xC0000200 + 0x0A000000 + (block << 8))
            )
        return key._replace(address=str(ipaddress.IPv6Address(key.address) + (block << 32)))

    return {key_in_block(key): state for key, state in table.items()}


def some(strategy: st.SearchStrategy, number: int) -> list:
    """Return that many random values, new ones at each run: for what is too slow to be tried one by one."""
    found: list = []

    @settings(
        max_examples=number,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def gather(value) -> None:
        found.append(value)

    while len(found) < number:
        gather()
    return found[:number]
