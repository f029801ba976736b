# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a service that say which packets it takes, from whom, and at which ports its servers are proved."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.lvs.cluster.plugins.module_utils._core.address import version
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import InvalidValue
from ansible_collections.lvs.cluster.plugins.module_utils._core.ports import PortRange, parse_ports
from ansible_collections.lvs.cluster.plugins.module_utils._core.protocols import TRANSPORTS

from .finding import of_error
from .values import Notes, several

TCP = "tcp"
# Without a mark each port of a range is an IPVS service of its own, with all servers; each port that proves is probed.
MOST_PORTS, MOST_PROVED = 256, 64


class Traffic(NamedTuple):
    """The values of these options, as Service has them."""

    ports: tuple[PortRange, ...]
    protocols: tuple[str, ...]
    prove_ports: tuple[int, ...] | None
    sources: tuple[str, ...]


def read_traffic(notes: Notes, where: str, item: Mapping[str, Any], vips: Sequence[str]) -> Traffic:
    """Return the options of one item of lvs_services, which `where` names; note their mistakes."""
    before = len(notes.found)
    protocols = _protocols(notes, f"{where}.protocol", item.get("protocol", TCP))
    ports = _ports(notes, f"{where}.ports", item.get("ports"))
    ranges = [one for one in ports if one.first != one.last]
    size = sum(len(one.numbers) for one in ranges)
    if item.get("fwmark") is None and size > MOST_PORTS:
        rule = f"has {size} ports, and without a fwmark each is an IPVS service of its own; {MOST_PORTS} are allowed"
        remedy = "give the service a fwmark, which makes it one IPVS service, or shorten the range"
        notes.note("", f"{where}.ports", _words(ranges), rule, remedy)
    proved = None
    if item.get("prove_ports") is not None:
        proved = _ports(notes, f"{where}.prove_ports", item["prove_ports"])
        if len(notes.found) == before:
            _check_proved(notes, f"{where}.prove_ports", proved, ports, protocols)
    return Traffic(
        ports,
        protocols,
        None if proved is None else tuple(number for one in proved for number in one.numbers[:MOST_PROVED]),
        _sources(notes, f"{where}.sources", item.get("sources"), vips),
    )


def _words(ports: Iterable[PortRange]) -> str:
    return ", ".join(map(str, ports))


def _protocols(notes: Notes, subject: str, value: Any) -> tuple[str, ...]:
    """Return the protocols in one order, whatever order they are written in."""
    given, read = several(value), list[str]()
    if not given:
        notes.note("", subject, None, "is empty", f"choose from {', '.join(TRANSPORTS)}")
    for name in given:
        protocol = notes.choice("", subject, name, TRANSPORTS)
        if protocol == name and name in read:
            notes.note("", subject, name, "is listed twice", "keep one")
        read.append(protocol)
    return tuple(protocol for protocol in TRANSPORTS if protocol in read) or (TCP,)


def _ports(notes: Notes, subject: str, value: Any) -> tuple[PortRange, ...]:
    read: list[PortRange] = []
    for given in () if value is None else notes.kind("", subject, value, "list") or ():
        try:
            ports = parse_ports(subject, given)
        except InvalidValue as error:
            notes.add([of_error("", error)])
            continue
        other = next((one for one in read if one.overlaps(ports)), None)
        if other == ports:
            notes.note("", subject, ports, "is listed twice", "keep one")
        elif other:
            notes.note("", subject, ports, f"has ports of {other} too", "list each port once")
        else:
            read.append(ports)
    return tuple(read)


def _check_proved(
    notes: Notes, subject: str, proved: Sequence[PortRange], ports: Sequence[PortRange], protocols: Sequence[str]
) -> None:
    if proved and TCP not in protocols:
        rule = f"cannot prove a server, since a probe connects by TCP, and the protocol is {', '.join(protocols)}"
        notes.note("", subject, _words(proved), rule, "add tcp to protocol, or write prove_ports: []")
    for one in proved if ports else ():
        if not all(any(number in port.numbers for port in ports) for number in one.numbers):
            notes.note("", subject, one, "is not among the service's ports", f"choose from {_words(ports)}")
    size = sum(len(one.numbers) for one in proved)
    if size > MOST_PROVED:
        rule = f"has {size} ports to be probed on each server; {MOST_PROVED} are allowed"
        notes.note("", subject, _words(proved), rule, "name those that show that a server is ready")


def _sources(notes: Notes, subject: str, value: Any, vips: Sequence[str]) -> tuple[str, ...]:
    if value is None:
        return ()
    given, read = notes.kind("", subject, value, "list"), list[str]()
    before = len(notes.found)
    if given == []:
        notes.note("", subject, None, "is empty, so that it admits nobody", "name networks, or leave it out")
    for text in given or ():
        network = _network(notes, subject, text)
        if network in read:
            notes.note("", subject, network, "is listed twice", "keep one")
        elif network:
            read.append(network)
    families = {version(one) for one in read}
    for vip in vips if read and len(notes.found) == before else ():
        if version(vip) not in families:
            rule = f"admit nobody to VIP {vip}, since none is of IPv{version(vip)}"
            everybody = "::/0" if version(vip) == 6 else "0.0.0.0/0"
            remedy = f"add the networks of that family ({everybody} for everybody), or take the VIP out"
            notes.note("", subject, ", ".join(read), rule, remedy)
    return tuple(read)


def _network(notes: Notes, subject: str, text: Any) -> str:
    """Return an address, or a network with its length, in its canonical form; nothing for what is neither."""
    try:
        # ipaddress takes a number for an address.
        network = ipaddress.ip_network(text.strip() if isinstance(text, str) else "", strict=False)
    except ValueError:
        example = "write one such as 192.0.2.0/24, 192.0.2.7 or 2001:db8::/64"
        notes.note("", subject, text, "is neither an address nor a network", example)
        return ""
    if "/" not in text:
        return str(network.network_address)
    if ipaddress.ip_interface(text.strip()).ip != network.network_address:
        notes.note("", subject, text, "has bits beyond its length", f"write {network}")
    return str(network.network_address) if network.prefixlen == network.max_prefixlen else str(network)
