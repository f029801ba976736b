# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that this collection writes on a host."""

from __future__ import annotations

from .owner import owned_name

PROGRAM = "/usr/local/lib/lvs-cluster/restore.pyz"
STATE_DIRECTORY = "/etc/lvs-cluster"
RUN_DIRECTORY = "/run/lvs-cluster"
UNIT_DIRECTORY = "/etc/systemd/system"
MODULES_DIRECTORY = "/etc/modules-load.d"
# Settings from before a change, which a later run restores
DRAIN_STATE = "/var/lib/lvs-cluster/drained.json"
SYSCTL_STATE = "/var/lib/lvs-cluster/sysctl.json"
SYNC_STATE = "/var/lib/lvs-cluster/sync.json"

# After 99-sysctl.conf (Debian's link to /etc/sysctl.conf) and after everything that distributions install.
DROP_IN = "/etc/sysctl.d/99-zz-lvs-cluster.conf"


def gate_path(owner: str) -> str:
    """Return the path of the gate of an owner's directors."""
    return f"{RUN_DIRECTORY}/{owned_name(owner, 'gate')}"


def standby_number_path(gate: str) -> str:
    """Return the path of the file with the number with which keepalived starts again, beside that of a gate.

    boot_restore writes it, and the unit of vrrp_instances copies it: after the death of its keepalived a master comes
    back as a standby, since another director has taken over by then.
    """
    return f"{gate}.standby"


def program_path(owner: str) -> str:
    """Return the path of an owner's restoring program: a run of one cluster leaves the program of the others alone."""
    directory, _slash, name = PROGRAM.rpartition("/")
    return f"{directory}/{owned_name(owner, name)}"
