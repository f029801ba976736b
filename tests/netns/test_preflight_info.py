# SPDX-License-Identifier: GPL-3.0-or-later
"""preflight_info on hosts of a real segment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from netns_hosts import Namespace, Segment


def look(host: Namespace, *addresses: str, **options: Any) -> dict[str, Any]:
    answer = host.module("preflight_info", addresses=list(addresses), **options)
    assert (answer.get("changed"), answer.get("operations")) == (False, []), answer
    facts: dict[str, Any] = answer["facts"]
    return facts


def device(facts: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [one for one in facts["interfaces"] if one["name"] == name]
    return found


def test_devices_addresses_and_gateways(make_segment: Callable[[int], Segment]) -> None:
    segment = make_segment(2)
    host = segment.host(1)
    host.ip("addr add 192.0.2.30/32 dev lo")
    host.ip("route add default via 192.0.2.254")
    host.ip("route add default via 2001:db8::fe dev eth0")
    facts = look(host, check=True)
    own = device(facts, "eth0")
    assert (own["mac"], own["up"]) == (segment.mac(1), True)
    assert {"192.0.2.1/24", "2001:db8::1/64"} <= set(own["addresses"])
    assert "192.0.2.30/32" in device(facts, "lo")["addresses"]
    assert device(facts, "lo")["mac"] == ""
    assert facts["gateways"] == [
        {"address": "192.0.2.254", "interface": "eth0"},
        {"address": "2001:db8::fe", "interface": "eth0"},
    ]
    host.ip("link set eth0 down")
    facts = look(host)
    assert (device(facts, "eth0")["up"], facts["gateways"]) == (False, [])


def test_who_answers(make_segment: Callable[[int], Segment]) -> None:
    segment = make_segment(4)
    for number in (2, 3):
        segment.host(number).ip("addr add 192.0.2.30/32 dev lo")
    facts = look(segment.host(1), "192.0.2.2", "192.0.2.99", "192.0.2.30", "2001:db8::4", "2001:db8::99", "203.0.113.1")
    assert {address: set(macs) for address, macs in facts["owners"].items()} == {
        "192.0.2.2": {segment.mac(2)},
        "192.0.2.99": set(),
        "192.0.2.30": {segment.mac(2), segment.mac(3)},
        "2001:db8::4": {segment.mac(4)},
        "2001:db8::99": set(),
    }
    assert facts["unasked"] == {"203.0.113.1": "it is on no segment of this host"}
    assert look(segment.host(1), "203.0.113.1", interface="eth0")["owners"] == {"203.0.113.1": []}


def test_a_device_that_is_not_there_ends_nothing(make_segment: Callable[[int], Segment]) -> None:
    host = make_segment(1).host(1)
    facts = look(host, "203.0.113.1", interface="eth7")
    reason = host.without_fallbacks(facts["unasked"]["203.0.113.1"])
    assert reason == "interface: 'eth7' does not exist on this host, which has eth0, lo; name one of these."


def test_sysctls_in_effect(make_segment: Callable[[int], Segment]) -> None:
    host = make_segment(1).host(1)
    off = device(look(host), "eth0")
    assert (off["proxy_arp"], off["arp_filter"]) == (False, False)
    host.sysctl("ipv4/conf/eth0/proxy_arp", 1)
    host.sysctl("ipv4/conf/all/arp_filter", 1)
    host.sysctl("ipv4/conf/eth0/forwarding", 1)
    facts = look(host)
    on, lo = device(facts, "eth0"), device(facts, "lo")
    assert (on["proxy_arp"], on["arp_filter"], on["forwarding"]) == (True, True, True)
    assert (lo["proxy_arp"], lo["arp_filter"]) == (False, True)


def test_a_proxy_answers_for_others(make_segment: Callable[[int], Segment]) -> None:
    segment = make_segment(2)
    proxy = segment.host(2)
    proxy.ip("link add far9 type veth peer name far8")
    proxy.ip("link set far9 up")
    proxy.ip("link set far8 up")
    proxy.ip("route add 192.0.2.77/32 dev far9")
    for name in ("proxy_arp", "forwarding"):
        proxy.sysctl(f"ipv4/conf/eth0/{name}", 1)
    proxy.sysctl("ipv4/neigh/eth0/proxy_delay", 0)
    assert look(segment.host(1), "192.0.2.77")["owners"] == {"192.0.2.77": [segment.mac(2)]}


def test_bad_address_is_refused(namespace: Namespace) -> None:
    answer = namespace.module("preflight_info", addresses=["192.0.2.0/24"])
    assert answer["msg"] == (
        "addresses: '192.0.2.0/24' is not an IP address; write one such as 192.0.2.30 or 2001:db8::30, without a prefix length."
    )
