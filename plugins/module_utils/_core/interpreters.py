# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Python runs this, and what the Python of the distribution has.

The packages of a distribution (python3-pyroute2, python3-nftables, python3-dbus) are for its own Python alone. A host
can have others beside it, and Ansible's discovery takes the newest.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

# Enterprise Linux 8 has its own Python under the second name.
SYSTEM_PYTHONS = ("/usr/bin/python3", "/usr/libexec/platform-python")
OLDEST = (3, 9)  # of the collection
_SECONDS = 60.0
_CHECK = """\
import sys
from importlib.util import find_spec
sys.exit(sys.version_info < {oldest!r} or not all(map(find_spec, {libraries!r})))
"""


def is_running(path: str) -> bool:
    """Return whether `path` is the interpreter that runs this, without a virtual environment."""
    return sys.prefix == sys.base_prefix and os.path.realpath(path) == os.path.realpath(sys.executable)


def has_libraries(path: str, libraries: Sequence[str] = ()) -> bool:
    """Return whether `path` is a Python that the collection runs on, and finds these libraries; starts a process."""
    if not os.access(path, os.X_OK):
        return False
    import subprocess  # which nearly no run needs

    check = _CHECK.format(oldest=OLDEST, libraries=list(libraries))
    null = subprocess.DEVNULL
    try:
        # -I: what the environment of this process adds to the path of modules is not there at boot.
        command = [path, "-I", "-c", check]
        status = subprocess.run(command, stdin=null, stdout=null, stderr=null, timeout=_SECONDS, check=False).returncode
    except (OSError, subprocess.TimeoutExpired):
        return False
    return status == 0
