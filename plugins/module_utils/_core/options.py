# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks that the options of several modules share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from .errors import InvalidValue

Number = TypeVar("Number", int, float)

# Device and label names are char[IFNAMSIZ] with a closing zero (include/uapi/linux/if.h).
LONGEST_NAME = 15


def parse_interface(name: object, labels: bool = False) -> str:
    """Return the name of a device; raise InvalidValue for what the kernel does not take (dev_valid_name).

    `labels` says whether the module that is spoken of has an option for them.
    """
    text = str(name)
    if ":" in text:
        device = text.partition(":")[0]
        remedy = f"write interface: {device}" + (f" and label: {text}" if labels else "")
        raise InvalidValue("interface", text, "is a label, not a device", remedy)
    if not text or len(text.encode()) > LONGEST_NAME or text in (".", "..") or "/" in text or text.split() != [text]:
        raise InvalidValue(
            "interface", text, f"is not a device name (1 to {LONGEST_NAME} bytes, no space, no /)", "see `ip link`"
        )
    return text


def given(options: Mapping[str, Any] | None, names: Iterable[str] | None = None) -> dict[str, Any]:
    """Return the options, or those of `names`, that have a value: Ansible sets the others to None."""
    options = options or {}
    return {name: options[name] for name in (options if names is None else names) if options.get(name) is not None}


def choice(options: Mapping[str, Any], name: str, spec: Mapping[str, Any]) -> Any:
    """Return the value or default of an option; raise InvalidValue unless it is a choice of its `spec`."""
    value, choices = options.get(name), spec[name]["choices"]
    if value is None:
        return spec[name].get("default")
    if value not in choices:
        raise InvalidValue(name, value, "is not a choice", f"choose from {', '.join(choices)}")
    return value


def switch(options: Mapping[str, Any], name: str, spec: Mapping[str, Any]) -> bool:
    """Return the value or default of a boolean option; raise InvalidValue for anything else."""
    value = options.get(name)
    if value is None:
        value = spec[name]["default"]
    if not isinstance(value, bool):
        raise InvalidValue(name, value, "is neither true nor false", "write one of them")
    return value


def in_range(option: str, value: Number, lowest: int, highest: int, unit: str = "") -> Number:
    """Return the value; raise InvalidValue unless it is a number from `lowest` to `highest`.

    Only a number with a `unit`, such as seconds, may have a fraction.
    """
    kinds = (int, float) if unit else int
    if isinstance(value, bool) or not isinstance(value, kinds) or not lowest <= value <= highest:
        what = f"{highest} {unit}" if unit else f"{highest}"
        raise InvalidValue(option, value, "is out of range", f"give a number from {lowest} to {what}")
    return value


def parse_wait(options: Mapping[str, Any], name: str, default: float, longest: int) -> float:
    """Return a number of seconds, or the default; raise InvalidValue unless it is above 0 and at most `longest`."""
    seconds: float = options.get(name, default)
    if not 0 < seconds <= longest:
        raise InvalidValue(name, seconds, f"is not above 0 and at most {longest} seconds", "write one such as 2")
    return seconds


def parse_list(option: str, value: Any, example: str, least: int = 0) -> Sequence[Any]:
    """Return a list; raise InvalidValue for anything else, and for one with fewer than `least` entries."""
    if not isinstance(value, (list, tuple)) or len(value) < least:
        rule = "is not a list with at least one entry" if least else "is not a list"
        raise InvalidValue(option, value, rule, example)
    return value


def parse_mappings(option: str, value: Any, example: str, least: int = 0) -> Sequence[Mapping[str, Any]]:
    """Return a list of dictionaries; raise InvalidValue for anything else."""
    for item in parse_list(option, value, example, least):
        if not isinstance(item, Mapping):
            raise InvalidValue(option, item, "is not a dictionary", example)
    return list(value)
