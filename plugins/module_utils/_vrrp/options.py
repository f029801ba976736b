# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of vrrp_instances: parsed, checked and made canonical at the door."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from typing import Any

from .._core.address import parse_host
from .._core.errors import InvalidValue
from .._core.options import choice, given, in_range, parse_interface, parse_list, parse_mappings, switch
from .._core.owner import OWNER_OPTIONS, Owner
from .._core.vips import parse_vip_host
from .model import Gate, Instance, VipPlace, WantedVrrp

_VIP_OPTIONS: dict[str, Any] = {
    "address": {"type": "str", "required": True},
    "interface": {"type": "str"},
}
_INSTANCE_OPTIONS: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "vrid": {"type": "int", "required": True},
    "interface": {"type": "str", "required": True},
    "priority": {"type": "int", "required": True},
    "source_address": {"type": "str", "required": True},
    "peers": {"type": "list", "elements": "str", "default": []},
    "vips": {"type": "list", "elements": "dict", "required": True, "options": _VIP_OPTIONS},
    "advert_interval": {"type": "float", "default": 0.3},
    "garp_refresh": {"type": "int", "default": 10},
    "vmac": {"type": "bool", "default": False},
}
_GATE_OPTIONS: dict[str, Any] = {
    "path": {"type": "path", "required": True},
    "weight": {"type": "int", "default": 1},
}
VRRP_OPTIONS: dict[str, Any] = {
    "instances": {"type": "list", "elements": "dict", "default": [], "options": _INSTANCE_OPTIONS},
    "gate": {"type": "dict", "options": _GATE_OPTIONS},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    **OWNER_OPTIONS,
}
# keepalived gives a meaning of its own to words that begin with one of @ $ ~, and to # ! " { } everywhere.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")
_DEVICE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]*")
_PATH = re.compile(r"/run/[A-Za-z0-9_./-]+")
# Twelve bits of hundredths of a second (RFC 5798, 5.2.7)
_SHORTEST, _LONGEST = 0.01, 40.95


def parse_vrrp(options: Mapping[str, Any]) -> WantedVrrp:
    """Return what the options of vrrp_instances ask for; raise InvalidValue for what breaks a rule."""
    owner = Owner.from_options(options)
    present = choice(options, "state", VRRP_OPTIONS) == "present"
    items = parse_mappings("instances", options.get("instances") or [], "list each with its name, vrid and VIPs")
    instances = tuple(_instance(item) for item in items)
    gate = _gate(options["gate"]) if options.get("gate") else None
    if not present:
        return WantedVrrp(owner=owner.name, formerly=owner.former)
    if not instances:
        remedy = "list at least one, or write state: absent"
        raise InvalidValue("instances", None, "has no entry", remedy)
    _refuse_twice(instances)
    return WantedVrrp(instances, gate, owner.name, owner.former)


def _instance(item: Mapping[str, Any]) -> Instance:
    values = {**_defaults(_INSTANCE_OPTIONS), **given(item)}
    name = str(_required(values, "name"))
    if not _NAME.fullmatch(name):
        rule = "cannot be the name of an instance in keepalived's configuration"
        raise InvalidValue(
            "name", name, rule, "use at most 32 letters, digits, dots, hyphens and underscores, first a letter or digit"
        )
    try:
        return _checked_instance(name, values)
    except InvalidValue as error:
        raise error.of(f"instance {name}") from None


def _checked_instance(name: str, values: Mapping[str, Any]) -> Instance:
    interface = _device(_required(values, "interface"))
    source = _ipv4("source_address", _required(values, "source_address"))
    vmac = switch(values, "vmac", _INSTANCE_OPTIONS)
    instance = Instance(
        name,
        in_range("vrid", _required(values, "vrid"), 1, 255),
        interface,
        in_range("priority", _required(values, "priority"), 1, 254),
        source,
        _peers(values["peers"], source),
        _vips(_required(values, "vips"), interface, vmac),
        _hundredths(values["advert_interval"]),
        in_range("garp_refresh", values["garp_refresh"], 0, 3600),
        vmac,
    )
    for vip in instance.vips:
        if vip.address in (source, *instance.peers):
            rule = "is the address of a director itself, which does not move"
            raise InvalidValue("vips", vip.address, rule, "leave it out")
    return instance


