# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a host keeps what brings it back from a reboot."""

from __future__ import annotations

PROGRAM = "/usr/local/lib/lvs-cluster/restore.pyz"
STATE_DIRECTORY = "/etc/lvs-cluster"
UNIT_DIRECTORY = "/etc/systemd/system"
MODULES_DIRECTORY = "/etc/modules-load.d"
