# SPDX-License-Identifier: GPL-3.0-or-later
"""What keepalived's test of a configuration means. Pure.

The exit status alone does not tell: 2.1.5 ends with 0 for nearly every error and names it on stderr, and every release
ends with 0 for a file that it passes over. For a good configuration all releases are silent.
"""

from __future__ import annotations

import signal

_MOST_LINES = 3
# 2.3 reads this file of its package before it reads a configuration, and ends without a word if it is missing.
OPTIONS_FILE = "/etc/keepalived/keepalived.config-opts"


def refusal_reason(status: int, stderr: str) -> str:
    """Return why keepalived would not run a configuration as it is; empty where it would.

    `status` is the exit status, negative where a signal ended keepalived.
    """
    # Each process of keepalived reads the file, and says the same of it.
    lines = list(dict.fromkeys(line.strip() for line in stderr.splitlines() if line.strip()))
    more = [f"{len(lines) - _MOST_LINES} more"] if len(lines) > _MOST_LINES else []
    told = f": {'; '.join([*lines[:_MOST_LINES], *more])}" if lines else ""
    if status < 0:
        return f"makes keepalived crash ({_signal_name(-status)}){told}"
    if status == 1 and not lines:
        return f"cannot be tested: keepalived ends without a reason, as it does if {OPTIONS_FILE} is missing"
    if status:
        return f"is refused by keepalived (status {status}){told}"
    return f"has errors that keepalived would pass over{told}" if lines else ""


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
