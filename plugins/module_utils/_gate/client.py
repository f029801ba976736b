# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the number of a director's gate."""

from __future__ import annotations

from collections.abc import Collection

from .._core.files import read_bytes, write_atomic
from .._core.paths import standby_number_path
from .model import MASTER, Gate


def settle_gate(gate: Gate, addresses: Collection[str]) -> str:
    """Write the number where the file has another one, or is not there; return what was done in words, or nothing."""
    number = gate.number(addresses)
    _write(standby_number_path(gate.path), gate.standby)
    if not _write(gate.path, number):
        return ""
    return f"write {number} to {gate.path}: this director is {'master' if number == MASTER else 'on standby'}"


def _write(path: str, number: int) -> bool:
    text = f"{number}\n".encode()
    if read_bytes(path) == text:
        return False
    write_atomic(path, text)
    return True