def _peers(listed: Any, source: str) -> tuple[str, ...]:
    peers = [_ipv4("peers", text) for text in parse_list("peers", listed, "list each other director's address")]
    for number, peer in enumerate(peers):
        if peer == source:
            raise InvalidValue("peers", peer, "is the source_address too", "list the other directors only")
        if peer in peers[:number]:
            raise InvalidValue("peers", peer, "is listed twice", "list it once")
    return tuple(peers)


def _vips(listed: Any, interface: str, vmac: bool) -> tuple[VipPlace, ...]:
    example = "list each with its address, such as {address: 192.0.2.30}"
    vips = []
    for item in parse_mappings("vips", listed, example, least=1):
        address = str(parse_vip_host(_required(item, "address"), "vips"))
        place = VipPlace(address, _device(item.get("interface") or interface))
        if vmac and place.interface != interface:
            rule = f"is to be on {place.interface}, but the virtual MAC is on {interface}"
            raise InvalidValue("vips", address, rule, "write an instance for each interface, or vmac: false")
        vips.append(place)
    return tuple(vips)


def _hundredths(seconds: Any) -> int:
    number = isinstance(seconds, (int, float)) and not isinstance(seconds, bool)
    if not number or not _SHORTEST <= seconds <= _LONGEST:
        remedy = f"give a number from {_SHORTEST} to {_LONGEST} seconds"
        raise InvalidValue("advert_interval", seconds, "is out of range", remedy)
    whole: int = round(seconds * 100)
    if abs(whole - seconds * 100) > 1e-6:
        rule = "is no whole number of hundredths of a second, which VRRP counts in"
        raise InvalidValue("advert_interval", seconds, rule, f"write {whole / 100:g}")
    return whole


def _gate(value: Any) -> Gate:
    values = {**_defaults(_GATE_OPTIONS), **given(value)}
    path = str(_required(values, "path"))
    if not _PATH.fullmatch(path) or os.path.normpath(path) != path:
        rule = "is not the path of a file below /run"
        remedy = "write one such as /run/lvs-cluster/gate, with letters, digits, dots, hyphens and underscores"
        raise InvalidValue("gate.path", path, rule, remedy)
    return Gate(path, in_range("gate.weight", values["weight"], 1, 254))


def _refuse_twice(instances: tuple[Instance, ...]) -> None:
    """Raise InvalidValue for a name, a VRID or a VIP that two instances have."""
    names: set[str] = set()
    owners: dict[object, str] = {}
    for one in instances:
        if one.name in names:
            raise InvalidValue("name", one.name, "is the name of two instances", "give each its own")
        names.add(one.name)
        # Also on different interfaces, since the anchor is made of it.
        if one.vrid in owners:
            rule = f"is that of instance {owners[one.vrid]} too"
            raise InvalidValue("vrid", one.vrid, rule, "give each its own").of(f"instance {one.name}")
        owners[one.vrid] = one.name
    anchors = {one.anchor: one.name for one in instances}
    for one in instances:
        for vip in one.vips:
            if vip.address in anchors:
                rule = f"is the address that instance {anchors[vip.address]} advertises"
                raise InvalidValue("vips", vip.address, rule, "choose another").of(f"instance {one.name}")
            if vip.address in owners:
                where = "twice" if owners[vip.address] == one.name else f"in instance {owners[vip.address]} too"
                raise InvalidValue("vips", vip.address, f"is listed {where}", "list it once").of(f"instance {one.name}")
            owners[vip.address] = one.name


def _defaults(spec: Mapping[str, Any]) -> dict[str, Any]:
    return {name: option["default"] for name, option in spec.items() if "default" in option}


def _required(values: Mapping[str, Any], option: str) -> Any:
    if values.get(option) is None:
        raise InvalidValue(option, None, "is missing", "give it a value")
    return values[option]


def _device(name: object) -> str:
    interface = parse_interface(name)
    if not _DEVICE.fullmatch(interface):
        rule = "cannot stand in keepalived's configuration"
        raise InvalidValue("interface", interface, rule, "rename the device: use letters, digits and _ . @ -")
    return interface


def _ipv4(option: str, text: object) -> str:
    address = parse_host(text, option)
    if not isinstance(address, ipaddress.IPv4Address):
        rule = "is not of IPv4, in which the directors speak VRRP, also for VIPs of IPv6"
        raise InvalidValue(option, text, rule, "name the director's IPv4 address")
    return str(address)
