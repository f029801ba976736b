# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a command as root, or as root of a user namespace of its own: python tests/as_root.py COMMAND ...

A user who is not root can have network namespaces there, and all that is needed in them. Where the kernel does not let users
have one, the command runs as it is, and tells what it can't do.
"""

from __future__ import annotations

import os
import subprocess
import sys

_UNSHARE = ["unshare", "--user", "--map-root-user", "--mount", "--net"]
# `ip netns` keeps its files in /run/netns, which is another's.
_RUN = 'mount -t tmpfs tmpfs /run && mkdir /run/netns && exec "$@"'


def main(command: list[str]) -> None:
    """Become the command."""
    if os.geteuid() != 0 and subprocess.run([*_UNSHARE, "true"], stderr=subprocess.DEVNULL).returncode == 0:
        command = [*_UNSHARE, "sh", "-c", _RUN, "sh", *command]
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(sys.argv[1:])
