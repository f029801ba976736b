# SPDX-License-Identifier: GPL-3.0-or-later
"""Gives a declaration of a cluster that is being renamed the cluster's new name. Its VIPs and services stay.

Rules and tables that are called by the old name are left to vip_firewall and vip_arp_filter, with the same option.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .._core.errors import InvalidValue, LvsError
from .._core.owner import Owner
from .._core.plan import Plan
from .._parts.declaration import PARTS, Declared, declare
from .client import apply_files, is_active, other_declarations, read_files, wants_early_unit
from .interpreter import choose_interpreter, needed_libraries
from .plan import Content, FileOperation, is_stale, plan_files, program_of, wanted_files
from .run import Program


class RenameRun:
    """The move of one declaration's files from the former owner to the owner; nothing where the former has none."""

    def __init__(self, name: str, owner: Owner, program: Program, python: str | None = None) -> None:
        if not owner.former:
            raise InvalidValue("former_owner", None, "is missing", "name the owner whose declaration is renamed")
        old, new = Declared(name, owner=owner.former), Declared(name, owner=owner.name)
        current = read_files([*new.paths, *old.paths])
        self._program = program
        self.plan: Plan[FileOperation] = Plan({}, {})
        if old.state in current:
            moved, former = _moved(current, old, new)
            python = python or choose_interpreter(needed_libraries(moved))
            files = wanted_files(moved, python, program.checksum, former, wants_early_unit(moved))
            _refuse_second(current, files, new, owner)
            # The unit's link goes first, since a declaration that is half removed restores nothing, and the file by
            # which the next run knows what is left to do goes last.
            shared = [old.state, *([old.program] if other_declarations(old) else ())]
            gone = [path for path in reversed(old.paths) if path not in shared]
            self.plan = plan_files(current, files, [*gone, old.state])
        active = is_active(new.runtime)
        self.plan.results.update(
            unit=new.unit,
            active=active,
            stale=active and is_stale(new, self.plan.operations),
            former={},
            former_gate=False,
            # Also after a run that died before it was stopped.
            former_unit=old.unit if self.plan.changed or is_active(old.runtime) else "",
        )

    def apply(self) -> None:
        """Apply the plan; raise LvsError, and ProgramMissing before anything is changed."""
        content = self._program.read() if program_of(self.plan.operations) else b""
        apply_files(self.plan.operations, content)


def _moved(current: Mapping[str, Content], old: Declared, new: Declared) -> tuple[Declared, dict[str, Any]]:
    """Return what the old file declares, with the new owner, and what it remembers of former declarations."""
    try:
        state = json.loads(current[old.state].data)
        former = {part: [_bare(item) for item in items] for part, items in (state.get("former") or {}).items()}
        parts = {part: [_bare(item) for item in state.get(part) or ()] for part in PARTS}
        options = {**state, **parts, "name": new.name, "owner": new.owner, "kernel_modules": _modules(current, old)}
        declared, remembered = declare(options), declare({**former, "name": new.name, "owner": new.owner})
    except (AttributeError, InvalidValue, KeyError, TypeError, ValueError) as error:
        remedy = "remove the file, and the unit of that name, and run lvs.cluster.site again"
        raise LvsError(old.state, None, f"cannot be read as a declaration ({error})", remedy) from None
    return declared, {part: getattr(remembered, part) for part in former}


def _bare(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name != "owner"}


def _modules(current: Mapping[str, Content], old: Declared) -> list[str]:
    data = current[old.modules].data if old.modules in current else b""
    return [line for line in data.decode(errors="replace").splitlines() if line and not line.startswith("#")]


def _refuse_second(current: Mapping[str, Content], files: list[Content], new: Declared, owner: Owner) -> None:
    """Raise InvalidValue where both owners have a declaration of their own: these are two clusters."""
    wanted = {content.path: content for content in files}
    if new.state in current and current[new.state] != wanted[new.state]:
        rule = f"has a declaration {new.name} of its own on this host, beside that of cluster {owner.name}"
        raise InvalidValue("former_owner", owner.former, rule, "remove lvs_cluster_formerly: these are two clusters")
