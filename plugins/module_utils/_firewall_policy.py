# SPDX-License-Identifier: GPL-3.0-or-later
"""An owner's openings in firewalld: one policy of its own, from anywhere to this host, running and permanent.

A policy, unlike rules in zones, opens the VIPs whichever zone a client's packets come in through, and is its owner's
alone. With a priority below 0, as by default, it comes before the zones' own rules. firewalld learns of a new policy,
and forgets one, only when it is reloaded; what a policy holds can be changed as it runs (firewalld.policies(5)).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Union

from ._errors import InvalidValue
from ._firewall_wanted import Opening
from ._plan import Plan

# The policy's settings in the words of firewalld.dbus(5); those that are not here are firewalld's defaults.
FIXED: Mapping[str, Any] = {"ingress_zones": ["ANY"], "egress_zones": ["HOST"], "target": "CONTINUE", "priority": -1}
_ABOUT = ("short", "description", "version")  # for people
# firewalld's own limit, since a policy's name becomes part of chains' names (max_policy_name_len).
_OURS, _LONGEST = "lvs-", 17
_RULE = re.compile(
    r'rule family="ipv[46]" destination address="(?P<address>[^"]+)" '
    r'(port port="(?P<port>\d+)" protocol|protocol value)="(?P<protocol>\w+)" accept'
)


class Policies(NamedTuple):
    """What firewalld has under one name, in what runs and in its files; None when there is no such policy."""

    running: Mapping[str, Any] | None = None
    permanent: Mapping[str, Any] | None = None


class MakePolicy(NamedTuple):
    """Make the policy in firewalld's files."""

    policy: str
    rules: tuple[str, ...]

    @property
    def words(self) -> str:
        """The step for people."""
        return f"make firewalld policy {self.policy}, open to {_told(self.rules)}"


class DropPolicy(NamedTuple):
    """Remove the policy from firewalld's files."""

    policy: str

    @property
    def words(self) -> str:
        """The step for people."""
        return f"remove firewalld policy {self.policy}"


class OpenPolicy(NamedTuple):
    """Give the policy these rules, in firewalld's files (`permanent`) or as it runs."""

    policy: str
    rules: tuple[str, ...]
    permanent: bool

    @property
    def words(self) -> str:
        """The step for people."""
        kind = "permanent" if self.permanent else "running"
        return f"open {kind} firewalld policy {self.policy} to {_told(self.rules)}"


class Reload(NamedTuple):
    """Have firewalld read its files anew."""

    words: str = "reload firewalld"


PolicyOperation = Union[MakePolicy, DropPolicy, OpenPolicy, Reload]


def policy_name(owner: str) -> str:
    """Return the name of an owner's policy."""
    return f"{_OURS}{owner}"


def rich_rule(opening: Opening) -> str:
    """Return the opening as firewalld itself writes it."""
    family = "ipv6" if opening.ipv6 else "ipv4"
    what = f'port port="{opening.port}" protocol' if opening.port else "protocol value"
    return f'rule family="{family}" destination address="{opening.address}" {what}="{opening.protocol}" accept'


def plan_policy(policies: Policies, policy: str, openings: Sequence[Opening]) -> Plan[PolicyOperation]:
    """Return the way to a policy that opens these and nothing else, or to none when there are none.

    Raises InvalidValue for a name that firewalld would not take.
    """
    if openings and len(policy) > _LONGEST:
        rule = f"makes a policy's name of more than the {_LONGEST} letters that firewalld takes"
        remedy = f"use at most {_LONGEST - len(_OURS)} letters where firewalld runs"
        raise InvalidValue("name", policy[len(_OURS) :], rule, remedy)
    rules = tuple(sorted(rich_rule(opening) for opening in openings))
    wanted = {**FIXED, "rich_rules": list(rules)} if rules else None
    running, permanent = (None if one is None else _settings(one) for one in policies)
    operations: list[PolicyOperation] = []
    if permanent != wanted:
        if permanent and wanted and _frame(permanent) == _frame(wanted):
            operations.append(OpenPolicy(policy, rules, permanent=True))
        else:
            operations += [DropPolicy(policy)] if permanent is not None else []
            operations += [MakePolicy(policy, rules)] if wanted else []
    if running != wanted:
        same = running and wanted and _frame(running) == _frame(wanted)
        operations.append(OpenPolicy(policy, rules, permanent=False) if same else Reload())
    before, after = _shown(policy, running, permanent), _shown(policy, wanted, wanted)
    return Plan({"openings": before}, {"openings": after}, tuple(operations))


def _settings(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings so that two of one meaning are equal: no defaults, lists in order."""
    settings = {
        key: sorted(value) if isinstance(value, list) else value
        for key, value in given.items()
        if key not in _ABOUT and (value or key in FIXED)
    }
    return {"priority": FIXED["priority"], **settings, "rich_rules": sorted(settings.get("rich_rules", ()))}


def _frame(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in settings.items() if key != "rich_rules"}


def _shown(policy: str, running: Mapping[str, Any] | None, permanent: Mapping[str, Any] | None) -> dict[str, list[str]]:
    shown = {f"firewalld policy {policy}": running, f"firewalld policy {policy}, permanent": permanent}
    return {where: _contents(settings) for where, settings in shown.items() if settings is not None}


def _contents(settings: Mapping[str, Any]) -> list[str]:
    others = [f"{key}: {value}" for key, value in settings.items() if key != "rich_rules" and FIXED.get(key) != value]
    return [*(_words(rule) for rule in settings["rich_rules"]), *others]


def _told(rules: Sequence[str]) -> str:
    return ", ".join(_words(rule) for rule in rules)


def _words(rule: str) -> str:
    found = _RULE.fullmatch(rule)
    if not found:
        return rule
    return Opening(found["address"], found["protocol"], int(found["port"] or 0)).words
