# SPDX-License-Identifier: GPL-3.0-or-later
"""The one runner: read, decide, apply unless it is a rehearsal, answer; or look, and answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Callable, TypeVar

from .._core.errors import LibraryMissing, LvsError
from .._core.plan import Operation, Plan

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

Work = TypeVar("Work", bound=Operation)


def run(
    module: AnsibleModule,
    make_plan: Callable[[], Plan[Work]],
    apply: Callable[[Sequence[Work]], Plan[Work] | None],
    after: Callable[[Plan[Work]], dict[str, Any]] | None = None,
) -> None:
    """Carry one module through, and exit.

    `make_plan` reads the host and never writes; `apply` is called only outside check mode and only with operations, and
    returns another plan when, on the way, it had to take another one.
    `after`, when given, turns the plan into further return values once all is done (or rehearsed).
    Any LvsError ends the module with its text, a missing library with Ansible's own; every other exception is a defect
    and is left to Ansible.
    """
    intended: list[str] = []
    try:
        plan = make_plan()
        intended = plan.words
        if plan.changed and not module.check_mode:
            plan = apply(plan.operations) or plan
        for warning in plan.warnings:
            module.warn(warning)
        results = {**plan.results, **(after(plan) if after else {})}
    except LibraryMissing as error:
        from ansible.module_utils.basic import missing_required_lib

        module.fail_json(msg=missing_required_lib(error.library, reason=error.reason))
        raise  # as below
    except LvsError as error:
        module.fail_json(msg=str(error), **{"operations": intended, **error.results})
        raise  # fail_json() has ended the program; this tells it to who reads or checks the code
    module.exit_json(
        changed=plan.changed,
        operations=plan.words,
        diff={"before": plan.before, "after": plan.after},
        **results,
    )


def inform(module: AnsibleModule, answer: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> None:
    """Carry a module through that changes nothing, and exit with what `answer` makes of its options.

    An LvsError ends the module with its text; every other exception is a defect and is left to Ansible.
    """
    try:
        results = answer(module.params)
    except LvsError as error:
        module.fail_json(msg=str(error))
        raise  # as above
    module.exit_json(changed=False, **results)
