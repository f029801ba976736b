# SPDX-License-Identifier: GPL-3.0-or-later
"""One run on the packet filter: read, decide, apply, and again when another program came between; without Ansible."""

from __future__ import annotations

from functools import partial
from typing import Any, Callable

from .._core.errors import KernelRefusal, LibraryMissing, NotPermitted, PrerequisiteMissing
from .._core.files import read_bytes
from .._core.plan import Plan
from .._core.run import ConcurrentChange, apply_settled
from .._nftables.operations import NftOperation
from .._nftables.owned import OwnedRules
from .._nftables.ruleset import Ruleset
from .client import NftClient
from .firewalld import FirewalldClient, FirewalldFiles
from .options import FAIL, LEAVE, WantedFirewall
from .plan import firewalld_tables
from .policy import plan_policies, policy_names
from .rename import plan_rules

_ATTEMPTS = 3
# Which tables the old iptables has (net/netfilter/x_tables.c); those of iptables-nft are not in it.
_LEGACY = {"iptables-legacy": "/proc/net/ip_tables_names", "ip6tables-legacy": "/proc/net/ip6_tables_names"}


class FirewallRun:
    """What an owner wants of the packet filter, in nftables and in firewalld."""

    def __init__(self, wanted: WantedFirewall) -> None:
        self._wanted, self._nft = wanted, _client(wanted)
        ruleset = self._nft.read()
        running = FirewalldClient.find(bool(firewalld_tables(ruleset)))
        if wanted.present and wanted.backend == "firewalld" and not running:
            rule, remedy = "is not possible: firewalld does not run on this host", "start it, or write backend: auto"
            raise PrerequisiteMissing("backend", wanted.backend, rule, remedy, "firewalld runs")
        self._carrier = carrier(wanted, running is not None)
        self._firewalld = running or FirewalldFiles()
        # One that was stopped has its openings when it is started again.
        stopped = running is None and wanted.backend == "auto" and wanted.openings
        self._policy: Plan[Any] = Plan({"openings": {}}, {"openings": {}})
        if not stopped:
            names = [name for label in (wanted.name, wanted.former_name) for name in policy_names(label).values()]
            there = {name: self._firewalld.read(name) for name in names}
            carries = self._carrier == "firewalld"
            other = wanted if carries else wanted._replace(openings=(), purge=True)
            zones = self._firewalld.zones(names) if carries and wanted.openings else None
            self._policy = plan_policies(there, other, zones)
        self._decide = partial(plan_rules, wanted=wanted, carrier=self._carrier)
        self.plan = self._whole(self._decide(ruleset))

    def apply(self) -> None:
        """Apply the plan; raise LvsError."""
        self._firewalld.apply(self._policy.operations)
        self.plan = self._whole(_apply_rules(self._nft, self._decide, self._decide(self._nft.read())))

    def _whole(self, rules: Plan[NftOperation]) -> Plan[Any]:
        """Return the plan for firewalld and the one for nftables as one."""
        before, after = (
            {**rule, "openings": {**policy["openings"], **rule["openings"]}}
            for policy, rule in ((self._policy.before, rules.before), (self._policy.after, rules.after))
        )
        former = {*self._policy.results.get("former", ()), *rules.results["former"]}
        warnings = _legacy_warnings() if self._wanted.openings and self._carrier != "none" else []
        left = [*self._policy.results.get("left_to_administrator", ()), *rules.results["left_to_administrator"]]
        return Plan(
            before,
            after,
            (*self._policy.operations, *rules.operations),
            results={
                "backend": self._carrier,
                **after,
                "former": sorted(former),
                "left_to_administrator": left,
            },
            warnings=(*self._policy.warnings, *rules.warnings, *warnings),
        )


def _client(wanted: WantedFirewall) -> NftClient | OwnedRules:
    """Return a client; to take all away needs no library."""
    try:
        return NftClient()
    except LibraryMissing:
        if wanted.present:
            raise
        return OwnedRules()


def carrier(wanted: WantedFirewall, firewalld: bool) -> str:
    """Return what is to hold the openings where a firewalld runs or not."""
    if wanted.backend == "auto":
        return "firewalld" if firewalld else "nftables"
    return wanted.backend


class RulesRun:
    """The rules of one owner in nftables alone, as they are restored at boot.

    firewalld keeps its openings itself; it runs if its tables exist, so that it is not asked.
    """

    def __init__(self, wanted: WantedFirewall) -> None:
        # A rule that cannot be evaluated was told when this was declared, and keeps nothing else from being restored.
        leave = wanted.undecided == FAIL
        self._nft, self._wanted = NftClient(), wanted._replace(undecided=LEAVE) if leave else wanted
        self.plan = self._decide(self._nft.read())

    def _decide(self, ruleset: Ruleset) -> Plan[NftOperation]:
        return plan_rules(ruleset, self._wanted, carrier(self._wanted, bool(firewalld_tables(ruleset))))

    def apply(self) -> None:
        """Apply the plan; raise LvsError."""
        self.plan = _apply_rules(self._nft, self._decide, self.plan)


def _apply_rules(
    nft: NftClient | OwnedRules, decide: Callable[[Ruleset], Plan[NftOperation]], plan: Plan[NftOperation]
) -> Plan[NftOperation]:
    """Apply the plan, and return it or the one that replaced it: handles change when rules are loaded again."""

    def apply(plan: Plan[NftOperation]) -> None:
        try:
            nft.apply(plan.operations)
        except NotPermitted:
            raise
        except KernelRefusal as refusal:
            if decide(nft.read()).operations == plan.operations:
                raise
            raise ConcurrentChange(str(refusal)) from refusal

    try:
        return apply_settled(plan, apply, lambda _change: decide(nft.read()), _ATTEMPTS)
    except ConcurrentChange as change:
        raise change.__cause__ or change from None


def _legacy_warnings() -> list[str]:
    return [
        f"{command} has a filter on this host, which nftables does not show: if it drops packets to the VIPs, "
        f"move it to iptables-nft, or open them with {command} itself."
        for command, path in _LEGACY.items()
        if b"filter" in (read_bytes(path) or b"").split()
    ]
