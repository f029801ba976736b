# SPDX-License-Identifier: GPL-3.0-or-later
"""One run of boot_restore: what it reads and decides, and how that is carried out; without Ansible."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from ._boot_client import apply_files, is_active, module_sources, other_declarations, read_files
from ._boot_places import PROGRAM
from ._boot_plan import Content, Declared, Removal, is_kept, is_stale, plan_files, plan_removal, program, wanted_files
from ._plan import Plan

if TYPE_CHECKING:
    from ._boot_former import Former
    from ._boot_former_run import FormerRun


class DeclareRun:
    """A declaration and the way to it; `plan` is what there is to do.

    With `remove_former` what an earlier declaration had is taken away; without, the file remembers it. Raises
    InvalidValue for a part that its own module would refuse.
    """

    def __init__(self, declared: Declared, present: bool, remove_former: bool, python: str) -> None:
        self._declared = declared if present else Declared(declared.name)
        self._python, self._program = python, program(module_sources())
        # A declaration can have lost its kernel modules since, so their file is looked for in any case.
        current = read_files(declared.paths)
        gone = _checked(declared, self._declared, current, self._program)
        self._removal = _removal(gone) if remove_former and gone else None
        self.plan: Plan[Any]
        if self._removal and self._removal.words:
            noted = plan_files(current, self._noted(gone, present), ())
            meanwhile = {**current, **{step.path: step.content for step in noted.operations if step.content}}
            self.plan = plan_removal(noted, self._removal.words, self._final(meanwhile, {}, present))
        else:
            gone = {} if remove_former else gone
            self.plan = self._final(current, gone, present)
        active = is_active(declared.runtime)
        self.plan.results.update(
            unit=declared.unit,
            active=active,
            stale=active and is_stale(declared, self.plan.operations),
            former=gone if present and not remove_former else {},
        )

    def apply(self, operations: Sequence[Any]) -> None:
        """Carry the plan's operations out, in their order."""
        for removes, steps in groupby(operations, lambda step: isinstance(step, Removal)):
            if not removes:
                apply_files(list(steps))
            elif self._removal:
                self._removal.apply()

    def _files(self, gone: Former) -> list[Content]:
        return wanted_files(self._declared, self._python, self._program, gone)

    def _noted(self, gone: Former, present: bool) -> list[Content]:
        """Return the files that are written before anything is taken away: what keeps VIPs there reads the first."""
        files = self._files(gone)
        return files if present else [content for content in files if content.path == self._declared.state]

    def _final(self, current: Mapping[str, Content], gone: Former, present: bool) -> Plan[Any]:
        if present:
            files = self._files(gone)
            wanted = {content.path for content in files}
            return plan_files(current, files, [path for path in self._declared.paths if path not in wanted])
        shared = {PROGRAM} if other_declarations(self._declared.name) else set()
        # The unit's link goes first: a declaration that is half removed restores nothing.
        return plan_files(current, [], [path for path in reversed(self._declared.paths) if path not in shared])


def _checked(given: Declared, wanted: Declared, current: Mapping[str, Content], restorer: bytes) -> Former:
    """Return what an earlier declaration had and `wanted` has not, after each part of what was `given` is checked."""
    if is_kept(given, current, restorer) and given == wanted:
        return {}  # it was checked when it was written, and need not compile what checks every part
    from ._boot_check import check_parts
    from ._boot_former import former

    check_parts(given)
    state = current.get(wanted.state)
    return former(state.data if state else None, wanted)


def _removal(gone: Former) -> FormerRun:
    # Most runs have nothing to take away, and need not compile what does.
    from ._boot_former_run import FormerRun

    return FormerRun(gone)
