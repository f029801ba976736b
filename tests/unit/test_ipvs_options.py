# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of IPVS at the door: what is canonical, and every refusal with its whole sentence."""

from __future__ import annotations

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils import _ipvs_client as client
from ansible_collections.lvs.cluster.plugins.module_utils._errors import InvalidValue
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs_fields import ServiceKey
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs_options import flag_words, parse_service
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs_plan import plan_services

WEB = {"address": "192.168.91.30", "port": 80}
SERVER = {"address": "192.168.91.4"}


def pool(**server):
    return {**WEB, "real_servers": [{**SERVER, **server}]}


@pytest.mark.parametrize(
    ("options", "key"),
    [
        (WEB, ServiceKey("ipv4", "tcp", "192.168.91.30", 80)),
        ({"address": " 2001:DB8:0::1 ", "port": 53, "protocol": "udp"}, ServiceKey("ipv6", "udp", "2001:db8::1", 53)),
        ({"fwmark": 7}, ServiceKey("ipv4", fwmark=7)),
        ({"fwmark": 7, "address_family": "ipv6"}, ServiceKey("ipv6", fwmark=7)),
    ],
)
def test_identity(options, key):
    assert parse_service(options).key == key


@pytest.mark.parametrize(
    ("options", "netmask"),
    [
        ({**WEB, "persistence_netmask": "24"}, "255.255.255.0"),
        ({**WEB, "persistence_netmask": "255.255.0.0"}, "255.255.0.0"),
        ({"address": "2001:db8::1", "port": 80, "persistence_netmask": "64"}, "64"),
    ],
)
def test_netmask(options, netmask):
    assert parse_service(options).given["persistence_netmask"] == netmask


