# SPDX-License-Identifier: GPL-3.0-or-later
"""Zones and rich rules of firewalld: what is opened to whom, and what the administrator decides."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._firewall.options import Opening, WantedFirewall
from ansible_collections.lvs.cluster.plugins.module_utils._firewall.policy import (
    MakePolicy,
    Policies,
    plan_policies,
)
from ansible_collections.lvs.cluster.plugins.module_utils._firewall.zones import Zone, Zones, govern

WEB, WEB6 = Opening("192.0.2.30", "tcp", 80), Opening("2001:db8::30", "tcp", 80)
RANGE = Opening("192.0.2.30", "tcp", 80, "", "in", 90)
INSIDE, OUTSIDE = (WEB._replace(source=source) for source in ("198.51.100.0/28", "203.0.113.0/24"))
SOURCE, TO, PORT = (
    'rule family="ipv4" source address="198.51.100.0/24" ',
    'destination address="192.0.2.30" ',
    'port port="80" protocol="tcp" ',
)
SERVICES = {"http": [("80", "tcp")], "both": [("53", "udp"), ("79-85", "tcp")], "gre": [("", "gre")]}


def active(*zones: Zone, default: str = "public", policies: tuple[Zone, ...] = (), **others: Any) -> Zones:
    return Zones(default, zones, policies, SERVICES, **others)


def public(*rules: str, **others: Any) -> Zone:
    return Zone("public", {"rules_str": list(rules), **others}, ("eth0",))


@pytest.mark.parametrize(
    ("opening", "rule", "kept", "told"),
    [
        # Some clients are accepted at the port: the others are not.
        (WEB, f"{SOURCE}{PORT}accept", False, False),
        (WEB, f'{SOURCE}service name="http" accept', False, False),
        (WEB, f'{SOURCE}service name="both" accept', False, False),
        (WEB, f"{SOURCE}{TO}accept", False, False),
        (WEB, f'{SOURCE}{TO}protocol value="tcp" log prefix="x" limit value="1/m" accept', False, False),
        (WEB, 'rule service name="http" accept limit value="1/m"', False, False),
        (WEB, f'rule source mac="52:54:00:00:00:03" {PORT}accept', False, False),
        (WEB, f'rule family="ipv4" source NOT address="198.51.100.0/24" {PORT}accept', False, False),
        # Those that are declared are accepted already, or are others.
        (INSIDE, f"{SOURCE}{PORT}accept", True, None),
        (OUTSIDE, f"{SOURCE}{PORT}accept", True, None),
        # All are accepted, or it is about something else.
        (WEB, f"rule {PORT}accept", True, None),
        (WEB, f'rule {PORT}log limit value="1/m" accept', True, None),
        (WEB, f"{SOURCE}accept", True, None),
        (WEB, f'{SOURCE}port port="81-90" protocol="tcp" accept', True, None),
        (WEB, f'{SOURCE}port port="80" protocol="udp" accept', True, None),
        (WEB, f'{SOURCE}destination address="192.0.2.31" {PORT}accept', True, None),
        (WEB, f'{SOURCE}destination NOT address="192.0.2.30" {PORT}accept', True, None),
        (WEB6, f"{SOURCE}{PORT}accept", True, None),
        (WEB, f'{SOURCE}icmp-type name="echo-request" accept', True, None),
        (WEB, f"{SOURCE}{PORT}mark set=1", True, None),
        # All are refused, or some of them.
        (WEB, f"rule {PORT}drop", False, False),
        (WEB, f'rule family="ipv4" {TO}reject', False, False),
        (INSIDE, f"{SOURCE}drop", False, False),
        (WEB, f"{SOURCE}{PORT}reject", True, True),
        (WEB, f"{SOURCE}drop", True, None),
        (RANGE, f"rule {PORT}drop", True, True),
        (OUTSIDE, f"{SOURCE}{PORT}drop", True, None),
    ],
)  # fmt: skip
def test_rich_rules(opening: Opening, rule: str, kept: bool, told: bool | None) -> None:
    found = govern(active(public(rule)), [opening])
    assert found.openings == ((opening,) if kept else ())
    assert [one.meaning == "some" for one in found.told] == ([] if told is None else [told])
    in_policy = Zone("mine", {"ingress_zones": ["ANY"], "egress_zones": ["HOST"], "rich_rules": [rule]}, kind="policy")
    assert govern(active(public(), policies=(in_policy,)), [opening])[:3] == found[:3]
    elsewhere = in_policy._replace(settings={**in_policy.settings, "egress_zones": ["dmz"]})
    assert govern(active(public(), policies=(elsewhere,)), [opening]).told == ()


def test_a_policy_that_drops_everything_stands() -> None:
    settings = {"ingress_zones": ["public"], "egress_zones": ["HOST"], "target": "DROP"}
    zones = active(public(), policies=(Zone("mine", settings, kind="policy"),))
    (told,) = govern(zones, [WEB]).told
    assert (told.chain, told.meaning) == ("firewalld policy mine", "refuses")


DROP, BLOCK = {"target": "DROP"}, {"target": "%%REJECT%%"}


@pytest.mark.parametrize(
    ("zones", "default", "named", "closed", "told"),
    [
        pytest.param((public(),), "public", ("ANY",), 0, 0, id="one zone"),
        pytest.param((public(**DROP),), "public", ("ANY",), 0, 0, id="the default zone drops"),
        pytest.param((Zone("drop", DROP, ("eth0",)),), "drop", ("ANY",), 0, 0, id="drop is the default zone"),
        pytest.param((public(), Zone("drop", DROP, (), ("198.51.100.0/24",))), "public", ("ANY",), 1, 1, id="a network"),
        pytest.param((public(), Zone("drop", DROP, ("eth1",))), "public", ("public",), 0, 1, id="a device"),
        pytest.param((public(), Zone("block", BLOCK, ("eth1",), ("198.51.100.0/24",)), Zone("internal", {}, (), ("203.0.113.0/24",))),
                     "public", ("internal", "public"), 1, 1, id="both"),
        pytest.param((public(), Zone("trusted", {"target": "ACCEPT"}, ("eth1",))), "public", ("ANY",), 0, 0, id="trusted"),
    ],
)  # fmt: skip
def test_zones(zones: tuple[Zone, ...], default: str, named: tuple[str, ...], closed: int, told: int) -> None:
    found = govern(active(*zones, default=default), [WEB])
    assert (found.zones, len(found.closed), len(found.told)) == (named, closed, told)
    assert found.openings == (WEB,)


def test_a_default_zone_without_a_device_has_no_policy_of_its_own() -> None:
    """firewalld takes packets to a policy by devices and sources that were assigned to a zone."""
    found = govern(active(Zone("public", {}), Zone("drop", DROP, ("eth0",))), [WEB])
    assert (found.openings, found.zones) == ((), ())
    assert [one.meaning for one in found.told] == ["no place"]


def test_closed_sources_stay_closed_in_the_policy() -> None:
    drop = Zone(
        "drop", DROP, (), ("198.51.100.0/24", "ipset:bad", "ipset:bad6", "52:54:00:00:00:03", "2001:db8:1::/64")
    )
    zones = active(public(), drop, ipv6_sets=("bad6",))
    plan = plan_policies({}, WantedFirewall("director", (WEB, INSIDE, OUTSIDE, WEB6)), zones)
    made = plan.operations[0]
    assert isinstance(made, MakePolicy)
    closing = [rule for rule in made.rules if not rule.endswith("accept")]
    assert f'rule priority="-1" {SOURCE[5:]}{TO}{PORT}drop' in closing
    assert f'rule priority="-1" family="ipv4" source ipset="bad" {TO}{PORT}drop' in closing
    assert f'rule priority="-1" family="ipv4" source mac="52:54:00:00:00:03" {TO}{PORT}drop' in closing
    assert [rule for rule in closing if '"ipv6"' in rule and "bad6" not in rule and "mac" not in rule] == [
        'rule priority="-1" family="ipv6" source address="2001:db8:1::/64" destination address="2001:db8::30" '
        'port port="80" protocol="tcp" drop'
    ]
    assert not any("203.0.113.0" in rule and "drop" in rule for rule in closing)
    # All clients that are declared are of a closed network.
    assert [one["opening"] for one in plan.results["left_to_administrator"] if not one["opened"]] == [INSIDE.words]
    settings = {**made.settings, "rich_rules": list(made.rules)}
    fewer = plan_policies(
        {"lvs-director": Policies(settings, settings)}, WantedFirewall("director", (WEB,), purge=False), zones
    )
    assert WEB6.words in fewer.results["former"]
    assert any(
        "drop tcp 192.0.2.30:80 from 198.51.100.0/24" in line
        for line in fewer.after["openings"]["firewalld policy lvs-director"]
    )
