# SPDX-License-Identifier: GPL-3.0-or-later
"""The per-interface IPv4 settings of the kernel as data: what they may be, how they combine, what writing one does.

Sources: include/linux/inetdevice.h (the IN_DEV_* macros) for the rules, net/ipv4/devinet.c (devinet_conf_proc,
devinet_copy_dflt_conf, devinet_sysctl_forward, inet_forward_change) for what a write does. Run against Linux 6.18.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from .._core.owner import Owner
from .._core.paths import DROP_IN

ALL = "all"
DEFAULT = "default"
TREE = "net/ipv4/conf"
FORWARDING = "forwarding"
ACCEPT_REDIRECTS = "accept_redirects"

MAXIMUM = "the larger of conf/all and the interface's own value"
EITHER = "1 when conf/all or the interface's own value is 1"
OWN = "the interface's own value alone"
REDIRECTS = "conf/all and the interface's own value together where the interface forwards, and either of them elsewhere"


class Pair(NamedTuple):
    """One value in the kernel: an interface (or ``all`` or ``default``) and a setting."""

    target: str
    key: str

    @property
    def path(self) -> str:
        """The name under /proc/sys with slashes, the only form in which ``eth0.100`` needs no quoting."""
        return f"{TREE}/{self.target}/{self.key}"


class Setting(NamedTuple):
    """One setting: its legal values, the rule of combination, the kernel's default, and values that came later.

    `spreads`: a write to `default` reaches the interfaces that still follow it (devinet_conf_proc; not so where the
    kernel has another handler: devinet_sysctl_forward, ipv4_doint_and_flush). `since` maps a value to the first kernel
    (major, minor) that knows it; /proc takes any integer, so that an older kernel would silently do something else.
    `stricter` maps a value that protects to the values that do all that it does, and more.
    """

    values: tuple[int, ...]
    rule: str
    default: int = 0
    spreads: bool = True
    since: tuple[tuple[int, tuple[int, int]], ...] = ()
    stricter: tuple[tuple[int, tuple[int, ...]], ...] = ()


_SWITCH = (0, 1)

# The order is the order of writing. `forwarding` is first because writing it to `all` overwrites the forwarding of
# every interface and the accept_redirects of `all`; what stops wrong ARP (arp_ignore: answers, arp_announce: the
# sender address of our own requests) comes before everything that does not concern ARP.
SETTINGS: dict[str, Setting] = {
    FORWARDING: Setting(_SWITCH, OWN, spreads=False),
    ACCEPT_REDIRECTS: Setting(_SWITCH, REDIRECTS, default=1),
    # The numbers of arp_ignore are no order (arp_ignore() in net/ipv4/arp.c): 2 answers some of what 1 answers, and 8
    # answers nothing. 3 answers for every address of scope global or link on any interface, which 1 does not.
    "arp_ignore": Setting((0, 1, 2, 3, 8), MAXIMUM, stricter=((1, (2, 8)), (2, (8,)), (3, (8,)))),
    "arp_announce": Setting((0, 1, 2), MAXIMUM, stricter=((1, (2,)),)),
    "arp_filter": Setting(_SWITCH, EITHER),
    "proxy_arp": Setting(_SWITCH, EITHER),
    # 2 (only from an address of the same subnet) is new in 6.0, which also turned the rule from "either" into the
    # maximum; for 0 and 1 these are the same.
    "arp_accept": Setting((0, 1, 2), MAXIMUM, since=((2, (6, 0)),)),
    "arp_notify": Setting(_SWITCH, MAXIMUM),
    "rp_filter": Setting((0, 1, 2), MAXIMUM),
    "send_redirects": Setting(_SWITCH, EITHER, default=1),
    "secure_redirects": Setting(_SWITCH, EITHER, default=1),
    "accept_local": Setting(_SWITCH, EITHER),
    "route_localnet": Setting(_SWITCH, EITHER, spreads=False),
    "promote_secondaries": Setting(_SWITCH, EITHER, spreads=False),
}
_ORDER = {key: place for place, key in enumerate(SETTINGS)}


def in_order(pairs: Iterable[Pair]) -> list[Pair]:
    """Return `pairs` in the order in which they are written: by setting, then all, default, the interfaces by name.

    `all` first: for every rule that can protect (the maximum) it takes effect on every interface at once, and while a
    run gives all its targets one value v no interface is ever below the smaller of v and what it had before. `default`
    before the interfaces: an interface that still follows it must have its own value written after.
    """
    first = {ALL: 0, DEFAULT: 1}
    return sorted(set(pairs), key=lambda pair: (_ORDER[pair.key], first.get(pair.target, 2), pair.target))


def needed(keys: Iterable[str]) -> tuple[str, ...]:
    """Return the settings that must be known to judge `keys`: forwarding and accept_redirects depend on each other."""
    known = set(keys)
    if known & {FORWARDING, ACCEPT_REDIRECTS}:
        known |= {FORWARDING, ACCEPT_REDIRECTS}
    return tuple(key for key in SETTINGS if key in known)


def effective(values: Mapping[Pair, int], interface: str, key: str) -> int:
    """Return the value that acts on a real interface, by the rule of the setting."""
    own, everywhere = values[Pair(interface, key)], values[Pair(ALL, key)]
    rule = SETTINGS[key].rule
    if rule == OWN:
        return own
    if rule == MAXIMUM:
        return max(own, everywhere)
    if rule == REDIRECTS and values[Pair(interface, FORWARDING)]:
        return int(bool(own and everywhere))
    return int(bool(own or everywhere))


def satisfies(key: str, value: int, asked: int) -> bool:
    """Return whether a value does what another one is asked for: it is the same, or stricter.

    Only a value that protects has stricter ones. 0, and the settings of which both values have a use (rp_filter,
    accept_local, proxy_arp, the redirects), are met by the same value alone.
    """
    return value == asked or value in dict(SETTINGS[key].stricter).get(asked, ())


def kernel_default(pair: Pair, values: Mapping[Pair, int]) -> int:
    """Return what the kernel gives `pair` at boot; a change of forwarding couples accept_redirects of `all` to it."""
    if pair == Pair(ALL, ACCEPT_REDIRECTS):
        return int(not values.get(Pair(ALL, FORWARDING), 0))
    return SETTINGS[pair.key].default


class Kernel:
    """What the kernel would do: the values, and what each write changes besides its own target.

    An interface follows `default` until it gets its first IPv4 address or its own value is written; which interfaces
    still do cannot be read. `followers` are those known to (at boot); the others are left as they are and, where they
    may have changed, put into `doubt`: whoever cares for such a value must write it.
    """

    def __init__(self, values: Mapping[Pair, int], interfaces: Iterable[str], followers: Iterable[Pair] = ()) -> None:
        self.values = dict(values)
        self.interfaces = tuple(interfaces)
        self.followers = set(followers)
        self.doubt: set[Pair] = set()

    def write(self, pair: Pair, value: int) -> set[Pair]:
        """Write one value; return every pair that now has the written value's consequence (itself included)."""
        before = self.values.get(pair)
        self.values[pair] = value
        self.followers.discard(pair)
        self.doubt.discard(pair)
        touched = {pair}
        if pair.key == FORWARDING:
            # Its own handler, which does nothing unless the value changes.
            if pair.target == ALL and before != value:
                touched |= self._forward_everywhere(value)
        elif pair.target == DEFAULT and SETTINGS[pair.key].spreads:
            for other in (Pair(name, pair.key) for name in self.interfaces):
                if other in self.followers:
                    self.values[other] = value
                    touched.add(other)
                elif self.values.get(other) == before != value:
                    self.doubt.add(other)
        return touched

    def _forward_everywhere(self, value: int) -> set[Pair]:
        """inet_forward_change(): every interface and `default` forward alike, and `all` accepts redirects or not."""
        reached = {Pair(name, FORWARDING) for name in (DEFAULT, *self.interfaces)}
        for pair in reached:
            self.values[pair] = value
        redirects = Pair(ALL, ACCEPT_REDIRECTS)
        self.values[redirects] = int(not value)
        return reached | {redirects}


