# SPDX-License-Identifier: GPL-3.0-or-later
"""The one runner: read, decide, apply unless it is a rehearsal, answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Callable

from ._errors import LvsError

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

    from ._plan import Operation, Plan


def run(
    module: AnsibleModule,
    make_plan: Callable[[], Plan],
    apply: Callable[[Sequence[Operation]], None],
    after: Callable[[Plan], dict[str, Any]] | None = None,
) -> None:
    """Carry one module through, and exit.

    `make_plan` reads the host and never writes; `apply` is called only outside check mode and only with operations.
    `after`, when given, turns the plan into further return values once all is done (or rehearsed).
    Any LvsError ends the module with its text; every other exception is a defect and is left to Ansible.
    """
    plan = None
    try:
        plan = make_plan()
        for warning in plan.warnings:
            module.warn(warning)
        if plan.changed and not module.check_mode:
            apply(plan.operations)
        results = dict(plan.results)
        if after is not None:
            results.update(after(plan))
    except LvsError as error:
        details = {} if plan is None else {"operations": plan.words}
        module.fail_json(msg=str(error), **details)
    module.exit_json(
        changed=plan.changed,
        operations=plan.words,
        diff={"before": plan.before, "after": plan.after},
        **results,
    )
