# SPDX-License-Identifier: GPL-3.0-or-later
"""The errors of the lab."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from .._core.errors import LvsError

# For errors without a better remedy: to build a lab again costs little.
AGAIN = "end the lab with lvs.cluster.lab_down and start it again with lvs.cluster.lab_up"
UP_AGAIN = "run lvs.cluster.lab_up again"


class LabError(LvsError):
    """An error of the lab; `details`, such as the end of a console's log, follow its sentence."""

    def __init__(self, subject: str, value: object, rule: str, remedy: str, details: str = "") -> None:
        super().__init__(subject, value, rule, remedy)
        self.details = details

    def __str__(self) -> str:
        return f"{super().__str__()}{self.details}"


class BadLabHost(LabError):
    """The inventory describes a host, an interface or an address that cannot be built."""


class PortTaken(LabError):
    """Something else listens on a port that a lab machine needs."""


class NoSpace(LabError):
    """The file system of the lab's directory is too full."""


class PathTooLong(LabError):
    """A unix socket's path would not fit into the kernel's 108 bytes."""


class MissingProgram(LabError):
    """A program that the lab needs is not installed."""


class MachineDied(LabError):
    """A lab machine's QEMU ended by itself."""


class SnapshotRefused(LabError):
    """QEMU would not load an image's snapshot."""


class GuestFailed(LabError):
    """A command inside a lab machine failed, or its agent did not answer."""


class BadImage(LabError):
    """An image in the cache is not complete or not what it should be."""


@contextmanager
def usable(directory: str) -> Iterator[None]:
    """Raise a LabError for every OSError, which the lab's directory is the reason of."""
    try:
        yield
    except OSError as error:
        remedy = "correct that, or set LVS_LAB_DIR to another directory"
        raise LabError("base_dir", directory, f"cannot be used: {error}", remedy) from error
