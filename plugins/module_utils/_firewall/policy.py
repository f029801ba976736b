# SPDX-License-Identifier: GPL-3.0-or-later
"""An owner's openings in firewalld: policies of its own, running and permanent.

One is from the zones that clients come by (see `zones`) to this host; the other, from anywhere to anywhere, is for
answers that this host passes on. A policy, unlike rules in zones, is its owner's alone. With a priority above 0 it
comes after the zones' own rules, and before what a zone does with all other packets. firewalld learns of a new policy,
and forgets one, only when it is reloaded; what a policy holds can be changed as it runs (firewalld.policies(5)).
What the host sends itself firewalld lets out, unless a policy of its user's says otherwise, so that needs none.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Union

from .._core.errors import InvalidValue
from .._core.owner import DEFAULT_OWNER, owner_and_name
from .._core.plan import Plan
from .._core.ports import EVERY_PORT
from .._core.protocols import PROTOCOLS, TRANSPORTS, target_words
from .options import IN, THROUGH, WantedFirewall
from .packets import Packet, errors, reply, request
from .spans import overlap
from .standing import entries, warnings
from .zones import ANY, Closed, Governed, Zones, govern

_ABOUT = ("short", "description", "version")  # for people
_NUMBERS = {str(number): name for name, number in PROTOCOLS.items()}
# firewalld's own limit, since a policy's name becomes part of chains' names (max_policy_name_len).
_OURS, _LONGEST = "lvs-", 17
# The name of a cluster and that of the role are too long for that together, so that a checksum stands for both.
_OF_CLUSTER, _DIGITS = "lvs_", 9
# By direction: the zones that the packets go to, and what ends the policy's name; no owner's name has an underscore.
_LAST, _DEFAULT = 32767, -1  # the last priority: after all rules of zones and of other policies
_EGRESS = {IN: "HOST", THROUGH: "ANY"}
_ENDS = {IN: "", THROUGH: "_via"}
_RULE = re.compile(
    r'rule family="ipv[46]"( source address="(?P<source>[^"]+)")?( destination address="(?P<destination>[^"]+)")? '
    r'((?P<end>(source-)?port) port="(?P<port>\d+(-\d+)?)" protocol="(?P<transport>\w+)"'
    r'|protocol value="(?P<protocol>\w+)"|icmp-type name="(?P<error>[a-z-]+)") accept'
)


_CLOSING = re.compile(r'rule priority="-1" (?P<rest>.* )(?P<action>drop|reject)')


def fixed(direction: str, zones: Sequence[str] = (ANY,)) -> dict[str, Any]:
    """Return a policy's settings, but for its rules, in the words of firewalld.dbus(5); others are as by default.

    `zones` are those that clients come by; answers come by any.
    """
    ingress = sorted(zones) if direction == IN else [ANY]
    return {"ingress_zones": ingress, "egress_zones": [_EGRESS[direction]], "target": "CONTINUE", "priority": _LAST}


class Policies(NamedTuple):
    """What firewalld has under one name, in what runs and in its files; None when there is no such policy."""

    running: Mapping[str, Any] | None = None
    permanent: Mapping[str, Any] | None = None


class MakePolicy(NamedTuple):
    """Make the policy in firewalld's files."""

    policy: str
    rules: tuple[str, ...]
    settings: Mapping[str, Any]

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


def policy_names(owner: str) -> dict[str, str]:
    """Return the names of an owner's policies, by the direction of what they open; none without an owner."""
    if not owner:
        return {}
    cluster = owner_and_name(owner)[0] != DEFAULT_OWNER
    checksum = hashlib.sha256(owner.encode()).hexdigest()[:_DIGITS]
    stem = f"{_OF_CLUSTER}{checksum}" if cluster else f"{_OURS}{owner}"
    return {direction: f"{stem}{end}" for direction, end in _ENDS.items()}


def rich_rule(packet: Packet) -> str:
    """Return what lets a packet in as firewalld itself writes it."""
    ends = ((packet.source, "source"), (packet.destination, "destination"))
    words = ["rule", f'family="{"ipv6" if packet.ipv6 else "ipv4"}"']
    words += [f'{end} address="{address}"' for address, end in ends if address]
    if packet.error:
        words.append(f'icmp-type name="{packet.error}"')
    elif (port := packet.ports) and port != EVERY_PORT:
        words.append(f'{"port" if packet.dport else "source-port"} port="{port}" protocol="{packet.protocol}"')
    else:
        # The host's own names for what is in tunnels are many, so they go by number.
        number = str(PROTOCOLS[packet.protocol])
        words.append(f'protocol value="{packet.protocol if packet.protocol in TRANSPORTS else number}"')
    return " ".join([*words, "accept"])


def closings(rule: str, closed: Sequence[Closed]) -> list[str]:
    """Return what keeps a rich rule from opening to sources that stay closed; it comes before all that accept."""
    found = _RULE.fullmatch(rule)
    closing = []
    for one in closed if found else ():
        own = found["source"] if found else None
        if one.ipv6 not in (None, '"ipv6"' in rule) or (one.kind == "address" and own and not overlap(own, one.source)):
            continue
        rest = rule.partition('" ')[2].removesuffix("accept")
        if own:
            rest = rest.partition('" ')[2]
        name = f'source {one.kind}="{one.source}" '
        closing.append(f'rule priority="-1" {rule.split()[1]} {name}{rest}{one.action}')
    return closing


