# SPDX-License-Identifier: GPL-3.0-or-later
"""What the matches of a rule (libnftables-json(5)) say about packets of which only some things are known.

The packets of an opening have one end in common, the target, and one end that is free: the clients.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._core.ports import EVERY_PORT, PortRange
from .._core.protocols import TRANSPORTS
from .._nftables.ruleset import NUMBERS, ChainKey, Ruleset, header_field
from .held import (
    CLIENTS,
    DEVICE,
    FLAGS,
    NEVER,
    OTHER,
    STATE,
    TARGET,
    UNKNOWN,
    Held,
    all_of,
    any_of,
    negated,
    perhaps,
    surely,
)
from .packets import Packet
from .spans import Spans, every_address, merge, network
from .values import TCP_FLAGS, covers, element, flag_bits, same, span_of

_DEVICES = ("iif", "iifname", "oif", "oifname", "iifgroup", "oifgroup", "iiftype", "oiftype", "iifkind", "oifkind")
# Those whose headers a rule can look into; a packet of another one has none of that.
_PROTOCOLS = (*TRANSPORTS, "th", "icmp", "icmpv6", "gre", "esp", "ah", "comp", "udplite", "dccp", "arp")
# Expressions that cannot tell an address or a port of the packet itself.
_FREE = ("rt", "fib", "osf", "socket", "ipsec", "exthdr", "ip option", "tcp option", "sctp chunk", "dccp option")
_NUMBERS_MADE = ("numgen", "jhash", "symhash")


def free_side(packet: Packet) -> str:
    """Return the field of the end that is not a single address."""
    return "daddr" if not packet.destination or "/" in packet.destination else "saddr"


def clients(packet: Packet) -> Spans:
    """Return the addresses of the free end."""
    known = packet.destination if free_side(packet) == "daddr" else packet.source
    return (network(known),) if known else every_address(packet.ipv6)


class Matcher:
    """Tells for which of the packets that `packet` stands for the matches of rules in one table hold.

    All ports of `packet` have to be alike to the rules; see `atoms`. `marked` says whether a rule elsewhere marks some
    of the packets.
    """

    def __init__(self, ruleset: Ruleset, packet: Packet, marked: bool = False) -> None:
        self._ruleset, self._packet, self._marked = ruleset, packet, marked
        self._side, self._clients = free_side(packet), clients(packet)
        self._everybody = self._clients == every_address(packet.ipv6)

    def match(self, key: ChainKey, match: Mapping[str, Any]) -> Held:
        """Return for which packets a match of a rule in the chain `key` holds."""
        return self.compare(key, match["left"], match["op"], match["right"])

    def compare(self, key: ChainKey, left: Any, operator: str, right: Any) -> Held:
        """Return for which packets a comparison holds."""
        if operator not in ("==", "in", "!="):
            return self._unread(left)
        if left == header_field("tcp", "flags") and operator != "in":
            left = {"&": [left, 255]}  # a comparison of all flags
        values, named, steady = self._values(key, right)
        if isinstance(left, dict) and "concat" in left:
            held = self._joined(left["concat"], values, named, steady)
        else:
            held = self._contains(left, values, named, steady)
        return negated(held, self._clients) if operator == "!=" else held

    def _values(self, key: ChainKey, right: Any) -> tuple[Sequence[Any], bool, bool]:
        """Return the right side as a list, whether it is a named set, and whether that stays as it is."""
        if isinstance(right, str) and right.startswith("@"):
            place = key._replace(name=right[1:])
            return self._ruleset.sets.get(place, ()), True, place not in self._ruleset.dynamic
        if isinstance(right, dict) and right.keys() & {"set", "|"}:
            found = right.get("set", right.get("|"))
            if isinstance(found, str):
                return self._values(key, found)
            return (found if isinstance(found, list) else [found]), False, True
        return (right if isinstance(right, list) else [right]), False, True

    def _joined(self, parts: Sequence[Any], values: Sequence[Any], named: bool, steady: bool) -> Held:
        """Return for which packets several fields together are in a set; the values are of as many parts."""
        found: list[Held] = []
        for value in values:
            entry = element(value)
            fields = entry.get("concat") if isinstance(entry, dict) else None
            if not isinstance(fields, list) or len(fields) != len(parts):
                return self._unread({"concat": list(parts)})
            both = all_of(self._contains(part, [one], False, True) for part, one in zip(parts, fields))
            if not both.never:
                found.append(both)
        if not steady or (named and any(CLIENTS in one.about for one in found)):
            # What the set lists now is not what it lists later.
            where = [one.where for one in found]
            listed = merge(span for spans in where if spans for span in spans)
            now = None if not steady or None in where or self._everybody else listed
            return self._unread({"concat": list(parts)})._replace(listed=now) if found or not steady else NEVER
        return any_of(found)

    def _contains(self, left: Any, values: Sequence[Any], named: bool, steady: bool) -> Held:
        kind, about = next(iter(left.items())) if isinstance(left, dict) and left else ("", None)
        if kind == "&" and isinstance(about, list) and about and about[0] == header_field("tcp", "flags"):
            return self._flags(about[1:], values)
        if not isinstance(about, dict) or about.keys() & {"offset"}:
            return self._unread(left)
        if kind == "payload":
            return self._field(about.get("protocol", ""), about.get("field", ""), values, named, steady)
        known = self._known(kind, about)
        if known is None:
            return self._unread(left)
        if known == "":  # a device: any but lo, which no client's packets come in through
            only = [value for value in map(element, values) if value != "lo"]
            return perhaps(DEVICE) if only or not steady else NEVER
        value, tags = known
        if not steady:
            return perhaps(OTHER)
        return surely(*tags) if any(same(one, value) for one in map(element, values)) else NEVER

    def _known(self, kind: str, about: Mapping[str, Any]) -> Any:
        """Return what the packets have there, and what that is about; "" for a device, None when it is not known."""
        packet, name = self._packet, about.get("key")
        if kind == "meta" and name in _DEVICES:
            return ""
        if kind == "meta":
            return {
                "l4proto": (NUMBERS[packet.protocol], self._protocol_tags()),
                "nfproto": ("ipv6" if packet.ipv6 else "ipv4", ()),
                "protocol": ("ip6" if packet.ipv6 else "ip", ()),
                "pkttype": ("host", ()),
            }.get(str(name))
        if kind == "ct" and name == "state":
            return packet.state, (STATE,)
        if kind == "fib" and about.get("result") == "type" and about.get("flags") in (["daddr"], "daddr"):
            return ("local", ()) if packet.arrives else None
        return None

    def _protocol_tags(self) -> tuple[str, ...]:
        return () if self._packet.protocol in TRANSPORTS or self._packet.error else (TARGET,)

    def _field(self, protocol: str, field: str, values: Sequence[Any], named: bool, steady: bool) -> Held:
        packet = self._packet
        if protocol in ("ip", "ip6"):
            if (protocol == "ip6") != packet.ipv6:
                return NEVER
            if field in ("protocol", "nexthdr"):
                known = any(same(element(value), NUMBERS[packet.protocol]) for value in values)
                return surely(*self._protocol_tags()) if known else NEVER
            if field not in ("saddr", "daddr"):
                return perhaps(OTHER)
            if field == self._side:
                return self._free_end(values, named, steady)
            if not steady:
                return perhaps(TARGET)
            address = network(packet.source if field == "saddr" else packet.destination)[0]
            return surely(TARGET) if any(covers(value, address, address) for value in values) else NEVER
        if protocol == packet.protocol or (protocol == "th" and packet.protocol in TRANSPORTS):
            if field == "flags":
                return self._flags([], values)
            ports = {"sport": packet.sport, "dport": packet.dport}.get(field)
            if ports:
                return self._port(ports, values, steady)
            if field == "type" and packet.error:
                return surely(TARGET) if any(element(value) == packet.error for value in values) else NEVER
            return perhaps(OTHER)
        return NEVER if protocol in _PROTOCOLS else perhaps(UNKNOWN)

    def _free_end(self, values: Sequence[Any], named: bool, steady: bool) -> Held:
        first, last = self._clients[0]
        if named:
            # It lists other clients later; only one that has them all is relied on.
            sure = steady and not self._everybody and any(covers(value, first, last) for value in values)
            if sure:
                return surely(CLIENTS)
            return perhaps(CLIENTS)._replace(listed=self._listed(values) if steady else None)
        spans = [span_of(value) for value in values]
        if None in spans:
            return perhaps(CLIENTS, UNKNOWN)
        where = merge(span for span in spans if span)
        return Held(where, True, frozenset() if where == every_address(self._packet.ipv6) else frozenset([CLIENTS]))

    def _listed(self, values: Sequence[Any]) -> Spans | None:
        """Return the clients of a named set; None when it is for everybody to be in it."""
        if self._everybody:
            return None
        return merge(span for span in map(span_of, values) if span)

    def _port(self, ports: PortRange, values: Sequence[Any], steady: bool) -> Held:
        if not steady:
            return perhaps(TARGET)
        found = [value for value in values if covers(value, ports.first, ports.last)]
        if not found:
            return NEVER
        return surely() if any(covers(one, *EVERY_PORT) for one in found) else surely(TARGET)

    def _flags(self, masks: Sequence[Any], values: Sequence[Any]) -> Held:
        """Return whether flags, of which a mask may take some, are one of the values."""
        if self._packet.protocol != "tcp":
            return NEVER
        wanted = [flag_bits(element(value)) for value in values]
        mask = flag_bits(masks[0]) if masks else 255
        if not self._packet.flag or mask is None or None in wanted:
            return perhaps(FLAGS)
        own = TCP_FLAGS[self._packet.flag]
        # Without a mask it asks whether one of the flags is set.
        held = any(own & mask == one if masks else own & int(one or 0) for one in wanted)
        return surely() if held else NEVER

    def _unread(self, left: Any) -> Held:
        """Return what a match is about of which the values say nothing."""
        return perhaps(*self._subjects(left))

    def _subjects(self, left: Any) -> set[str]:
        if isinstance(left, list):
            return {about for one in left for about in self._subjects(one)}
        if not isinstance(left, dict) or not left:
            return set()
        found: set[str] = set()
        for kind, about in left.items():
            if kind in ("concat", "&", "|", "^", "<<", ">>"):
                found |= self._subjects(about)
            elif kind == "payload":
                found |= self._payload_subjects(about)
            elif kind == "meta":
                marks = about.get("key") == "mark" and self._marked
                found.add(DEVICE if about.get("key") in _DEVICES else TARGET if marks else OTHER)
            elif kind == "ct":
                found |= self._tracking_subjects(str(about.get("key")))
            else:
                found.add(OTHER if kind in _FREE or kind in _NUMBERS_MADE else UNKNOWN)
        return found

    def _payload_subjects(self, about: Mapping[str, Any]) -> set[str]:
        field = about.get("field")
        if field in ("saddr", "daddr"):
            return {CLIENTS if field == self._side else TARGET}
        if field in ("sport", "dport"):
            return {TARGET if getattr(self._packet, field) else OTHER}
        return {FLAGS} if field == "flags" else {OTHER} if field else {UNKNOWN}

    def _tracking_subjects(self, key: str) -> set[str]:
        if key == "mark":
            return {TARGET if self._marked else OTHER}
        if key.endswith(("saddr", "daddr")):
            return {CLIENTS if key.endswith(self._side) else TARGET}
        return {TARGET} if key in ("proto-dst", "proto-src") else {STATE} if key == "state" else {OTHER}
