# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection with stand-ins for its modules, so that its playbooks run on a machine without IPVS.

A stand-in connects to its host as the module would, writes what it was asked to a file, and returns what the inventory
says in `answers` of that host. A host is unreachable for the modules that its `dies_at` names, and those in `hangs` never
return there.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from commands import PROJECT, Outcome, execute

SOURCE = Path(__file__).parent / "stand_in_action.py"
REAL = ("print_lines",)


class Call(NamedTuple):
    """A module that ran, or was to run, on a host."""

    host: str
    module: str
    check: bool
    args: dict[str, Any]


class StandIns:
    """Runs playbooks of the collection with stand-ins, in a directory of its own."""

    def __init__(self, directory: Path) -> None:
        self.directory, self._log = directory, directory / "calls"
        place = directory / "ansible_collections" / "lvs" / "cluster"
        (place / "plugins" / "action").mkdir(parents=True)
        for path in PROJECT.iterdir():
            if path.name in ("meta", "playbooks", "roles", "galaxy.yml"):
                (place / path.name).symlink_to(path)
        for path in (PROJECT / "plugins").iterdir():
            if path.name != "action":
                (place / "plugins" / path.name).symlink_to(path)
        for module in (PROJECT / "plugins" / "modules").glob("*.py"):
            real = module.stem in REAL
            source = PROJECT / "plugins" / "action" / module.name if real else SOURCE
            (place / "plugins" / "action" / module.name).symlink_to(source)

    def run(self, playbook: str, inventory: dict[str, Any], *arguments: str, **environment: str) -> Outcome:
        """Run a playbook of the collection to its end."""
        path = self.directory / "hosts.json"
        path.write_text(json.dumps(inventory))
        self._log.write_text("")
        return execute(
            "ansible-playbook",
            f"lvs.cluster.{playbook}",
            "-i",
            str(path),
            *arguments,
            ANSIBLE_COLLECTIONS_PATH=str(self.directory),
            ANSIBLE_SSH_RETRIES="0",
            STAND_IN_CALLS=str(self._log),
            **environment,
        )

    def calls(self, *modules: str) -> list[Call]:
        """Return the calls of the last run in their order: all, or those of some modules."""
        every = [Call(**json.loads(line)) for line in self._log.read_text().splitlines()]
        return [call for call in every if not modules or call.module in modules]
