# SPDX-License-Identifier: GPL-3.0-or-later
"""The packets that an opening is for: which of them meet a hook, and what connection tracking takes them for.

Where IPVS is among the filters is in ip_vs_ops4 and ip_vs_ops6 of net/netfilter/ipvs/ip_vs_core.c: at the input hook it
takes clients' packets at NF_IP_PRI_NAT_SRC - 1, after the filters; what it sends to servers goes through the output
hook (ip_vs_send_or_cont, ip_vs_nat_send_or_cont and ip_vs_tunnel_xmit in ip_vs_xmit.c); and the answers of a server
that is masqueraded pass the forward hook, still with the server's own address, until IPVS changes that at 100.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from .._core.address import is_ipv6
from .._core.ports import PortRange
from .._core.protocols import TRANSPORTS
from .options import IN, OUT, THROUGH, Opening

_REPLIES_CHANGED = 100  # the priority at which IPVS gives the answers the VIP as their sender
# Errors that a sender has to hear of, or its packets are lost for good; by whether they are of IPv6 (RFC 4890).
_ERRORS = {False: ("icmp", "destination-unreachable"), True: ("icmpv6", "packet-too-big")}


# The flags of a TCP packet that matter here: the first one of a connection has the first of them alone.
SYN, ACK = "syn", "ack"


class Packet(NamedTuple):
    """A packet of anybody: what is not known of it is empty, or None.

    `source` and `destination` are addresses or networks. Ports are those that it may have. `error` is the type of an
    ICMP message, `state` what connection tracking makes of the packet, in the words of `ct state`, `flag` the only one
    of TCP's flags that it has, and `arrives` says that the destination is an address of this host.
    """

    protocol: str
    source: str = ""
    destination: str = ""
    sport: PortRange | None = None
    dport: PortRange | None = None
    error: str = ""
    state: str = "new"
    arrives: bool = False
    flag: str = ""

    @property
    def ipv6(self) -> bool:
        """Whether it is of IPv6."""
        return is_ipv6(self.source or self.destination)

    @property
    def ports(self) -> PortRange | None:
        """The ports of the opening: those of the receiver, or of the sender of answers."""
        return self.dport or self.sport

    def with_ports(self, ports: PortRange | None) -> Packet:
        """Return the same packet with other ports of the opening."""
        return self._replace(dport=ports) if self.dport else self._replace(sport=ports)

    @property
    def misjudged(self) -> bool:
        """Whether connection tracking takes it for what it is not, so that rules about its state are not about it."""
        return self.state == "invalid" or (self.state == "new" and self.flag == ACK)


def request(opening: Opening, state: str = "new") -> Packet:
    """Return the first packet of somebody to an opening."""
    flag = SYN if opening.protocol == "tcp" and state == "new" else ""
    return Packet(
        opening.protocol,
        opening.source,
        opening.address,
        None,
        opening.ports,
        "",
        state,
        opening.direction == IN,
        flag,
    )


def reply(opening: Opening, state: str = "established") -> Packet:
    """Return the answer to it."""
    return Packet(opening.protocol, opening.address, opening.source, opening.ports, None, "", state)


def errors(openings: Iterable[Opening], state: str = "invalid") -> list[Packet]:
    """Return the errors about answers of the VIPs, which routers send to the VIPs."""
    found = []
    for vip in dict.fromkeys(one.address for one in openings if _is_vip(one)):
        protocol, error = _ERRORS[is_ipv6(vip)]
        found.append(Packet(protocol, destination=vip, error=error, state=state, arrives=True))
    return found


def untracked_packets(openings: Sequence[Opening]) -> list[Packet]:
    """Return the packets of connections that connection tracking sees half of, or not the way that they are."""
    requests = [request(one, "untracked") for one in openings if _is_vip(one)]
    replies = [reply(one, "untracked") for one in openings if one.direction == THROUGH]
    return [*requests, *replies, *errors(openings, "untracked")]


def packets_at(hook: str, priority: int, openings: Sequence[Opening], states: Sequence[str]) -> list[list[Packet]]:
    """Return the packets that have to pass a chain; those that one rule lets through are together.

    `states` are those of a client's packets. Without "new" alone connection tracking is not to be relied on.
    """
    if hook == "input":
        coming = [_coming(one, states) for one in openings if one.direction == IN]
        return coming + [[error] for error in (_untold(openings, states))]
    if hook == "output":
        return [packets for one in openings for packets in _leaving(one)] + [
            [error._replace(source=error.destination, destination="", arrives=False)]
            for error in _untold(openings, states)
        ]
    if hook == "forward" and priority <= _REPLIES_CHANGED:
        known = ("established",) if tuple(states) == ("new",) else states
        return [[reply(one, state) for state in known] for one in openings if one.direction == THROUGH]
    return []


def _coming(opening: Opening, states: Sequence[str]) -> list[Packet]:
    packets = [request(opening, state) for state in states]
    # Without its connection confirmed each packet of it is new to connection tracking.
    return packets + [one._replace(flag=ACK) for one in packets if one.flag and "invalid" in states]


def _leaving(opening: Opening) -> list[list[Packet]]:
    if opening.direction == OUT:
        return [[request(opening)]]
    # What IPVS sends on connection tracking does not know (ip_vs_notrack), unless net.ipv4.vs.conntrack is set.
    if opening.direction == THROUGH:
        return [[request(opening, "untracked"), request(opening)]]
    if opening.protocol not in TRANSPORTS:
        return []  # nothing goes back through a tunnel
    return [[request(opening, "untracked")], [reply(opening)]]


def _untold(openings: Sequence[Opening], states: Sequence[str]) -> list[Packet]:
    """Return the errors that connection tracking takes to be about nothing."""
    if tuple(states) == ("new",):
        return []
    return errors(openings, "untracked" if "untracked" in states else "invalid")


def _is_vip(opening: Opening) -> bool:
    return opening.direction == IN and opening.protocol in TRANSPORTS
