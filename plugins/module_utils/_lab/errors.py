# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong with the lab, each as its own class; the text is one sentence with the remedy."""

from __future__ import annotations

# For whatever has no better remedy: a lab is cheap to have anew.
AGAIN = "end the lab with lvs.cluster.lab_down and bring it up again with lvs.cluster.lab_up"


class LabError(Exception):
    """Any failure of the lab that a person can act upon."""


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