def plan_policies(
    there: Mapping[str, Policies], wanted: WantedFirewall, zones: Zones | None = None
) -> Plan[PolicyOperation]:
    """Return the way to policies that open what is wanted and nothing else, or to none when there is nothing.

    Policies of the owner's former name go. `there` is what firewalld has, by the policies' names, and `zones` what it
    has besides. Raises InvalidValue for a name that firewalld would not take.
    """
    governed = govern(zones, wanted.openings) if zones else Governed(wanted.openings)
    packets: dict[str, list[Packet]] = {
        IN: [request(one) for one in governed.openings if one.direction == IN and governed.zones],
        THROUGH: [reply(one) for one in governed.openings if one.direction == THROUGH],
    }
    packets[IN] += errors(governed.openings) if wanted.untracked and governed.zones else ()
    # What the administrator decides about does not stay open either.
    standing = {rich_rule(request(one)) for one in wanted.openings if one not in governed.openings}
    before: dict[str, list[str]] = {}
    after: dict[str, list[str]] = {}
    operations: list[PolicyOperation] = []
    former: set[str] = set()
    former_names = policy_names(wanted.former_name)
    for direction, policy in policy_names(wanted.name).items():
        rules = {rich_rule(packet) for packet in packets[direction]}
        policies = there.get(policy, Policies())
        if not wanted.purge:
            both = (*policies, *there.get(former_names.get(direction, ""), ()))
            known = {rule for one in both if one for rule in one.get("rich_rules", ()) if _RULE.fullmatch(rule)}
            known = known - standing if governed.zones or direction == THROUGH else set()
            former.update(map(_words, known - rules))
            rules |= known
        if direction == IN:
            rules |= {closing for rule in rules for closing in closings(rule, governed.closed)}
        plan = _plan_policy(policies, policy, tuple(sorted(rules)), fixed(direction, governed.zones))
        before.update(plan.before)
        after.update(plan.after)
        operations += plan.operations
    for direction, policy in former_names.items():
        plan = _plan_policy(there.get(policy, Policies()), policy, (), fixed(direction))
        before.update(plan.before)
        operations += plan.operations
    results = {"former": sorted(former), "left_to_administrator": entries(governed.told)}
    told = tuple(warnings(governed.told))
    return Plan({"openings": before}, {"openings": after}, _one_reload(operations), results, told)


def _one_reload(operations: Sequence[PolicyOperation]) -> tuple[PolicyOperation, ...]:
    """Return the steps with one reload, which brings to run all that is permanent, at the end."""
    if Reload() not in operations:
        return tuple(operations)
    return (*(one for one in operations if one != Reload() and getattr(one, "permanent", True)), Reload())


def _plan_policy(
    policies: Policies, policy: str, rules: tuple[str, ...], frame: Mapping[str, Any]
) -> Plan[PolicyOperation]:
    if rules and len(policy) > _LONGEST:
        owner = policy[len(_OURS) :].partition("_")[0]
        rule = f"makes a policy's name of more than the {_LONGEST} letters that firewalld takes"
        remedy = f"use at most {_LONGEST - len(policy) + len(owner)} letters where firewalld runs"
        raise InvalidValue("name", owner, rule, remedy)
    wanted = {**frame, "rich_rules": list(rules)} if rules else None
    running, permanent = (None if one is None else _settings(one) for one in policies)
    operations: list[PolicyOperation] = []
    if permanent != wanted:
        if permanent and wanted and _frame(permanent) == _frame(wanted):
            operations.append(OpenPolicy(policy, rules, permanent=True))
        else:
            operations += [DropPolicy(policy)] if permanent is not None else []
            operations += [MakePolicy(policy, rules, frame)] if wanted else []
    if running != wanted:
        same = running and wanted and _frame(running) == _frame(wanted)
        operations.append(OpenPolicy(policy, rules, permanent=False) if same else Reload())
    before, after = _shown(policy, running, permanent, frame), _shown(policy, wanted, wanted, frame)
    return Plan(before, after, tuple(operations))


def _settings(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings so that two of one meaning are equal: no defaults, lists in order."""
    frame = fixed(IN)
    settings = {
        key: sorted(value) if isinstance(value, list) else value
        for key, value in given.items()
        if key not in _ABOUT and (value or key in frame)
    }
    return {"priority": _DEFAULT, **settings, "rich_rules": sorted(settings.get("rich_rules", ()))}


def _frame(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in settings.items() if key != "rich_rules"}


def _shown(
    policy: str, running: Mapping[str, Any] | None, permanent: Mapping[str, Any] | None, frame: Mapping[str, Any]
) -> dict[str, list[str]]:
    shown = {f"firewalld policy {policy}": running, f"firewalld policy {policy}, permanent": permanent}
    return {where: _contents(settings, frame) for where, settings in shown.items() if settings is not None}


def _contents(settings: Mapping[str, Any], frame: Mapping[str, Any]) -> list[str]:
    others = [f"{key}: {value}" for key, value in settings.items() if key != "rich_rules" and frame.get(key) != value]
    return [*(_words(rule) for rule in settings["rich_rules"]), *others]


def _told(rules: Sequence[str]) -> str:
    return ", ".join(_words(rule) for rule in rules)


def _words(rule: str) -> str:
    closing = _CLOSING.fullmatch(rule)
    if closing:
        return f"{closing['action']} {_words('rule ' + closing['rest'] + 'accept')}"
    found = _RULE.fullmatch(rule)
    if not found:
        return rule
    protocol = found["transport"] or _NUMBERS.get(found["protocol"], found["protocol"])
    ports = [found["port"]] if found["port"] else []
    if found["error"]:
        return f"{found['error']} to {found['destination']}"
    if found["end"] == "source-port" or not found["destination"]:
        receiver = f" to {found['destination']}" if found["destination"] else ""
        return f"replies of {target_words(found['source'], protocol, ports)}{receiver}"
    return target_words(found["destination"], protocol, ports, found["source"] or "")
