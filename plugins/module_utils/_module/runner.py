# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a module: reads, decides, applies unless in check mode, and exits. The only package that knows Ansible."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, Callable

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from .._core.errors import LibraryMissing, LvsError
from .._core.run import Run


def run_module(module: AnsibleModule, make_run: Callable[[Mapping[str, Any]], Run]) -> None:
    """Run a module that changes the host, and exit.

    `make_run` gets the options, reads the host and decides; it never writes. `apply` is called only outside check mode
    and only if there are operations. For errors see `failures`.
    """
    intended: dict[str, Any] = {"operations": []}
    with failures(module, intended):
        run = make_run(module.params)
        intended["operations"] = run.plan.words
        if run.plan.changed and not module.check_mode:
            run.apply()
    plan = run.plan
    for warning in plan.warnings:
        module.warn(warning)
    diff = {"before": plan.before, "after": plan.after}
    module.exit_json(changed=plan.changed, operations=plan.words, diff=diff, **plan.results)


def run_info(module: AnsibleModule, answer: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> None:
    """Run a module that changes nothing, and exit with what `answer` returns for its options; see `failures`."""
    with failures(module):
        results = answer(module.params)
    module.exit_json(changed=False, **results)


@contextmanager
def failures(module: AnsibleModule, results: Mapping[str, Any] = MappingProxyType({})) -> Iterator[None]:
    """Fail the module for an LvsError with its text, or with Ansible's own text for a missing library.

    The result has `results` and those of the error. Every other exception is a defect and is left to Ansible.
    """
    try:
        yield
    except LibraryMissing as error:
        module.fail_json(msg=missing_required_lib(error.library, reason=error.reason))
    except LvsError as error:
        module.fail_json(msg=str(error), **{**results, **error.results})
