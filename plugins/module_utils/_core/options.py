# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks that the options of several modules share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .errors import InvalidValue

# Device and label names are char[IFNAMSIZ] with a closing zero (include/uapi/linux/if.h).
_LONGEST_NAME = 15


def parse_interface(name: object, labels: bool = False) -> str:
    """Return the name of a device; raise InvalidValue for what the kernel does not take (dev_valid_name).

    `labels` says whether the module that is spoken of has an option for them.
    """
    text = str(name)
    if ":" in text:
        device = text.partition(":")[0]
        remedy = f"write interface: {device}" + (f" and label: {text}" if labels else "")
        raise InvalidValue("interface", text, "is a label, not a device", remedy)
    if not text or len(text.encode()) > _LONGEST_NAME or text in (".", "..") or "/" in text or text.split() != [text]:
        raise InvalidValue(
            "interface", text, f"is not a device name (1 to {_LONGEST_NAME} bytes, no space, no /)", "see `ip link`"
        )
    return text


def choice(options: Mapping[str, Any], name: str, spec: Mapping[str, Any]) -> str | None:
    """Return the value of an option; raise InvalidValue when it is none of the choices that `spec` gives it."""
    value, choices = options.get(name), spec[name]["choices"]
    if value is not None and value not in choices:
        raise InvalidValue(name, value, "is not a choice", f"choose from {', '.join(choices)}")
    return value


def in_range(option: str, value: int, lowest: int, highest: int) -> int:
    """Return the value; raise InvalidValue unless it is from `lowest` to `highest`."""
    if not lowest <= value <= highest:
        raise InvalidValue(option, value, "is out of range", f"give a number from {lowest} to {highest}")
    return value
