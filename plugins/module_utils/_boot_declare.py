# SPDX-License-Identifier: GPL-3.0-or-later
"""One run of boot_restore: what it reads and decides, and how that is carried out; without Ansible."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from ._boot_client import apply_files, is_active, module_sources, other_declarations, read_files
from ._boot_former import Former, former
from ._boot_former_run import FormerRun
from ._boot_plan import PROGRAM, Content, Declared, Removal, is_stale, plan_files, plan_removal, wanted_files
from ._plan import Plan


class DeclareRun:
    """A declaration and the way to it; `plan` is what there is to do.

    With `remove_former` what an earlier declaration had is taken away; without, the file remembers it.
    """

    def __init__(self, declared: Declared, present: bool, remove_former: bool, python: str) -> None:
        self._declared = declared if present else Declared(declared.name, (), ())
        self._python, self._sources = python, module_sources()
        everything = [content.path for content in self._files({})]
        # A declaration can have lost its kernel modules since, so their file is looked for in any case.
        self._paths = list(dict.fromkeys([declared.modules, *everything]))
        current = read_files(self._paths)
        state = current.get(declared.state)
        gone = former(state.data if state else None, self._declared)
        self._removal = FormerRun(gone if remove_former else {})
        if self._removal.words:
            noted = plan_files(current, self._noted(gone, present), ())
            meanwhile = {**current, **{step.path: step.content for step in noted.operations if step.content}}
            final = self._final(meanwhile, {}, present)
            self.plan: Plan[Any] = plan_removal(noted, self._removal.words, final)
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
            if removes:
                self._removal.apply()
            else:
                apply_files(list(steps))

    def _files(self, gone: Former) -> list[Content]:
        return wanted_files(self._declared, self._python, self._sources, gone)

    def _noted(self, gone: Former, present: bool) -> list[Content]:
        """Return the files that are written before anything is taken away: what keeps VIPs there reads the first."""
        files = self._files(gone)
        return files if present else [content for content in files if content.path == self._declared.state]

    def _final(self, current: Mapping[str, Content], gone: Former, present: bool) -> Plan[Any]:
        if present:
            files = self._files(gone)
            wanted = {content.path for content in files}
            return plan_files(current, files, [path for path in self._paths if path not in wanted])
        shared = {PROGRAM} if other_declarations(self._declared.name) else set()
        # The unit's link goes first: a declaration that is half removed restores nothing.
        return plan_files(current, [], [path for path in reversed(self._paths) if path not in shared])
