# SPDX-License-Identifier: GPL-3.0-or-later
"""The versions of ansible-core that the collection supports, and what runs with each.

README's table of what was run comes from here (see tests/unit/test_cores.py).
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

from tools import PROJECT

# Pythons that the controller can have, by the release notes of each core. The first ones are those that no other core has first.
CORES = {
    "2.17": ("3.10", "3.12", "3.11"),
    "2.18": ("3.11", "3.12", "3.13"),
    "2.19": ("3.13", "3.12", "3.11"),
    "2.20": ("3.12", "3.13", "3.14"),
    "2.21": ("3.13", "3.12", "3.14"),
}
# The unit tests that call Ansible.
TESTS = (
    "tests/unit/plugins/action",
    "tests/unit/plugins/filter",
    "tests/unit/plugins/module_utils/_ipvs/test_bad_input.py",
    "tests/unit/plugins/module_utils/_vip/test_library.py",
    "tests/unit/plugins/modules/test_lab_modules.py",
    "tests/unit/plugins/plugin_utils/_operations/test_servers.py",
    "tests/unit/plugins/plugin_utils/_topology/test_adopt.py",
    "tests/unit/plugins/plugin_utils/_verify/test_checks.py",
    "tests/unit/test_documentation.py",
    "tests/unit/test_errors.py",
    "tests/playbooks/test_lost_hosts.py",
    "tests/playbooks/test_preflight_playbook.py",
    "tests/playbooks/test_scope_playbooks.py",
    "tests/playbooks/test_tags.py",
)
LIBRARIES = ("hypothesis", "pyroute2", "pytest", "pyyaml", "qemu.qmp")
_NAMESPACE = ["sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
PLAYBOOKS = sorted(str(path.relative_to(PROJECT)) for path in (PROJECT / "playbooks").glob("*.yml"))


def table() -> list[str]:
    """Return README's rows about this."""
    runs = "unit tests that have Ansible do something, syntax of all playbooks, modules in a network namespace"
    return [f"| ansible-core {core} with Python {versions[0]} | {runs} | `cores` |" for core, versions in CORES.items()]


def choose(found: Mapping[str, str]) -> dict[str, str | None]:
    """Return core -> interpreter, of those in `found` (version -> interpreter); None for a core that has none."""
    return {
        core: next((found[version] for version in versions if version in found), None)
        for core, versions in CORES.items()
    }


def steps() -> dict[str, list[str]]:
    """Return what runs in the environment of each core: name -> command."""
    # As root of the namespace's owner, so that a person who is not root can run it too.
    isolated = [sys.executable, "tests/as_root.py", "unshare", "--net", *_NAMESPACE]
    return {
        "unit tests": ["python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-rN", *TESTS],
        "syntax of the playbooks": ["ansible-playbook", "--syntax-check", "-i", "lab", "site.yml", *PLAYBOOKS],
        "modules": [*isolated, "ansible-playbook", "-i", "tests/matrix/hosts.yml", "tests/matrix/modules.yml"],
    }
