# SPDX-License-Identifier: GPL-3.0-or-later
"""The errors of this collection; only the runner turns one into a failed task."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any


class LvsError(Exception):
    """Something that a person has to put right; the text is one complete sentence or two.

    `results` are further values for the person, such as what was done before it.
    """

    results: Mapping[str, Any] = {}


class InvalidValue(LvsError):
    """A value that breaks a rule.

    The text reads: option, value (None: there is none), the rule that it breaks, what to do.
    """

    def __init__(self, option: str, value: object, rule: str, remedy: str) -> None:
        super().__init__(f"{option} {rule}; {remedy}." if value is None else f"{option}: {value!r} {rule}; {remedy}.")
        self.option, self.value, self.rule, self.remedy = option, value, rule, remedy

    def of(self, whose: str) -> InvalidValue:
        """Return the same error, telling whose option it is, unless that was told already."""
        if " of " in self.option:
            return self
        return InvalidValue(f"{self.option} of {whose}", self.value, self.rule, self.remedy)


def unexplained(number: int) -> str:
    """Return an errno (see errno(3)) that has no meaning of its own at this step, and where to look for its reason."""
    return f"{os.strerror(number)} (errno {number}); look for the reason in the kernel's log (dmesg) on that host"


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


class ServiceRefusal(LvsError):
    """A program that runs on this host, such as firewalld, refused what it was asked for."""


class LibraryMissing(NotSupported):
    """A Python library is not there; `reason` tells what it is for, and which package has it."""

    def __init__(self, library: str, package: str, purpose: str) -> None:
        super().__init__(f"The Python library {library} is missing on this host; install the package {package}.")
        self.library = library
        self.reason = f"for {purpose}; it is in the distribution's package {package}"


class MalformedAnswer(LvsError):
    """Bytes from the kernel that do not mean what they should; nothing in them is believed."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"The kernel's answer cannot be read: {what}. Nothing was decided on it; please report it with `uname -r`."
        )
