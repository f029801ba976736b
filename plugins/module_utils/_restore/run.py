# SPDX-License-Identifier: GPL-3.0-or-later
"""One run of boot_restore: read, decide, apply. Needs no Ansible."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from .._core.owner import Owner
from .._core.plan import Plan
from .._owner.declarations import Declaration, read_others, read_siblings
from .._parts.declaration import Declared
from .client import apply_files, is_active, other_declarations, read_files, read_program, wants_early_unit
from .interpreter import choose_interpreter, needed_libraries
from .plan import Content, Removal, is_kept, is_stale, plan_files, plan_removal, program_of, wanted_files

if TYPE_CHECKING:
    from .._parts.stale import Saved
    from .._parts.stale_run import StaleRun


class Program(NamedTuple):
    """The restoring program: its checksum (see checksum_of), and where it was transferred to, if it was."""

    checksum: str
    source: str = ""

    def read(self) -> bytes:
        """Return its content; raise ProgramMissing where it was not transferred."""
        return read_program(self.source, self.checksum)


class DeclareRun:
    """The files of a declaration, and the removal of what it declares no longer.

    With `remove_former` what an earlier declaration had is removed; without, the file remembers it. Raises InvalidValue
    for a part that its own module would refuse, and for what another cluster declares on this host too, and
    PrerequisiteMissing where no Python could restore it at boot. What another declaration has now is not removed.
    `formerly` is the name that the owner had before.
    """

    def __init__(
        self,
        declared: Declared,
        present: bool,
        remove_former: bool,
        program: Program,
        python: str | None = None,
        formerly: str = "",
    ) -> None:
        owner = Owner(declared.owner, formerly)
        self._declared = declared if present else Declared(declared.name, owner=owner.name)
        self._program = program
        others = read_others(owner)
        if present and others:
            _refuse_claimed(declared, owner, others)
        # A declaration can have lost its kernel modules since, so their file is looked for in any case.
        current = read_files(declared.paths)
        gone, warnings = _spared(_checked(declared, self._declared, current, program.checksum), declared, owner, others)
        if present and python is None:
            python = choose_interpreter(needed_libraries(declared))
        self._python = python or ""
        self._removal = _removal(gone) if remove_former and gone else None
        self.plan: Plan[Any]
        if self._removal and self._removal.words:
            noted = plan_files(current, self._noted(gone, present), ())
            meanwhile = {**current, **{step.path: step.content for step in noted.operations if step.content}}
            self.plan = plan_removal(noted, self._removal.words, self._final(meanwhile, {}, present))
        else:
            gone = {} if remove_former else gone
            self.plan = self._final(current, gone, present)
        self.plan = replace(self.plan, warnings=tuple(warnings))
        active = is_active(declared.runtime)
        self.plan.results.update(
            unit=declared.unit,
            active=active,
            stale=active and is_stale(declared, self.plan.operations),
            former=gone if present and not remove_former else {},
            former_gate=self.plan.changed and not self._declared.gate and _had_gate(current.get(declared.state)),
        )

    def apply(self) -> None:
        """Apply the plan; raise LvsError, and ProgramMissing before anything is changed."""
        operations = self.plan.operations
        program = self._program.read() if program_of(operations) else b""
        for removes, steps in groupby(operations, lambda step: isinstance(step, Removal)):
            if not removes:
                apply_files(list(steps), program)
            elif self._removal:
                self._removal.apply()

    def _files(self, gone: Saved) -> list[Content]:
        early = wants_early_unit(self._declared)
        return wanted_files(self._declared, self._python, self._program.checksum, gone, early)

    def _noted(self, gone: Saved, present: bool) -> list[Content]:
        """Return the files that are written before anything is taken away: what keeps VIPs there reads the first."""
        files = self._files(gone)
        return files if present else [content for content in files if content.path == self._declared.state]

    def _final(self, current: Mapping[str, Content], gone: Saved, present: bool) -> Plan[Any]:
        if present:
            files = self._files(gone)
            wanted = {content.path for content in files}
            return plan_files(current, files, [path for path in self._declared.paths if path not in wanted])
        shared = {self._declared.program} if other_declarations(self._declared) else set()
        # The unit's link goes first: a declaration that is half removed restores nothing.
        return plan_files(current, [], [path for path in reversed(self._declared.paths) if path not in shared])


def _had_gate(state: Content | None) -> bool:
    """Return whether the declaration on the disk has a gate; one that can't be read has none."""
    try:
        return bool(state and json.loads(state.data).get("gate"))
    except (AttributeError, ValueError):
        return False


def _checked(given: Declared, wanted: Declared, current: Mapping[str, Content], checksum: str) -> Saved:
    """Return what an earlier declaration had and `wanted` has not, after each part of what was `given` is checked."""
    if is_kept(given, current, checksum) and given == wanted:
        return {}  # it was checked when it was written, and what checks it is not compiled
    from .._parts.stale import find_stale
    from .._parts.validate import check_parts

    check_parts(given)
    state = current.get(wanted.state)
    return find_stale(state.data if state else None, wanted)


# Nearly no host has several owners, or stale parts beside other declarations; only those compile what settles them.
def _refuse_claimed(declared: Declared, owner: Owner, others: Sequence[Declaration]) -> None:
    from .._parts.ownership import refuse_claimed

    refuse_claimed(declared, owner, others)


def _spared(
    gone: Saved, declared: Declared, owner: Owner, others: Sequence[Declaration]
) -> tuple[Saved, Sequence[str]]:
    """Return what is stale without what another declaration of this host has, of this owner or of others."""
    rest = [*others, *read_siblings(owner, declared.name)] if gone else []
    if not rest:
        return gone, ()
    from .._parts.ownership import without_claimed

    return without_claimed(gone, owner, rest)


def _removal(gone: Saved) -> StaleRun:
    # Most runs have nothing to remove, and do not compile what does.
    from .._parts.stale_run import StaleRun

    return StaleRun(gone)
