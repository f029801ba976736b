# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that the IPVS modules refuse, each with the subject and value of the error; tried without a kernel and on real ones."""

from __future__ import annotations

from typing import Any, NamedTuple

WEB = {"address": "192.0.2.30", "port": 80}
WEB6 = {"address": "2001:db8::30", "port": 80}
DNS = {"address": "192.0.2.30", "port": 53, "protocol": "udp"}
SIP = {**DNS, "port": 5060, "persistence_timeout": 60, "persistence_engine": "sip"}
# What is there before each case, and has to be there after it.
TABLE: list[dict[str, Any]] = [
    {**WEB, "scheduler": "rr", "real_servers": [{"address": "192.0.2.4", "weight": 5}]},
    {**DNS, "scheduler": "sh", "real_servers": [{"address": "192.0.2.9", "forwarding": "tunnel"}]},
    {**WEB6, "real_servers": [{"address": "2001:db8::4"}]},
]


class Case(NamedTuple):
    """One module with options, and subject and value of its error; Ansible's own errors are a text."""

    name: str
    module: str
    options: dict[str, Any]
    error: tuple[str, object] | str


def service(name: str, error: tuple[str, object] | str, base: dict[str, Any] = WEB, **options: Any) -> Case:
    return Case(name, "ipvs_service", {**base, **options}, error)


def server(name: str, error: tuple[str, object] | str, base: dict[str, Any] = WEB, **options: Any) -> Case:
    return Case(name, "ipvs_realserver", {"service": base, "address": "192.0.2.4", **options}, error)


def table(name: str, error: tuple[str, object] | str, *services: dict[str, Any], **options: Any) -> Case:
    return Case(name, "ipvs_table", {"services": list(services), **options}, error)


