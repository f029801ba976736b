# SPDX-License-Identifier: GPL-3.0-or-later
"""The errors of this collection; only the runner turns one into a failed task.

Each names a subject, a value, the rule that the value breaks and the remedy, and reads as one sentence.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping, Sequence
from typing import Any

AS_ROOT = "run the task as root (become: true)"
KERNEL_LOG = "look for the reason in the kernel's log (dmesg) on that host"


def sentence(subject: str, value: object, rule: str, remedy: str) -> str:
    """Return the sentence of an error; `value` is None when there is none."""
    return f"{subject} {rule}; {remedy}." if value is None else f"{subject}: {value!r} {rule}; {remedy}."


class LvsError(Exception):
    """Something that an operator has to correct.

    `subject` is the option, file, host or program, and `value` what it has (None: no value). `results` are further
    values for the operator, such as the operations that were applied before the error.
    """

    results: Mapping[str, Any] = {}

    def __init__(self, subject: str, value: object, rule: str, remedy: str) -> None:
        super().__init__(sentence(subject, value, rule, remedy))
        self.subject, self.value, self.rule, self.remedy = subject, value, rule, remedy


class ErrorGroup(LvsError):
    """Several errors at once, each on a line of its own; its parts are those of the first."""

    def __init__(self, errors: Sequence[LvsError]) -> None:
        first = errors[0]
        super().__init__(first.subject, first.value, first.rule, first.remedy)
        self.errors = tuple(errors)

    def __str__(self) -> str:
        return "\n".join(dict.fromkeys(map(str, self.errors)))


class InvalidValue(LvsError):
    """An option with a value that breaks a rule."""

    def of(self, whose: str) -> InvalidValue:
        """Return the same error with the owner of the option in its subject, unless the subject has an owner."""
        if " of " in self.subject:
            return self
        return InvalidValue(f"{self.subject} of {whose}", self.value, self.rule, self.remedy)


class AddressConflict(LvsError):
    """Another host of the segment answers for an address that was to be added here."""


class KernelRefusal(LvsError):
    """The kernel refused an operation; `errno` is the kernel's number (see errno(3))."""

    def __init__(self, subject: str, value: object, rule: str, remedy: str, errno: int) -> None:
        super().__init__(subject, value, rule, remedy)
        self.errno = errno


class NotPermitted(KernelRefusal):
    """The task lacks a permission or capability that the operation needs."""


def refusal(
    what: str, number: int, known: tuple[str, str] | None = None, needs: str = "CAP_NET_ADMIN"
) -> KernelRefusal:
    """Return the error for an errno of the kernel, which refused to do `what`.

    `known` is the reason and the remedy where the errno has a meaning of its own at this step.
    """
    if number == errno.EPERM:
        return NotPermitted("The task", None, f"is not allowed to {what}: this needs {needs}", AS_ROOT, number)
    reason, remedy = known or (f"{os.strerror(number)} (errno {number})", KERNEL_LOG)
    return KernelRefusal("The kernel", None, f"refused to {what}: {reason}", remedy, number)


class NotSupported(LvsError):
    """This kernel or host lacks something that the task needs."""


class ServiceRefusal(LvsError):
    """A program that runs on this host, such as firewalld, refused a request."""


class PrerequisiteMissing(NotSupported):
    """This host lacks something that an earlier step of the same playbook may bring; nothing was changed.

    `until` says when it is there, such as "python3-nftables is installed".
    """

    def __init__(self, subject: str, value: object, rule: str, remedy: str, until: str) -> None:
        super().__init__(subject, value, rule, remedy)
        self.until = until

    @property
    def prediction(self) -> str:
        """What check mode can say of such a step, as a sentence."""
        return f"The changes of this task cannot be predicted before {self.until}."


class LibraryMissing(PrerequisiteMissing):
    """A Python library is not installed; `reason` says what needs it and which package has it."""

    def __init__(self, library: str, package: str, purpose: str) -> None:
        rule, remedy = "is missing on this host", f"install the package {package}"
        super().__init__("Python library", library, rule, remedy, f"{package} is installed")
        self.library = library
        self.reason = f"for {purpose}; install the package {package}"


class MalformedAnswer(LvsError):
    """The kernel's answer has bytes that break its format; nothing in it is used."""

    def __init__(self, what: str) -> None:
        remedy = "the task did not act on it: report this with the output of `uname -r`"
        super().__init__("The kernel's answer", None, f"cannot be parsed: {what}", remedy)
