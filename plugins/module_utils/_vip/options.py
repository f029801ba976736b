# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a VIP: parsed, checked and made canonical at the door."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from .._core.errors import InvalidValue
from .._core.options import LONGEST_NAME, choice, in_range, parse_interface
from .._core.owner import OWNER_OPTIONS
from .._core.vips import Vip, parse_vips

_MOST_ANNOUNCEMENTS, _LONGEST_INTERVAL = 100, 60

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
    "allow_arp": {"type": "bool", "default": True},
    **OWNER_OPTIONS,
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}
VIP_RULES: dict[str, Any] = {
    "mutually_exclusive": [("devices", name) for name in _DEVICE_OPTIONS],
    "required_one_of": [("devices", "interface")],
    "required_together": [("interface", "addresses")],
}


class VipSpec(NamedTuple):
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
    allow_arp: bool = True

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> VipSpec:
        """Return what the options of `vip_iface` ask for; those that are missing or None are left out.

        Raises InvalidValue for what breaks a rule, whatever the host looks like.
        """
        vips = parse_vips(options["addresses"])
        interface = parse_interface(options["interface"], labels=True)
        announce, interval = options.get("announce"), options.get("announce_interval")
        wanted = cls(
            vips=vips,
            interface=interface,
            label=_label(options.get("label"), interface, vips),
            scope=choice(options, "scope", VIP_OPTIONS),
            kind=choice(options, "kind", VIP_OPTIONS),
            announce=announce if announce is None else in_range("announce", announce, 0, _MOST_ANNOUNCEMENTS),
            announce_interval=0.5
            if interval is None
            else in_range("announce_interval", interval, 0, _LONGEST_INTERVAL, "seconds"),
            on_conflict=choice(options, "on_conflict", VIP_OPTIONS),
            present=choice(options, "state", VIP_OPTIONS) == "present",
            allow_arp=options.get("allow_arp") is not False,
        )
        _check_family(wanted)
        return wanted


def parse_devices(options: Mapping[str, Any]) -> tuple[VipSpec, ...]:
    """Return what the options of `vip_iface` ask for of each of its `devices`; what is said beside is said of each.

    Raises InvalidValue as VipSpec.from_options does.
    """
    wanted = tuple(VipSpec.from_options({**options, **device}) for device in options["devices"])
    names = [one.interface for one in wanted]
    for name in names:
        if names.count(name) > 1:
            raise InvalidValue("devices", name, "is listed twice", "list each device once, with all its addresses")
    return wanted


def _label(label: object, interface: str, vips: tuple[Vip, ...]) -> str | None:
    if label is None:
        return None
    text = str(label)
    if len(text.encode()) > LONGEST_NAME:
        raise InvalidValue("label", text, f"is longer than {LONGEST_NAME} bytes", f"shorten it, as in {interface}:0")
    if text.split() != [text] or not (text == interface or (text.startswith(interface + ":") and text[-1] != ":")):
        raise InvalidValue(
            "label", text, f"does not begin with the name of the interface, {interface}", f"write {interface}:0"
        )
    if all(vip.ipv6 for vip in vips):
        raise InvalidValue("label", text, "is for IPv4 only, and all addresses are IPv6", "leave it out")
    return text


def _check_family(wanted: VipSpec) -> None:
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