# Where error_words.py has what they say.
SAID_BY = "plugins/module_utils/_ipvs/test_bad_input.py::test_bad_input"
MARK = {"address": None, "port": None, "fwmark": 7}
CASES = [
    service(
        "address is a name",
        ("address", "web.example"),
        address="web.example",
    ),
    service(
        "address with a prefix",
        ("address", "192.0.2.30/24"),
        address="192.0.2.30/24",
    ),
    service(
        "multicast address",
        ("address", "224.0.0.18"),
        address="224.0.0.18",
    ),
    service(
        "unspecified address",
        ("address", "0.0.0.0"),
        address="0.0.0.0",
    ),
    service("no address", ("address", None), address=None),
    service("no port", ("port", None), port=None),
    service("port too high", ("port", 65536), port=65536),
    service("port below zero", ("port", -1), port=-1),
    service(
        "port is a word",
        "argument 'port' is of type str and we were unable to convert to int: \"'http'\" cannot be converted to an int",
        port="http",
    ),
    service(
        "port 0 without persistence",
        ("port of service tcp 192.0.2.30:0", 0),
        port=0,
    ),
    service(
        "address and mark",
        ("address", "192.0.2.30"),
        fwmark=7,
    ),
    service(
        "port and mark",
        ("port", 80),
        address=None,
        fwmark=7,
    ),
    service(
        "protocol and mark",
        ("protocol", "tcp"),
        protocol="tcp",
        **MARK,
    ),
    service("mark 0", ("fwmark", 0), **{**MARK, "fwmark": 0}),
    service(
        "mark of 33 bits",
        ("fwmark", 4294967296),
        **{**MARK, "fwmark": 1 << 32},
    ),
    service(
        "family of the other address",
        ("address_family", "ipv6"),
        address_family="ipv6",
    ),
    service("unknown protocol", "value of protocol must be one of: tcp, udp, sctp, got: icmp", protocol="icmp"),
    service(
        "empty scheduler",
        ("scheduler of service tcp 192.0.2.30:80", " "),
        scheduler=" ",
    ),
    service(
        "flag of another scheduler",
        ("scheduler_flags of service tcp 192.0.2.30:80", "sh-port"),
        scheduler="mh",
        scheduler_flags=["sh-port"],
    ),
    service(
        "flag of a scheduler that is there",
        ("scheduler_flags of service tcp 192.0.2.30:80", "mh-port"),
        scheduler_flags=["mh-port"],
    ),
    service(
        "unknown flag",
        ("scheduler_flags of service udp 192.0.2.30:53", "flag-4"),
        DNS,
        scheduler_flags=["flag-4"],
    ),
    service(
        "mask on IPv6",
        ("persistence_netmask of service tcp [2001:db8::30]:80", "255.255.255.0"),
        WEB6,
        persistence_netmask="255.255.255.0",
    ),
    service(
        "prefix too long on IPv6",
        ("persistence_netmask of service tcp [2001:db8::30]:80", "129"),
        WEB6,
        persistence_netmask="129",
    ),
    service(
        "prefix too long on IPv4",
        ("persistence_netmask of service tcp 192.0.2.30:80", "64"),
        persistence_netmask="64",
    ),
    service(
        "mask of nothing",
        ("persistence_netmask of service tcp 192.0.2.30:80", "0.0.0.0"),
        persistence_netmask="0.0.0.0",
    ),
    service(
        "persistence below zero",
        ("persistence_timeout of service tcp 192.0.2.30:80", -1),
        persistence_timeout=-1,
    ),
    service(
        "persistence too long",
        ("persistence_timeout of service tcp 192.0.2.30:80", 2678401),
        persistence_timeout=31 * 86400 + 1,
    ),
    service(
        "one packet with tcp",
        ("one_packet of service tcp 192.0.2.30:80", True),
        one_packet=True,
    ),
    service(
        "one packet with sctp",
        ("one_packet of service sctp 192.0.2.30:80", True),
        protocol="sctp",
        one_packet=True,
    ),
    service(
        "engine with sctp",
        ("persistence_engine of service sctp 192.0.2.30:5060", "sip"),
        {**SIP, "protocol": "sctp"},
    ),
    service(
        "engine with tcp",
        ("persistence_engine of service tcp 192.0.2.30:5060", "sip"),
        {**SIP, "protocol": "tcp"},
    ),
    service(
        "engine without persistence",
        ("persistence_engine of service udp 192.0.2.30:5060", "sip"),
        {**SIP, "persistence_timeout": 0},
    ),
    service(
        "purge without a list",
        ("purge of service tcp 192.0.2.30:80", True),
        purge=True,
    ),
    service(
        "server twice",
        ("real_servers of service tcp 192.0.2.30:80", "192.0.2.4:80"),
        real_servers=[{"address": "192.0.2.4"}, {"address": "192.0.2.4", "port": 80}],
    ),
    service(
        "same IPv6 server in other words",
        ("real_servers of service tcp [2001:db8::30]:80", "[2001:db8::4]:80"),
        WEB6,
        real_servers=[{"address": "2001:db8::4"}, {"address": "2001:DB8:0::4"}],
    ),
    service(
        "server without address",
        "missing required arguments: address found in real_servers",
        real_servers=[{"weight": 1}],
    ),
    service(
        "unknown option of a server",
        "real_servers.wait. Supported parameters include: address, forwarding, initial_weight, lower_threshold, port, state, tunnel_checksum, tunnel_port, tunnel_type, upper_threshold, weight.",
        real_servers=[{"address": "192.0.2.4", "wait": 1}],
    ),
    server(
        "server's address is a name",
        ("address of server rs1 of tcp 192.0.2.30:80", "rs1"),
        address="rs1",
    ),
    server(
        "server's port too high",
        ("port of server 192.0.2.4 of tcp 192.0.2.30:80", 70000),
        port=70000,
        forwarding="masquerade",
    ),
    server(
        "other port in direct routing",
        ("port of server 192.0.2.4:8080 of tcp 192.0.2.30:80", 8080),
        port=8080,
    ),
    server(
        "other port in a tunnel",
        ("port of server 192.0.2.4:8080 of tcp 192.0.2.30:80", 8080),
        port=8080,
        forwarding="tunnel",
    ),
    server(
        "server of the other family",
        ("address of server [2001:db8::4]:80 of tcp 192.0.2.30:80", "2001:db8::4"),
        address="2001:db8::4",
    ),
    server(
        "server of the other family, masqueraded",
        ("address of server 192.0.2.4:80 of tcp [2001:db8::30]:80", "192.0.2.4"),
        WEB6,
        forwarding="masquerade",
    ),
    server(
        "weight below zero",
        ("weight of server 192.0.2.4 of tcp 192.0.2.30:80", -1),
        weight=-1,
    ),
    server(
        "weight too high",
        ("weight of server 192.0.2.4 of tcp 192.0.2.30:80", 2147483648),
        weight=1 << 31,
    ),
    server(
        "two weights",
        ("initial_weight of server 192.0.2.4 of tcp 192.0.2.30:80", 3),
        weight=3,
        initial_weight=3,
    ),
    server(
        "initial weight below zero",
        ("initial_weight of server 192.0.2.4 of tcp 192.0.2.30:80", -1),
        initial_weight=-1,
    ),
    server(
        "lower threshold above upper",
        ("lower_threshold of server 192.0.2.4:80 of tcp 192.0.2.30:80", 11),
        upper_threshold=10,
        lower_threshold=11,
    ),
    server(
        "lower threshold alone",
        ("lower_threshold of server 192.0.2.4:80 of tcp 192.0.2.30:80", 1),
        lower_threshold=1,
    ),
    server(
        "upper threshold too high",
        ("upper_threshold of server 192.0.2.4 of tcp 192.0.2.30:80", 4294967296),
        upper_threshold=1 << 32,
    ),
    server(
        "gue without a port",
        ("tunnel_port of server 192.0.2.4:80 of tcp 192.0.2.30:80", None),
        forwarding="tunnel",
        tunnel_type="gue",
    ),
    server(
        "port with ipip",
        ("tunnel_port of server 192.0.2.4:80 of tcp 192.0.2.30:80", 6080),
        forwarding="tunnel",
        tunnel_port=6080,
    ),
    server(
        "port with gre",
        ("tunnel_port of server 192.0.2.4:80 of tcp 192.0.2.30:80", 6080),
        forwarding="tunnel",
        tunnel_type="gre",
        tunnel_port=6080,
    ),
    server(
        "checksum with ipip",
        ("tunnel_checksum of server 192.0.2.4:80 of tcp 192.0.2.30:80", "plain"),
        forwarding="tunnel",
        tunnel_checksum="plain",
    ),
    server(
        "remote checksum with gre",
        ("tunnel_checksum of server 192.0.2.4:80 of tcp 192.0.2.30:80", "remote"),
        forwarding="tunnel",
        tunnel_type="gre",
        tunnel_checksum="remote",
    ),
    server(
        "tunnel type without a tunnel",
        ("tunnel_type of server 192.0.2.4:80 of tcp 192.0.2.30:80", "gue"),
        tunnel_type="gue",
        tunnel_port=6080,
    ),
    server(
        "tunnel port too high",
        ("tunnel_port of server 192.0.2.4 of tcp 192.0.2.30:80", 65536),
        forwarding="tunnel",
        tunnel_type="gue",
        tunnel_port=65536,
    ),
    server(
        "forwarding that is only reported",
        ("forwarding of server 192.0.2.4:80 of tcp 192.0.2.30:80", "local"),
        forwarding="local",
    ),
    server(
        "unknown forwarding",
        "value of forwarding must be one of: direct, tunnel, masquerade, local, bypass, got: nat",
        forwarding="nat",
    ),
    server(
        "unknown tunnel type",
        "value of tunnel_type must be one of: ipip, gue, gre, got: vxlan",
        forwarding="tunnel",
        tunnel_type="vxlan",
    ),
    server(
        "service that is not there",
        ("service", "tcp 192.0.2.30:81"),
        {**WEB, "port": 81},
    ),
    server(
        "drain a server that is not there",
        ("server of tcp 192.0.2.30:80", "192.0.2.99:80"),
        address="192.0.2.99",
        state="drained",
    ),
    server(
        "drain for ever",
        ("drain_timeout", 86401),
        state="drained",
        drain_timeout=86401,
    ),
    server(
        "wait for unknown counts",
        "value of drain_connections must be one or more of: active, inactive, persistent. Got no match for: idle",
        state="drained",
        drain_connections=["idle"],
    ),
    server(
        "give back a weight that nobody knows",
        ("restore_weight", True),
        address="192.0.2.5",
        restore_weight=True,
    ),
    server(
        "give back a weight and name it",
        ("weight", 3),
        restore_weight=True,
        weight=3,
    ),
    server(
        "give back a weight and name one for a new server",
        ("initial_weight", 3),
        restore_weight=True,
        initial_weight=3,
    ),
    server(
        "give back a weight and remove",
        ("restore_weight", True),
        restore_weight=True,
        state="absent",
    ),
    table(
        "service twice",
        ("services", "tcp 192.0.2.30:80"),
        WEB,
        {**WEB, "protocol": "tcp"},
    ),
    table(
        "mark twice",
        ("services", "fwmark 7"),
        {"fwmark": 7},
        {"fwmark": 7, "address_family": "ipv4"},
    ),
    table("timeout 0", ("timeouts.tcp", 0), timeouts={"tcp": 0}),
    table(
        "timeout too long",
        ("timeouts.udp", 2147484),
        timeouts={"udp": 2147484},
    ),
    table("unknown timeout", "timeouts.sctp. Supported parameters include: tcp, tcp_fin, udp.", timeouts={"sctp": 10}),
    table(
        "sysctl",
        ("sysctls.conn_reuse_mode", 4),
        sysctls={"conn_reuse_mode": 4},
    ),
    table(
        "switch",
        ("sysctls.expire_nodest_conn", 2),
        sysctls={"expire_nodest_conn": 2},
    ),
    table(
        "unknown sysctl",
        "sysctls.drop_entry. Supported parameters include: conn_reuse_mode, expire_nodest_conn, expire_quiescent_template.",
        sysctls={"drop_entry": 1},
    ),
    table(
        "one bad service of two",
        ("weight of server 192.0.2.5 of udp 192.0.2.30:53", -2),
        {**WEB, "scheduler": "wrr"},
        {**DNS, "real_servers": [{"address": "192.0.2.5", "weight": -2}]},
    ),
]
