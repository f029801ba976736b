# SPDX-License-Identifier: GPL-3.0-or-later
"""From the addresses that are to the VIPs that are wanted: which steps, in which order.

Which scope, and why (seen on kernel 6.18; inet_select_addr in net/ipv4/devinet.c): an IPv4 address must not become the
source of the host's own traffic. For a device that has no address of its own for a route, the kernel takes the first
address of scope global it meets, beginning with lo: a VIP on lo (or dummy) is therefore of scope host, which is never
taken. A device that does ARP keeps scope global: addresses of a narrower scope are listed before the others, so that
ifconfig and Ansible's facts would call the VIP the device's main address, while a /32 of scope global that was added
later than the host's own address is not chosen for a destination on the segment or behind its gateway.
An IPv6 VIP is deprecated (preferred lifetime 0), which every choice of a source avoids while another address is there
(RFC 6724, rule 3); without that a new /128 on the outgoing device was chosen at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .._core.errors import InvalidValue
from .._core.plan import Plan
from .._core.vips import Vip
from .._rtnetlink.model import FALLBACKS, Link
from .model import CurrentVips, Held, secondaries
from .operations import (
    AddAddress,
    AddLink,
    Announce,
    LowerLink,
    RaiseLink,
    RemoveAddress,
    RemoveLink,
    SettleAddress,
    VipOperation,
    simulate,
)
from .options import VipSpec

__all__ = ["VipSpec", "plan_devices", "plan_vips"]

DEFAULT_ANNOUNCEMENTS = 3


def plan_vips(current: CurrentVips, wanted: VipSpec) -> Plan[VipOperation]:
    """Return the way from what a host has to the VIPs that are wanted of it, and to nothing else.

    `current` holds every device and address of the host. Raises InvalidValue for what this host can't do.
    """
    return _Planner(current, wanted).plan()


def plan_devices(
    current: CurrentVips,
    devices: Sequence[VipSpec],
    decide: Callable[[CurrentVips, VipSpec], Plan[VipOperation]] = plan_vips,
) -> Plan[VipOperation]:
    """Return the way to the VIPs of several devices, each planned upon what those before it leave."""
    plans = []
    for wanted in devices:
        plan = decide(current, wanted)
        for operation in plan.operations:
            current = simulate(current, operation)
        plans.append(plan)
    return Plan(
        {"devices": [plan.before for plan in plans]},
        {"devices": [plan.after for plan in plans]},
        tuple(operation for plan in plans for operation in plan.operations),
        {"devices": [plan.results for plan in plans]},
        tuple(warning for plan in plans for warning in plan.warnings),
    )


class _Planner:
    """Decides step by step; each step is simulated at once, so that the next one sees what it leaves."""

    def __init__(self, current: CurrentVips, wanted: VipSpec) -> None:
        self.before = current
        self.now = current
        self.wanted = wanted
        self.operations: list[VipOperation] = []
        self.warnings: list[str] = []

    def plan(self) -> Plan[VipOperation]:
        """Return the whole plan."""
        self._check_kind()
        if self.wanted.present:
            self._present()
        else:
            self._absent()
        after = self._shown(self.now)
        results = {"interface": self.wanted.interface, "addresses": after["addresses"]}
        return Plan(self._shown(self.before), after, tuple(self.operations), results, tuple(self.warnings))

    def _do(self, operation: VipOperation) -> None:
        self.operations.append(operation)
        self.now = simulate(self.now, operation)

    def _check_kind(self) -> None:
        link, kind = self.before.links.get(self.wanted.interface), self.wanted.kind
        if link and kind and link.kind != kind:
            what = link.kind or "physical or loopback"
            raise InvalidValue(
                "kind",
                kind,
                f"is not what {link.name} is (it exists, {what})",
                "leave kind out, or name a new interface",
            )

    def _present(self) -> None:
        wanted = self.wanted
        link = self._link()
        self._check_link(link)
        # One that duplicate address detection has switched off did not answer until now, so it is new.
        new = tuple(vip.address for vip in wanted.vips if not any(held.usable for held in self._matches(vip)))
        for vip in wanted.vips:
            (self._settle_ipv6 if vip.ipv6 else self._settle_ipv4)(vip, link)
            self._look_elsewhere(vip)
        count = wanted.announce if wanted.announce is not None else DEFAULT_ANNOUNCEMENTS if link.arp else 0
        if not link.up:
            self.warnings.append(
                f"{link.name} is down: its VIPs are not reachable and not announced until it is brought up "
                f"(ip link set {link.name} up)."
            )
        elif new and count:
            self._do(Announce(link.name, new, count, wanted.announce_interval))

    def _absent(self) -> None:
        wanted = self.wanted
        for vip in wanted.vips:
            for held in self._matches(vip):
                if not vip.written or held.prefix == vip.prefix:
                    self._remove(held)
        link = self.now.links.get(wanted.interface)
        rest = [held.cidr for held in self.now.on(wanted.interface) if not (held.ipv6 and held.scope == "link")]
        if link and wanted.kind and not rest:
            if FALLBACKS.get(link.name) != link.kind:
                self._do(RemoveLink(link.name, link.kind))
            elif link.up:
                self._do(LowerLink(link.name))

    def _link(self) -> Link:
        name, kind = self.wanted.interface, self.wanted.kind
        if name not in self.now.links:
            if not kind:
                existing = ", ".join(sorted(self.now.links)) or "none at all"
                raise InvalidValue(
                    "interface",
                    name,
                    f"does not exist on this host, which has {existing}",
                    "name one of these, or add kind: dummy to create it",
                )
            self._do(AddLink(name, kind))
        if kind and not self.now.links[name].up:
            self._do(RaiseLink(name))
        return self.now.links[name]

    def _check_link(self, link: Link) -> None:
        if self.wanted.announce and not link.arp:
            raise InvalidValue(
                "announce", self.wanted.announce, f"can't be done on {link.name}, which does no ARP", "leave it out"
            )
        if link.arp and not self.wanted.allow_arp:
            raise InvalidValue(
                "interface",
                link.name,
                f"does ARP, so that this host would answer for {', '.join(vip.address for vip in self.wanted.vips)}",
                "name a device that does not, such as lo or dummy0",
            )
        for vip in self.wanted.vips:
            if link.loopback and not vip.single:
                # On lo a shorter prefix makes every address of its network local: the host would lose its segment.
                text, only = f"{vip.address}/{vip.prefix}", 128 if vip.ipv6 else 32
                raise InvalidValue(
                    "addresses",
                    text,
                    f"would make its whole network local on {link.name}",
                    f"write {vip.address}/{only}",
                )

    def _matches(self, vip: Vip) -> list[Held]:
        return [held for held in self.now.on(self.wanted.interface) if held.address == vip.address]

    def _settle_ipv4(self, vip: Vip, link: Link) -> None:
        matches = self._matches(vip)
        same = next((held for held in matches if held.prefix == vip.prefix and not held.peer), None)
        old = same or (matches[0] if matches else None)
        wanted = Held(
            link.name,
            vip.address,
            vip.prefix,
            self.wanted.scope or (old.scope if old else self._scope(vip, link)),
            self.wanted.label or (old.label if old else "") or link.name,
        )
        if same and (same.scope, same.label) != (wanted.scope, wanted.label):
            self._remove(same)
            same = None
        if same is None:
            self._check_scope(wanted)
            self._do(AddAddress(wanted))
        # The wrong ones go last, so that the VIP is there all the time.
        for held in matches:
            if held.prefix != vip.prefix or held.peer:
                self._remove(held)

    def _settle_ipv6(self, vip: Vip, link: Link) -> None:
        held = next(iter(self._matches(vip)), None)
        wanted = Held(link.name, vip.address, vip.prefix, deprecated=True, noprefixroute=vip.single)
        if held and (held.prefix != vip.prefix or not held.usable):
            self._remove(held)
            held = None
        if held is None:
            self._do(AddAddress(wanted))
        elif not held.deprecated or held.noprefixroute != wanted.noprefixroute:
            self._do(SettleAddress(held._replace(deprecated=True, noprefixroute=wanted.noprefixroute)))

    def _scope(self, vip: Vip, link: Link) -> str:
        if not vip.single:
            # All addresses of one network on one device have one scope, or the kernel says EINVAL (inet_insert_ifa).
            probe = Held(link.name, vip.address, vip.prefix)
            return next((one.scope for one in self.now.held if one.shares_network(probe)), "global")
        return "global" if link.arp else "host"

    def _check_scope(self, wanted: Held) -> None:
        for one in self.now.held:
            if one.shares_network(wanted) and one.scope != wanted.scope:
                raise InvalidValue(
                    "scope",
                    wanted.scope,
                    f"differs from that of {one.cidr} on {one.interface} ({one.scope}), which is in the same network",
                    f"write {wanted.address}/32, or scope: {one.scope}",
                )

    def _remove(self, held: Held) -> None:
        keep = tuple(one.cidr for one in secondaries(self.now, held))
        self._do(RemoveAddress(held, keep, bool(keep) and not self.now.links[held.interface].promotes))

    def _look_elsewhere(self, vip: Vip) -> None:
        for held in self.now.held:
            if held.address == vip.address and held.interface != self.wanted.interface:
                self.warnings.append(
                    f"{vip.address} is on {held.interface} too; if that is not meant, remove it there "
                    f"(interface: {held.interface}, state: absent)."
                )

    def _shown(self, current: CurrentVips) -> dict[str, Any]:
        link = current.links.get(self.wanted.interface)
        device = {"name": link.name, "kind": link.kind, "up": link.up} if link else None
        vips = [
            {"address": held.cidr, "scope": held.scope, "label": held.label, "deprecated": held.deprecated}
            for vip in self.wanted.vips
            for held in current.on(self.wanted.interface)
            if held.address == vip.address
        ]
        return {"device": device, "addresses": vips}
