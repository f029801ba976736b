# SPDX-License-Identifier: GPL-3.0-or-later
"""The errors of this collection; only the runner turns one into a failed task."""

from __future__ import annotations


class LvsError(Exception):
    """Something that a person has to put right; the text is one complete sentence or two."""


class InvalidValue(LvsError):
    """A value that breaks a rule.

    The text reads: option, value, the rule that it breaks, what to do.
    """

    def __init__(self, option: str, value: object, rule: str, remedy: str) -> None:
        super().__init__(f"{option}: {value!r} {rule}; {remedy}.")
        self.option = option
        self.value = value


class AddressConflict(LvsError):
    """Another host of the segment answers for an address that was to be added here."""


class KernelRefusal(LvsError):
    """The kernel refused an operation; `errno` is the kernel's number (see errno(3))."""

    def __init__(self, message: str, errno: int) -> None:
        super().__init__(message)
        self.errno = errno


class NotPermitted(KernelRefusal):
    """The caller lacks the capability that the operation needs."""


class NotSupported(LvsError):
    """This kernel or host lacks something that the task needs."""
