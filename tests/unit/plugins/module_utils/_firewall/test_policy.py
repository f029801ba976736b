# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan for firewalld: one policy of an owner's, from whatever it is to what is wanted, in as few reloads as can be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import InvalidValue
from ansible_collections.lvs.cluster.plugins.module_utils._core.plan import Plan
from ansible_collections.lvs.cluster.plugins.module_utils._firewall.options import Opening, WantedFirewall
from ansible_collections.lvs.cluster.plugins.module_utils._firewall.packets import reply, request
from ansible_collections.lvs.cluster.plugins.module_utils._firewall.policy import (
    DropPolicy,
    MakePolicy,
    OpenPolicy,
    Policies,
    PolicyOperation,
    Reload,
    fixed,
    plan_policies,
    policy_names,
    rich_rule,
)
from ansible_collections.lvs.cluster.plugins.module_utils._firewall.zones import Zone, Zones
from hypothesis import given
from hypothesis import strategies as st

WEB, WEB6 = Opening("192.0.2.30", "tcp", 80), Opening("2001:db8::30", "tcp", 80)
UDP, ALL = Opening("192.0.2.30", "udp", 53), Opening("192.0.2.31", "sctp")
OUTER, GUE = Opening("192.0.2.4", "ipip", 0, "192.0.2.3"), Opening("192.0.2.4", "udp", 6080, "192.0.2.3")
NAT, NAT_ALL = Opening("192.0.2.4", "tcp", 8080, "", "through"), Opening("2001:db8::4", "udp", 0, "", "through")
NAME, VIA = policy_names("director").values()
FIXED = fixed("in")
PUBLIC = Zones("public", (Zone("public", {}, ("eth0",)),))


def settings(*openings: Opening, **others: Any) -> dict[str, Any]:
    """Return a policy as firewalld tells it: with what is for people, with what is nothing, in an order of its own."""
    rules = [rich_rule(request(opening)) for opening in reversed(openings)]
    return {"short": "", "masquerade": False, "services": [], **FIXED, "rich_rules": rules, **others}


def planned(policies: Policies, openings: list[Opening], **others: Any) -> Plan[PolicyOperation]:
    """Return the plan where the policy for what comes to the host is this one, and there is no other."""
    return plan_policies({NAME: policies}, WantedFirewall("director", tuple(openings), **others), PUBLIC)


@pytest.mark.parametrize(
    ("opening", "rule"),
    [
        (WEB, 'rule family="ipv4" destination address="192.0.2.30" port port="80" protocol="tcp" accept'),
        (ALL, 'rule family="ipv4" destination address="192.0.2.31" protocol value="sctp" accept'),
        (WEB6, 'rule family="ipv6" destination address="2001:db8::30" port port="80" protocol="tcp" accept'),
        (OUTER, 'rule family="ipv4" source address="192.0.2.3" destination address="192.0.2.4" protocol value="4" accept'),
        (GUE, 'rule family="ipv4" source address="192.0.2.3" destination address="192.0.2.4" port port="6080" protocol="udp" accept'),
        (NAT, 'rule family="ipv4" source address="192.0.2.4" source-port port="8080" protocol="tcp" accept'),
        (NAT_ALL, 'rule family="ipv6" source address="2001:db8::4" protocol value="udp" accept'),
    ],
)  # fmt: skip
def test_rules_as_firewalld_writes_them(opening: Opening, rule: str) -> None:
    packet = reply(opening) if opening.direction == "through" else request(opening)
    assert rich_rule(packet) == rule
    (step, _reload) = plan_policies({}, WantedFirewall("director", (opening,)), PUBLIC).operations
    assert isinstance(step, MakePolicy)
    assert step.words.endswith(f"open to {'replies of ' if opening in (NAT, NAT_ALL) else ''}{opening.words}")


def test_what_comes_and_what_passes_are_policies_of_one_reload() -> None:
    sent = Opening("192.0.2.5", "ipip", 0, "", "out")
    plan = plan_policies({}, WantedFirewall("director", (WEB, NAT, sent), untracked=True), PUBLIC)
    assert plan.words == [
        "make firewalld policy lvs-director, open to destination-unreachable to 192.0.2.30, tcp 192.0.2.30:80",
        "make firewalld policy lvs-director_via, open to replies of tcp 192.0.2.4:8080",
        "reload firewalld",
    ]
    made = [step.settings["egress_zones"] for step in plan.operations if isinstance(step, MakePolicy)]
    assert made == [["HOST"], ["ANY"]]
    there = {NAME: THERE, VIA: Policies({**fixed("through"), "rich_rules": []}, {**fixed("through"), "rich_rules": []})}
    words = plan_policies(there, WantedFirewall("director", (WEB, WEB6)), PUBLIC).words
    assert words == ["remove firewalld policy lvs-director_via", "reload firewalld"]


def test_without_purge_what_was_opened_stays_and_what_hands_did_does_not() -> None:
    assert planned(THERE, [WEB], purge=False).words == []
    words = planned(THERE, [UDP], purge=False).words
    assert words[0].endswith("to udp 192.0.2.30:53, tcp 192.0.2.30:80, tcp [2001:db8::30]:80")
    by_hand = Policies(settings(WEB, WEB6, ports=["81/tcp"]), settings(WEB, WEB6))
    assert planned(by_hand, [WEB], purge=False).words == ["reload firewalld"]


