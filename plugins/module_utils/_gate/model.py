# SPDX-License-Identifier: GPL-3.0-or-later
"""The gate: a number in a file that keepalived adds to the priorities of a director (vrrp_instances, `gate`).

Without the file keepalived begins with a number that keeps the director out, so that a director that has just booted
takes no VIP before its table is there. What restores the table writes the file afterwards. A master has 0. A standby
has a number below 0, so that one that comes back, with a higher priority by its place, does not take the VIPs from the
master; without it (preempt) it does. The kernel says which of the two a director is: the master has the anchor address
that its instance advertises.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from .._core.errors import InvalidValue
from .._core.options import in_range

# The number of a master, and the one that keeps a director out: priorities go up to 254, and keepalived goes to the
# state FAULT when one is reduced by so much.
MASTER, CLOSED = 0, -254
# Lower than the number of any standby of up to 50 directors, and a director with it is eligible still: in a planned
# handover the next one takes the VIPs before this one removes them, and none is without a director.
YIELDING = -100
_LOWEST_STANDBY = CLOSED + 1
_BELOW = "/run/"
GATE_OPTIONS: dict[str, Any] = {
    "path": {"type": "path", "required": True},
    "anchors": {"type": "list", "elements": "str", "required": True},
    "standby": {"type": "int", "default": MASTER},
}


class Gate(NamedTuple):
    """The file, the anchor addresses of the host's instances, and the number of a standby (0: it preempts)."""

    path: str
    anchors: tuple[str, ...]
    standby: int = MASTER

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Gate:
        """Return the gate that the options of boot_restore declare; raise InvalidValue."""
        path = os.path.normpath(str(options.get("path") or ""))
        if not path.startswith(_BELOW):
            rule = "is not a path below /run, from which a boot takes every file away"
            raise InvalidValue("gate.path", options.get("path"), rule, "name one such as /run/lvs-cluster/gate")
        anchors = tuple(map(str, options.get("anchors") or ()))
        if not anchors:
            remedy = "list the anchor of each instance, as vrrp_instances returns it"
            raise InvalidValue("gate.anchors", [], "names no address", remedy)
        standby: Any = options.get("standby") or MASTER
        return cls(path, anchors, in_range("gate.standby", standby, _LOWEST_STANDBY, MASTER))

    def number(self, addresses: Collection[str]) -> int:
        """Return the number of a host that has these addresses."""
        return MASTER if any(anchor in addresses for anchor in self.anchors) else self.standby