class Former(NamedTuple):
    """A value from before; `because` names what was declared when the kernel changed this one along with it.

    `ours` is the value that a run set where the drop-in does not say it: the run ended early, or did not persist.
    """

    value: int
    because: Pair | None = None
    ours: int | None = None


# What each cluster declares, by its name: a value of several clusters is given back with the last of them.
Holders = Mapping[str, Mapping[Pair, int]]


class Request(NamedTuple):
    """The options, canonical: `targets` are interfaces, all and default; `wanted` maps setting to value.

    `effective_on` names the interfaces on which the values have to act; None means those of the targets, and all
    interfaces when `all` is one of them. With `present` false `wanted` may be empty, for every setting; its values
    don't matter then. `restored` are settings that are not declared any more, and `keep_stricter` says that a stricter
    value of others stays.
    """

    targets: tuple[str, ...]
    wanted: Mapping[str, int]
    present: bool = True
    persist: bool = True
    drop_in: str = DROP_IN
    strict: bool = True
    effective_on: tuple[str, ...] | None = None
    restored: tuple[str, ...] = ()
    keep_stricter: bool = True
    owner: Owner = Owner()

    def meets(self, key: str, value: int) -> bool:
        """Return whether a value does what is asked of a setting."""
        asked = self.wanted[key]
        return satisfies(key, value, asked) if self.keep_stricter else value == asked

    def covered(self, interfaces: tuple[str, ...]) -> tuple[str, ...]:
        """Return those of the host's interfaces on which the values have to act."""
        if self.effective_on is not None:
            return self.effective_on
        return interfaces if ALL in self.targets else tuple(set(interfaces) & set(self.targets))


class Facts(NamedTuple):
    """What the host says: values in the kernel, real interfaces, texts of sysctl files by path, former values.

    `drop_in_text` is that of the drop-in, or None when there is no such file. `holders` is what clusters declare.
    """

    values: Mapping[Pair, int]
    interfaces: tuple[str, ...]
    files: Mapping[str, str] = MappingProxyType({})
    drop_in_text: str | None = None
    former: Mapping[Pair, Former] = MappingProxyType({})
    kernel: tuple[int, int] = (99, 0)
    holders: Holders = MappingProxyType({})
