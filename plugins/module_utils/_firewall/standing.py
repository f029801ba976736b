# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run says about rules of the administrator that decide about an opening."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from .._core.errors import ErrorGroup, LvsError, NotSupported
from .._nftables.ruleset import describe
from .._nftables.text import rule_text
from .decide import ADMITS, NO_PLACE, NOT_READ, REFUSES, SOME, Standing
from .held import DEVICE, EXCEPT
from .rules import accept_rule

# By what a rule means: the consequence, and for a warning what the rule does and what to do.
_CONSEQUENCES = {
    ADMITS: "The rule accepts some of the packets. No opening is added.",
    REFUSES: "The rule drops the packets. No opening is added.",
    SOME: "The rule drops some of the packets. The opening does not override it.",
    NOT_READ: "The rule cannot be evaluated. No opening is added or removed.",
    NO_PLACE: "Each opening would override the rule. No opening is added.",
}
_WARNINGS = {
    ADMITS: "accepts some of the packets for {openings}. vip_firewall adds no opening there. If other clients have to "
    "connect, change the rule, or list the clients as source.",
    REFUSES: "drops the packets for {openings}. vip_firewall adds no opening there. If clients have to connect, change "
    "the rule.",
    SOME: "drops some of the packets for {openings}. vip_firewall does not override it. If these clients have to "
    "connect, change the rule.",
    NOT_READ: "cannot be evaluated, and may decide about {openings}. vip_firewall adds and removes no opening there. "
    "Accept the packets with a rule of your own, or set undecided to open.",
    NO_PLACE: "would be overridden by each opening for {openings}. vip_firewall adds no opening there. Accept the "
    "packets with a rule of your own behind it.",
}


class Told(NamedTuple):
    """A rule of the administrator in words, the opening that it decides about, and what it means for that.

    `broad` says that it keeps more than listed clients from the opening.
    """

    chain: str
    rule: str
    opening: str
    meaning: str
    broad: bool = False
    error: bool = False

    @classmethod
    def of(cls, standing: Standing) -> Told:
        """Return a rule of nftables in words."""
        event, packet = standing.event, standing.packet
        return cls(
            str(event.places[-1][0]),
            rule_text(event.rule) if event.rule else "policy",
            describe(accept_rule(packet, "")),
            standing.meaning,
            bool(event.about & {DEVICE, EXCEPT}),
            bool(packet.error),
        )


def entries(told: Iterable[Told]) -> list[dict[str, Any]]:
    """Return the rules as the module returns them, in their order."""
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for one in told:
        words = {"chain": one.chain, "rule": one.rule, "opening": one.opening}
        entry = {**words, "opened": one.meaning == SOME, "consequence": _CONSEQUENCES[one.meaning]}
        # For some ports a rule may decide, and for others only about some of the packets.
        if found.setdefault(tuple(words.values()), entry)["opened"]:
            found[tuple(words.values())] = entry
    return list(found.values())


def warnings(told: Iterable[Told]) -> list[str]:
    """Return a sentence for each rule that keeps clients from what was to be opened."""
    found: dict[tuple[str, ...], list[str]] = {}
    for one in told:
        if not one.error and (one.meaning != SOME or one.broad):
            found.setdefault((one.chain, one.rule, one.meaning), []).append(one.opening)
    return [
        f"{chain}: the rule {rule!r} " + _WARNINGS[meaning].format(openings=", ".join(dict.fromkeys(openings)))
        for (chain, rule, meaning), openings in found.items()
    ]


def undecided_error(told: Iterable[Told]) -> LvsError | None:
    """Return the error for rules that cannot be evaluated; None without any."""
    found: dict[tuple[str, ...], list[str]] = {}
    for one in told:
        if one.meaning == NOT_READ:
            found.setdefault((one.chain, one.rule), []).append(one.opening)
    errors = [
        NotSupported(
            f"The rule of {chain}",
            rule,
            f"cannot be evaluated, and may decide about {', '.join(dict.fromkeys(openings))}",
            "write it with expressions that `nft list ruleset` shows, or set undecided to leave (nothing is opened) or "
            "open (the opening follows the rule)",
        )
        for (chain, rule), openings in found.items()
    ]
    return ErrorGroup(errors) if errors else None