HALF = Policies(None, settings(WEB, WEB6))
THERE = Policies(settings(WEB, WEB6), settings(WEB6, WEB))
OTHER = "firewalld policy lvs-director to tcp 192.0.2.30:80, tcp [2001:db8::30]:80"


@pytest.mark.parametrize(
    ("policies", "openings", "words"),
    [
        pytest.param(Policies(), [], [], id="nothing"),
        pytest.param(THERE, [WEB6, WEB], [], id="there"),
        pytest.param(Policies(), [WEB, WEB6], [
            "make firewalld policy lvs-director, open to tcp 192.0.2.30:80, tcp [2001:db8::30]:80", "reload firewalld",
        ], id="new"),
        pytest.param(HALF, [WEB, WEB6], ["reload firewalld"], id="written, and never loaded"),
        pytest.param(THERE, [], ["remove firewalld policy lvs-director", "reload firewalld"], id="gone"),
        pytest.param(Policies(settings(WEB), None), [], ["reload firewalld"], id="removed, and still loaded"),
        pytest.param(Policies(settings(WEB), settings(UDP)), [WEB, WEB6],
                     [f"open permanent {OTHER}", f"open running {OTHER}"], id="other openings need no reload"),
        pytest.param(Policies(settings(WEB, WEB6), settings(WEB, WEB6, services=["ssh"])), [WEB, WEB6], [
            "remove firewalld policy lvs-director",
            "make firewalld policy lvs-director, open to tcp 192.0.2.30:80, tcp [2001:db8::30]:80",
        ], id="a service was added to its file"),
        pytest.param(Policies(settings(WEB, WEB6, ingress_zones=["internal"]), settings(WEB, WEB6)), [WEB, WEB6],
                     ["reload firewalld"], id="zones were changed as it runs"),
        pytest.param(Policies(None, {}), [], ["remove firewalld policy lvs-director"],
                     id="the file of one that does not run"),
    ],
)  # fmt: skip
def test_plan(policies: Policies, openings: list[Opening], words: list[str]) -> None:
    assert planned(policies, openings).words == words


def test_what_is_shown() -> None:
    plan = planned(Policies(settings(WEB, ports=["81/tcp"]), None), [ALL])
    assert plan.before == {"openings": {"firewalld policy lvs-director": ["tcp 192.0.2.30:80", "ports: ['81/tcp']"]}}
    assert plan.after == {
        "openings": {
            "firewalld policy lvs-director": ["sctp 192.0.2.31:*"],
            "firewalld policy lvs-director, permanent": ["sctp 192.0.2.31:*"],
        }
    }


def test_a_name_that_firewalld_does_not_take_is_refused_only_where_it_is_needed(error_words: Any) -> None:
    with pytest.raises(InvalidValue) as caught:
        plan_policies({}, WantedFirewall("director-of-many", (WEB,)), PUBLIC)
    assert error_words(caught.value) == ("name", "director-of-many")
    with pytest.raises(InvalidValue) as caught:
        plan_policies({}, WantedFirewall("director-one", (WEB, NAT)), PUBLIC)
    assert error_words(caught.value) == ("name", "director-one")
    assert plan_policies({}, WantedFirewall("director-one", (WEB,)), PUBLIC).words
    assert plan_policies({}, WantedFirewall("director-of-many"), PUBLIC).words == []


def carried_out(policies: Policies, operations: tuple[PolicyOperation, ...]) -> Policies:
    """Return what firewalld makes of the steps."""
    running, permanent = policies
    for step in operations:
        if isinstance(step, MakePolicy):
            assert permanent is None
            permanent = {**step.settings, "rich_rules": list(step.rules)}
        elif isinstance(step, DropPolicy):
            assert permanent is not None
            permanent = None
        elif isinstance(step, OpenPolicy):
            there = permanent if step.permanent else running
            assert there is not None
            changed = {**there, "rich_rules": list(step.rules)}
            running, permanent = (running, changed) if step.permanent else (changed, permanent)
        else:
            assert isinstance(step, Reload)
            running = permanent
    return Policies(running, permanent)


_openings = st.lists(st.sampled_from([WEB, WEB6, UDP, ALL]), unique=True)
_others = st.sampled_from([{}, {}, {"services": ["ssh"]}, {"target": "ACCEPT"}, {"egress_zones": ["ANY"]}])
_policy: st.SearchStrategy[Mapping[str, Any] | None] = st.one_of(
    st.none(), st.builds(lambda openings, others: settings(*openings, **others), _openings, _others)
)


@given(st.builds(Policies, _policy, _policy), _openings)
def test_any_policy_any_wish(policies: Policies, openings: list[Opening]) -> None:
    plan = planned(policies, openings)
    after = carried_out(policies, plan.operations)
    again = planned(after, openings)
    assert again.operations == ()
    assert again.before == plan.after
    wanted = sorted(rich_rule(request(opening)) for opening in openings)
    for one in after:
        assert (sorted(one["rich_rules"]) if one else []) == wanted
    # A policy that is not its owner's frame is never left half as it was.
    assert not openings or all(one and FIXED.items() <= one.items() for one in after)
