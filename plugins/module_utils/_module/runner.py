# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a module: reads, decides, applies unless in check mode, and exits. The only package that knows Ansible."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from .._core.errors import LibraryMissing, LvsError
from .._core.run import Run


def run_module(module: AnsibleModule, make_run: Callable[[Mapping[str, Any]], Run]) -> None:
    """Run a module that changes the host, and exit.

    `make_run` gets the options, reads the host and decides; it never writes. `apply` is called only outside check mode
    and only if there are operations. An LvsError fails the module with its text, a missing library with Ansible's own
    text; every other exception is a defect and is left to Ansible.
    """
    intended: list[str] = []
    try:
        run = make_run(module.params)
        intended = run.plan.words
        if run.plan.changed and not module.check_mode:
            run.apply()
    except LibraryMissing as error:
        module.fail_json(msg=missing_required_lib(error.library, reason=error.reason))
        raise  # for type checkers and readers: fail_json() has ended the program
    except LvsError as error:
        module.fail_json(msg=str(error), **{"operations": intended, **error.results})
        raise
    plan = run.plan
    for warning in plan.warnings:
        module.warn(warning)
    diff = {"before": plan.before, "after": plan.after}
    module.exit_json(changed=plan.changed, operations=plan.words, diff=diff, **plan.results)


def run_info(module: AnsibleModule, answer: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> None:
    """Run a module that changes nothing, and exit with what `answer` returns for its options.

    An LvsError fails the module with its text; every other exception is a defect and is left to Ansible.
    """
    try:
        results = answer(module.params)
    except LvsError as error:
        module.fail_json(msg=str(error))
        raise  # as above
    module.exit_json(changed=False, **results)
