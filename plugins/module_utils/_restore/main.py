# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring back what was declared, at boot and later, by the modules' plans and clients; runs without Ansible."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, TextIO

from .._core.errors import LvsError
from .._core.files import read_bytes
from .._nftables.monitor import generation
from .._parts.declaration import early_part
from .._rtnetlink.state import own_addresses
from .unit import EARLY
from .watch import OF_RULES, wait_for_loss

# The steps of the resident program. Each begins the next in its own place (execv), so that what waits holds no more
# memory than an interpreter: pyroute2 goes with the step that needed it, and a newer program is taken up by itself.
_WATCH, _MEND = "--watch", "--mend"
_EARLY_PARTS = ("arp_filters", "vips")
_PARTS = ("arp_filters", "services", "sync", "firewall", "vips", "neighbors")
# What others may take away while the host runs; what IPVS has is left to who changes it.
_MENDED = ("arp_filters", "firewall", "vips", "neighbors")


def main(arguments: Sequence[str] | None = None) -> int:
    """Restore what the file named as the last argument declares; return the exit status.

    With KEEP before it, stay, and bring back VIPs, ARP filters, packet filter rules and neighbour entries whenever
    they vanish. With EARLY before it, restore only VIPs that do not need the network, and end. Ends with 0 when the
    file is gone, and with 1 when something could not be restored, for systemd to try again.
    """
    *options, path = sys.argv[1:] if arguments is None else arguments
    step = options[0] if options else ""
    if step == _WATCH:
        words = wait_for_loss(lambda: _declared(path), int(options[1]), _settle_gate)
        for line in words or ():
            _say(line)
        return 0 if words is None else _begin(_MEND, path)
    state = _declared(path)
    if state is None:
        return 0
    if step == EARLY:
        return int(_restore(early_part(state), _EARLY_PARTS))
    # Before they are looked at: when rules change on the way, by this or by others, they are looked at once more.
    rules = _rules(state)
    failed = _restore(state, _MENDED if step == _MEND else _PARTS)
    if not failed:
        _settle_gate(state)
    if failed or not step:
        return int(failed)
    _tell_systemd("READY=1")
    return _begin(_WATCH, str(rules), path)


def _declared(path: str) -> dict[str, Any] | None:
    content = read_bytes(path)
    return None if content is None else json.loads(content)


def _settle_gate(state: Mapping[str, Any]) -> None:
    """Let a director whose table is there take VIPs by failover, as the gate of its declaration says."""
    if not state.get("gate"):
        return
    from .._gate.client import settle_gate
    from .._gate.model import Gate

    words = settle_gate(Gate.from_options(state["gate"]), {own.address for own in own_addresses()})
    if words:
        _say(words)


def _rules(state: Mapping[str, Any]) -> int:
    """Return the generation of nftables' rules, 0 when none are declared or they can't be read."""
    with suppress(LvsError):  # restoring them tells of that
        return generation() if any(state.get(part) for part in OF_RULES) else 0
    return 0


def _begin(step: str, *arguments: str) -> int:
    # sys.flags.isolated and the like are not carried over: the unit starts the program without options.
    os.execv(sys.executable, [sys.executable, sys.argv[0], step, *arguments])


def _tell_systemd(state: str) -> None:
    """Tell the service manager what sd_notify(3) would; without one nobody is told."""
    address = os.environ.get("NOTIFY_SOCKET")
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as manager:
            # A leading @ stands for the zero byte of an abstract address.
            manager.sendto(state.encode(), "\0" + address[1:] if address.startswith("@") else address)


def _say(what: object, stream: TextIO | None = None) -> None:
    """Write lines for the journal, at once: print() is not for what modules are made of, as ansible-test has it."""
    stream = stream or sys.stdout
    stream.write(f"{what}\n")
    stream.flush()


def _restore(state: Mapping[str, Any], parts: Sequence[str]) -> bool:
    """Restore these parts, and return whether one failed.

    ARP filters come first, and without them no VIPs, which the host would answer for. Services, the connections that
    other directors know of, and what services need of a packet filter come before VIPs, so that a client that finds the
    VIP is served. Every other part is tried even when another fails; each failure is a line on stderr.
    """
    # What waits for changes restores nothing, and does not compile this.
    from .._parts.handlers import restore

    failed: set[str] = set()
    for name in parts:
        if name == "vips" and "arp_filters" in failed:
            _say("VIPs are left out, since they can't be kept out of ARP.", sys.stderr)
            continue
        try:
            for plan in restore(name, state):
                told = [*plan.words, *(f"warning: {text}" for text in plan.warnings)]
                if told:
                    _say("\n".join(told))
        except LvsError as error:
            failed.add(name)
            _say(error, sys.stderr)
    return bool(failed)