def test_flag_names_per_scheduler():
    assert flag_words("sh") == ("sh-fallback", "sh-port", "flag-3")
    assert flag_words("mh") == ("mh-fallback", "mh-port", "flag-3")
    assert flag_words("rr") == ("flag-1", "flag-2", "flag-3")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {**WEB, "address": "192.168.91.300"},
            "address: '192.168.91.300' is not an IP address; write one such as 192.0.2.30 or 2001:db8::30, without a prefix length.",
        ),
        (
            {**WEB, "address": "192.168.91.0/24"},
            "address: '192.168.91.0/24' is not an IP address; write one such as 192.0.2.30 or 2001:db8::30, without a prefix length.",
        ),
        (
            {**WEB, "address": "0.0.0.0"},
            "address: '0.0.0.0' is the unspecified address; name the unicast address of one host.",
        ),
        (
            {**WEB, "address": "224.0.0.18"},
            "address: '224.0.0.18' is a multicast address; name the unicast address of one host.",
        ),
        (
            {**WEB, "address": "fe80::1%eth0"},
            "address: 'fe80::1%eth0' carries a zone; write the address without %eth0.",
        ),
        ({**WEB, "port": 70000}, "port: 70000 is out of range; give a number from 0 to 65535."),
        ({**WEB, "port": -1}, "port: -1 is out of range; give a number from 0 to 65535."),
        (
            {**WEB, "port": 0},
            "port: 0 means every port and needs persistence; set persistence_timeout, or name a port from 1 to 65535.",
        ),
        ({"address": "192.168.91.30"}, "port: None is missing; name the service by address and port, or by fwmark."),
        ({}, "address: None is missing; name the service by address and port, or by fwmark."),
        ({"fwmark": 0}, "fwmark: 0 is out of range; give a number from 1 to 4294967295."),
        (
            {"fwmark": 1, "port": 80},
            "port: 80 does not go with fwmark; give either fwmark or address and port.",
        ),
        (
            {**WEB, "address_family": "ipv6"},
            "address_family: 'ipv6' is not that of 192.168.91.30; leave it out: the address tells.",
        ),
        ({**WEB, "scheduler": " "}, "scheduler: ' ' is empty; name one such as rr, wrr, lc or wlc."),
        (
            {**WEB, "scheduler": "rr", "scheduler_flags": ["sh-port"]},
            "scheduler_flags: 'sh-port' is no flag of scheduler rr; choose from flag-1, flag-2, flag-3.",
        ),
        (
            {**WEB, "one_packet": True},
            "one_packet: True schedules single datagrams and does not go with tcp; use it with udp only.",
        ),
        (
            {**WEB, "persistence_timeout": 2678401},
            "persistence_timeout: 2678401 is out of range; give a number from 0 to 2678400.",
        ),
        (
            {**WEB, "persistence_netmask": "33"},
            "persistence_netmask: '33' is not an IPv4 mask; write one such as 255.255.255.0 or 24.",
        ),
        (
            {**WEB, "persistence_netmask": "0.0.0.0"},
            "persistence_netmask: '0.0.0.0' is not an IPv4 mask; write one such as 255.255.255.0 or 24.",
        ),
        (
            {"address": "2001:db8::1", "port": 80, "persistence_netmask": "255.255.255.0"},
            "persistence_netmask: '255.255.255.0' is not an IPv6 prefix length; write a number from 1 to 128.",
        ),
        (
            {**WEB, "purge": True},
            "purge: True would remove every server of the service; list real_servers, or [] to empty the pool.",
        ),
        (
            {**WEB, "real_servers": [SERVER, SERVER]},
            "real_servers: '192.168.91.4:80' is listed twice; keep one entry for each address and port.",
        ),
        (
            pool(address="rs1"),
            "real server address: 'rs1' is not an IP address; "
            "write one such as 192.0.2.30 or 2001:db8::30, without a prefix length.",
        ),
        (pool(weight=-1), "weight: -1 is out of range; give a number from 0 to 2147483647."),
        (
            pool(port=8080),
            "real server port: 8080 differs from port 80 of service tcp 192.168.91.30:80, and forwarding direct leaves the "
            "packet as it is, so 192.168.91.4 would get it for port 80; let the server listen on the service's port and leave "
            "port out, or use forwarding masquerade.",
        ),
        (
            pool(address="2001:db8::4"),
            "real server address: '2001:db8::4' is not of the family of service tcp 192.168.91.30:80, which forwarding direct "
            "needs; name an ipv4 address, or use forwarding tunnel.",
        ),
        (
            pool(upper_threshold=5, lower_threshold=6),
            "lower_threshold: 6 is above the upper threshold 5 of server 192.168.91.4:80; lower it, or raise upper_threshold.",
        ),
        (pool(tunnel_type="gre"), "tunnel_type: 'gre' does not go with forwarding direct; leave it out."),
        (
            pool(forwarding="tunnel", tunnel_type="gue"),
            "tunnel_port: 0 is missing for tunnel type gue; name the UDP port of the server's fou device.",
        ),
    ],
)
def test_refusals(options, message):
    with pytest.raises(InvalidValue) as refusal:
        plan_services({}, [parse_service(options)])
    assert str(refusal.value) == message


def test_scheduler_that_the_kernel_lacks(tmp_path):
    tree = tmp_path / "6.1.0"
    tree.mkdir()
    (tree / "modules.builtin").write_text("")
    (tree / "modules.dep").write_text(
        "kernel/net/netfilter/ipvs/ip_vs_rr.ko: kernel/net/netfilter/ipvs/ip_vs.ko\n"
        "kernel/net/netfilter/ipvs/ip_vs_ftp.ko: kernel/net/netfilter/ipvs/ip_vs.ko\n"
        "kernel/net/netfilter/ipvs/ip_vs_pe_sip.ko: kernel/net/netfilter/ipvs/ip_vs.ko\n"
        "kernel/net/netfilter/ipvs/ip_vs_mh.ko.xz:\n"
    )
    client.check_scheduler("rr", "6.1.0", str(tmp_path))
    client.check_scheduler("mh", "6.1.0", str(tmp_path))
    with pytest.raises(InvalidValue) as refusal:
        client.check_scheduler("round", "6.1.0", str(tmp_path))
    assert str(refusal.value) == (
        "scheduler: 'round' is not in this kernel (no module ip_vs_round); choose from mh, rr."
    )


def test_scheduler_where_the_host_hides_its_modules(tmp_path):
    client.check_scheduler("round", "6.1.0", str(tmp_path))
