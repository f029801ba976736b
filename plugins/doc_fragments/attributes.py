# SPDX-License-Identifier: GPL-3.0-or-later
"""What every module of this collection promises, in the words of the documentation."""

from __future__ import annotations


class ModuleDocFragment:
    """The common attributes, return values and notes."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    support: full
    description: Rehearses without writing; what it then reports is exactly what a real run would do.
  diff_mode:
    support: full
    description: Returns the structured state before and after; check mode returns the same.
  idempotent:
    support: full
    description: A second run with the same options changes nothing.
  platform:
    support: full
    platforms: linux
    description: Speaks to the Linux kernel; needs Python 3.9 or newer on the managed host.
"""

    INFO = r"""
options: {}
attributes:
  check_mode:
    support: full
    description: Only asks; check mode is the same.
  diff_mode:
    support: N/A
    description: Changes nothing.
  idempotent:
    support: full
    description: Changes nothing.
  platform:
    support: full
    platforms: linux
    description: Speaks to the Linux kernel; needs Python 3.9 or newer on the managed host.
"""
