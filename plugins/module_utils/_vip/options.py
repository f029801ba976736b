# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a VIP: parsed, checked and made canonical at the door."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any, NamedTuple

from .._core.address import parse_host
from .._core.errors import InvalidValue

# Device and label names are char[IFNAMSIZ] with a closing zero (include/uapi/linux/if.h).
_LONGEST_NAME = 15
_MOST_ANNOUNCEMENTS, _LONGEST_INTERVAL = 100, 60
_EXAMPLE = "write one such as 192.0.2.30 or 2001:db8::30"

_DEVICE_OPTIONS: dict[str, Any] = {
    "addresses": {"type": "list", "elements": "str", "required": True},
    "interface": {"type": "str", "required": True},
    "label": {"type": "str"},
    "scope": {"type": "str", "choices": ["global", "link", "host"]},
    "kind": {"type": "str", "choices": ["dummy", "ipip", "ip6tnl", "gre"]},
}
# A device is named once, or several are listed.
VIP_OPTIONS: dict[str, Any] = {
    **{name: {**spec, "required": False} for name, spec in _DEVICE_OPTIONS.items()},
    "devices": {"type": "list", "elements": "dict", "options": _DEVICE_OPTIONS},
    "announce": {"type": "int"},
    "announce_interval": {"type": "float", "default": 0.5},
    "on_conflict": {"type": "str", "choices": ["fail", "warn", "ignore"], "default": "fail"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}
VIP_RULES: dict[str, Any] = {
    "mutually_exclusive": [("devices", name) for name in _DEVICE_OPTIONS],
    "required_one_of": [("devices", "interface")],
    "required_together": [("interface", "addresses")],
}


class Vip(NamedTuple):
    """One VIP in canonical text; `written` says whether its prefix length was written out."""

    address: str
    prefix: int
    written: bool

    @property
    def ipv6(self) -> bool:
        """Whether this is an IPv6 address."""
        return ":" in self.address

    @property
    def single(self) -> bool:
        """Whether the prefix covers the address alone."""
        return self.prefix == (128 if self.ipv6 else 32)


class Wanted(NamedTuple):
    """What one run wants of one device; None means that the option was left out."""

    vips: tuple[Vip, ...]
    interface: str
    label: str | None = None
    scope: str | None = None
    kind: str | None = None
    announce: int | None = None
    announce_interval: float = 0.5
    on_conflict: str = "fail"
    present: bool = True

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Wanted:
        """Return what the options of `vip_iface` ask for; those that are missing or None are left out.

        Raises InvalidValue for what breaks a rule, whatever the host looks like.
        """
        vips = parse_vips(options["addresses"])
        interface = parse_interface(options["interface"], labels=True)
        interval = options.get("announce_interval")
        wanted = cls(
            vips=vips,
            interface=interface,
            label=_label(options.get("label"), interface, vips),
            scope=choice(options, "scope", VIP_OPTIONS),
            kind=choice(options, "kind", VIP_OPTIONS),
            announce=_within("announce", options.get("announce"), 0, _MOST_ANNOUNCEMENTS, "announcements"),
            announce_interval=0.5 if interval is None else interval,
            on_conflict=choice(options, "on_conflict", VIP_OPTIONS) or "fail",
            present=(choice(options, "state", VIP_OPTIONS) or "present") == "present",
        )
        _within("announce_interval", wanted.announce_interval, 0, _LONGEST_INTERVAL, "seconds")
        _check_family(wanted)
        return wanted


def parse_devices(options: Mapping[str, Any]) -> tuple[Wanted, ...]:
    """Return what the options of `vip_iface` ask for of each of its `devices`; what is said beside is said of each.

    Raises InvalidValue as Wanted.from_options does.
    """
    wanted = tuple(Wanted.from_options({**options, **device}) for device in options["devices"])
    names = [one.interface for one in wanted]
    for name in names:
        if names.count(name) > 1:
            raise InvalidValue("devices", name, "is listed twice", "list each device once, with all its addresses")
    return wanted


def parse_vips(texts: object) -> tuple[Vip, ...]:
    """Return the VIPs of a list, each once and in its order; raise InvalidValue for one that can't be a VIP."""
    if isinstance(texts, str) or not isinstance(texts, (list, tuple)) or not texts:
        raise InvalidValue("addresses", texts, "is not a list with at least one address", _EXAMPLE)
    vips: dict[str, Vip] = {}
    for text in texts:
        vip = _vip(text)
        if vips.setdefault(vip.address, vip).prefix != vip.prefix:
            raise InvalidValue("addresses", text, f"is listed with /{vips[vip.address].prefix} too", "list it once")
    return tuple(vips.values())


def _vip(text: object) -> Vip:
    host, slash, length = str(text).strip().partition("/")
    try:
        ipaddress.ip_address(host)
    except ValueError:
        raise InvalidValue("addresses", text, "is not an IP address", f"{_EXAMPLE}, names are not resolved") from None
    address = parse_vip_host(host, "addresses")
    longest = address.max_prefixlen
    if slash and not (length.isascii() and length.isdigit() and 1 <= int(length) <= longest):
        raise InvalidValue("addresses", text, f"has no prefix length from 1 to {longest}", f"write {host}/{longest}")
    prefix = int(length) if slash else longest
    if address.version == 4 and prefix < 31:
        network = ipaddress.ip_network((int(address), prefix), strict=False)
        if address in (network.network_address, network.broadcast_address):
            what = "network" if address == network.network_address else "broadcast"
            raise InvalidValue("addresses", text, f"is the {what} address of {network}", f"write {host}/32, or a host")
    return Vip(str(address), prefix, bool(slash))


def parse_vip_host(text: object, option: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Return the address, written without a prefix length; raise InvalidValue for one that can't be a VIP."""
    address = parse_host(text, option)
    for broken, rule in (
        (address.is_loopback, "is a loopback address, which every host has for itself"),
        (address.version == 6 and address.is_link_local, "is link-local, which IPVS can't serve"),
        (getattr(address, "ipv4_mapped", None), "is an IPv4 address in IPv6 clothes"),
    ):
        if broken:
            raise InvalidValue(option, text, rule, _EXAMPLE)
    return address


def parse_interface(name: object, labels: bool = False) -> str:
    """Return the name of a device; raise InvalidValue for what the kernel does not take (dev_valid_name).

    `labels` says whether the module that is spoken of has an option for them.
    """
    text = str(name)
    if ":" in text:
        device = text.partition(":")[0]
        remedy = f"write interface: {device}" + (f" and label: {text}" if labels else "")
        raise InvalidValue("interface", text, "is a label, not a device", remedy)
    if not text or len(text.encode()) > _LONGEST_NAME or text in (".", "..") or "/" in text or text.split() != [text]:
        raise InvalidValue(
            "interface", text, f"is not a device name (1 to {_LONGEST_NAME} bytes, no space, no /)", "see `ip link`"
        )
    return text


def _label(label: object, interface: str, vips: tuple[Vip, ...]) -> str | None:
    if label is None:
        return None
    text = str(label)
    if len(text.encode()) > _LONGEST_NAME:
        raise InvalidValue("label", text, f"is longer than {_LONGEST_NAME} bytes", f"shorten it, as in {interface}:0")
    if text.split() != [text] or not (text == interface or (text.startswith(interface + ":") and text[-1] != ":")):
        raise InvalidValue(
            "label", text, f"does not begin with the name of the interface, {interface}", f"write {interface}:0"
        )
    if all(vip.ipv6 for vip in vips):
        raise InvalidValue("label", text, "is for IPv4 only, and all addresses are IPv6", "leave it out")
    return text


def _check_family(wanted: Wanted) -> None:
    for vip in wanted.vips if wanted.present else ():
        if wanted.kind == "ipip" and vip.ipv6:
            raise InvalidValue(
                "addresses",
                vip.address,
                "is IPv6, which does not come through an ipip device",
                "put it on a device of kind ip6tnl",
            )
        # The kernel's own device is of mode ip6ip6; one that is created takes both (ip6_fb_tnl_dev_init).
        if (wanted.kind, wanted.interface) == ("ip6tnl", "ip6tnl0") and not vip.ipv6:
            raise InvalidValue(
                "addresses",
                vip.address,
                "is IPv4, which does not come through the kernel's own ip6tnl0",
                "name another interface, such as ip6tnl1",
            )


def choice(options: Mapping[str, Any], name: str, spec: Mapping[str, Any]) -> str | None:
    """Return the value of an option; raise InvalidValue when it is none of the choices that `spec` gives it."""
    value, choices = options.get(name), spec[name]["choices"]
    if value is not None and value not in choices:
        raise InvalidValue(name, value, "is not a choice", f"choose from {', '.join(choices)}")
    return value


def _within(option: str, value: Any, least: int, most: int, unit: str) -> Any:
    if value is not None and not least <= value <= most:
        raise InvalidValue(option, value, f"is not from {least} to {most} {unit}", "give a value in that range")
    return value
