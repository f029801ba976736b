# SPDX-License-Identifier: GPL-3.0-or-later
"""What keepalived's own test of a configuration means, by what three releases of Debian print."""

from __future__ import annotations

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._vrrp.judgement import refusal_reason

# Recorded from the programs: the same files, and exit status and stderr of 2.1.5, 2.2.7 and 2.3.3.
UNKNOWN = "(/c/x.conf: Line 17) Unknown keyword 'priorty'\n"
ADDRESS = "(/c/x.conf: Line 34) VRRP parsed invalid IP 192.0.2.300/32. skipping IP...\n"
INTERFACE = (
    "(/c/x.conf: Line 15) WARNING - interface eth9 for vrrp_instance web doesn't exist\n"
    "Non-existent interface specified in configuration\n"
)
RANGE = (
    "(/c/x.conf: Line 17) number '300' outside range [1, 255]\n"
    "(/c/x.conf: Line 17) (web) Priority not valid! must be between 1 & 255. Using default 100\n"
)
BRACE = "There are 1 missing '}'s or extra '{'s\n"
EXTRA = "(/c/x.conf: Line 38) Extra '}' found\n(/c/x.conf: Line 38) Unknown keyword '}'\n"
PASSED_OVER = "Configuration file '/proc/9/fd/6' is not a regular non-executable file - skipping\n"
OLD, MIDDLE, NEW = "2.1.5", "2.2.7", "2.3.3"


@pytest.mark.parametrize(
    ("release", "status", "stderr", "reason"),
    [
        (OLD, 0, "", ""),
        (MIDDLE, 0, "", ""),
        (NEW, 0, "", ""),
        (OLD, 0, UNKNOWN, "has errors that keepalived would pass over: (/c/x.conf: Line 17) Unknown keyword 'priorty'"),
        (MIDDLE, 5, UNKNOWN, "is refused by keepalived (status 5): (/c/x.conf: Line 17) Unknown keyword 'priorty'"),
        (NEW, 5, UNKNOWN, "is refused by keepalived (status 5): (/c/x.conf: Line 17) Unknown keyword 'priorty'"),
        (OLD, 0, ADDRESS, "has errors that keepalived would pass over: (/c/x.conf: Line 34) VRRP parsed invalid IP"),
        # 2.2.7 leaves the VIP out, and is content.
        (MIDDLE, 0, ADDRESS, "has errors that keepalived would pass over: (/c/x.conf: Line 34) VRRP parsed invalid IP"),
        (NEW, 5, ADDRESS, "is refused by keepalived (status 5): (/c/x.conf: Line 34) VRRP parsed invalid IP"),
        (
            OLD,
            0,
            INTERFACE,
            "has errors that keepalived would pass over: (/c/x.conf: Line 15) WARNING - interface eth9",
        ),
        (MIDDLE, 5, INTERFACE, "is refused by keepalived (status 5): (/c/x.conf: Line 15) WARNING - interface eth9"),
        (OLD, 0, RANGE, "has errors that keepalived would pass over: (/c/x.conf: Line 17) number '300' outside range"),
        (NEW, 5, RANGE, "is refused by keepalived (status 5): (/c/x.conf: Line 17) number '300' outside range"),
        (OLD, -11, BRACE * 2, "makes keepalived crash (SIGSEGV): There are 1 missing '}'s or extra '{'s"),
        (MIDDLE, 5, BRACE * 4, "is refused by keepalived (status 5): There are 1 missing '}'s or extra '{'s"),
        (OLD, 4, EXTRA * 4, "is refused by keepalived (status 4): (/c/x.conf: Line 38) Extra '}' found; "),
        (MIDDLE, 0, PASSED_OVER, "has errors that keepalived would pass over: Configuration file '/proc/9/fd/6'"),
        # Some script would run as another user: there is none in our file.
        (MIDDLE, 143, "", "is refused by keepalived (status 143)"),
        (NEW, 1, "", "cannot be tested: keepalived ends without a reason, as it does if /etc/keepalived/"),
        (NEW, -99, "", "makes keepalived crash (signal 99)"),
    ],
)
def test_what_three_releases_say(release, status, stderr, reason):
    told = refusal_reason(status, stderr)
    assert told.startswith(reason), release
    assert bool(told) == bool(reason), release


def test_the_same_is_told_once_and_not_all_of_it():
    lines = "".join(f"(/c/x.conf: Line {number}) Unknown keyword 'x'\n" for number in range(9))
    assert refusal_reason(5, lines * 3).endswith("Line 2) Unknown keyword 'x'; 6 more")
