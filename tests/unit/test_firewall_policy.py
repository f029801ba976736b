# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan for firewalld: one policy of an owner's, from whatever it is to what is wanted, in as few reloads as can be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._errors import InvalidValue
from ansible_collections.lvs.cluster.plugins.module_utils._firewall_policy import (
    FIXED,
    DropPolicy,
    MakePolicy,
    OpenPolicy,
    Policies,
    PolicyOperation,
    Reload,
    plan_policy,
    policy_name,
    rich_rule,
)
from ansible_collections.lvs.cluster.plugins.module_utils._firewall_wanted import Opening
from hypothesis import given
from hypothesis import strategies as st

WEB, WEB6 = Opening("192.0.2.30", "tcp", 80), Opening("2001:db8::30", "tcp", 80)
UDP, ALL = Opening("192.0.2.30", "udp", 53), Opening("192.0.2.31", "sctp")
NAME = policy_name("director")


def settings(*openings: Opening, **others: Any) -> dict[str, Any]:
    """Return a policy as firewalld tells it: with what is for people, with what is nothing, in an order of its own."""
    rules = [rich_rule(opening) for opening in reversed(openings)]
    return {"short": "", "masquerade": False, "services": [], **FIXED, "rich_rules": rules, **others}


def test_rules_as_firewalld_writes_them() -> None:
    assert rich_rule(WEB) == 'rule family="ipv4" destination address="192.0.2.30" port port="80" protocol="tcp" accept'
    assert rich_rule(ALL) == 'rule family="ipv4" destination address="192.0.2.31" protocol value="sctp" accept'
    assert rich_rule(WEB6).startswith('rule family="ipv6" destination address="2001:db8::30" port')


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
        pytest.param(Policies(settings(WEB, WEB6, ingress_zones=["public"]), settings(WEB, WEB6)), [WEB, WEB6],
                     ["reload firewalld"], id="zones were changed as it runs"),
        pytest.param(Policies(None, {}), [], ["remove firewalld policy lvs-director"],
                     id="the file of one that does not run"),
    ],
)  # fmt: skip
def test_plan(policies: Policies, openings: list[Opening], words: list[str]) -> None:
    assert plan_policy(policies, NAME, openings).words == words


def test_what_is_shown() -> None:
    plan = plan_policy(Policies(settings(WEB, ports=["81/tcp"]), None), NAME, [ALL])
    assert plan.before == {"openings": {"firewalld policy lvs-director": ["tcp 192.0.2.30:80", "ports: ['81/tcp']"]}}
    assert plan.after == {
        "openings": {
            "firewalld policy lvs-director": ["sctp 192.0.2.31:*"],
            "firewalld policy lvs-director, permanent": ["sctp 192.0.2.31:*"],
        }
    }


def test_a_name_that_firewalld_does_not_take_is_refused_only_where_it_is_needed() -> None:
    with pytest.raises(InvalidValue) as caught:
        plan_policy(Policies(), policy_name("director-of-many"), [WEB])
    assert str(caught.value) == (
        "name: 'director-of-many' makes a policy's name of more than the 17 letters that firewalld takes; "
        "use at most 13 letters where firewalld runs."
    )
    assert plan_policy(Policies(), policy_name("director-of-many"), []).words == []


def carried_out(policies: Policies, operations: tuple[PolicyOperation, ...]) -> Policies:
    """Return what firewalld makes of the steps."""
    running, permanent = policies
    for step in operations:
        if isinstance(step, MakePolicy):
            assert permanent is None
            permanent = {**FIXED, "rich_rules": list(step.rules)}
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
    plan = plan_policy(policies, NAME, openings)
    after = carried_out(policies, plan.operations)
    again = plan_policy(after, NAME, openings)
    assert again.operations == ()
    assert again.before == plan.after
    wanted = sorted(rich_rule(opening) for opening in openings)
    for one in after:
        assert (sorted(one["rich_rules"]) if one else []) == wanted
    # A policy that is not its owner's frame is never left half as it was.
    assert not openings or all(one and FIXED.items() <= one.items() for one in after)
