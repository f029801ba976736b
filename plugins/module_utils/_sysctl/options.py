# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of arp_sysctl, made canonical at the door."""

from __future__ import annotations

from collections.abc import Mapping
from posixpath import basename, dirname, normpath
from typing import Any

from .._core.errors import InvalidValue
from .._core.options import LONGEST_NAME, given
from .._core.owner import Owner
from .._core.paths import DROP_IN
from .files import BOOT_DIRECTORIES
from .model import ALL, DEFAULT, SETTINGS, Request

_WORDS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


def parse_request(options: Mapping[str, Any]) -> Request:
    """Return the request that the module's options make; raises InvalidValue for one that can never be right."""
    targets = _interfaces(options, "interfaces")
    if not targets:
        raise InvalidValue("interfaces", [], "names no interface", "name at least one, or leave the option out")
    present = options["state"] == "present"
    wanted = {key: int(value) for key, value in given(options, SETTINGS).items()}
    restored = tuple(dict.fromkeys(map(str, options.get("restore") or ())))
    for key in restored:
        if key in wanted:
            remedy = "leave it out of restore, or give it no value"
            raise InvalidValue("restore", key, "has a value in this task too", remedy)
    if present and not wanted and not restored:
        raise InvalidValue("state", "present", "declares no setting", "give at least one, such as arp_ignore: 1")
    keep_stricter = options.get("on_stricter", "keep") == "keep"
    persist, drop_in = _persist(options["persist"])
    strict = options["on_ineffective"] == "fail"
    effective_on = None if options.get("effective_on") is None else _interfaces(options, "effective_on")
    owner = Owner.from_options(options)
    return Request(targets, wanted, present, persist, drop_in, strict, effective_on, restored, keep_stricter, owner)


def _interfaces(options: Mapping[str, Any], option: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_interface(name, option) for name in options[option]))


def _interface(name: object, option: str) -> str:
    """Return an interface name that the kernel could accept (net/core/dev.c, dev_valid_name)."""
    text = str(name)
    broken = not text or text in (".", "..") or any(character in "/:" or character.isspace() for character in text)
    if broken or (len(text.encode()) > LONGEST_NAME and text not in (ALL, DEFAULT)):
        raise InvalidValue(
            option, name, "can't be the name of an interface", "write one as 'ip link' shows it, such as eth0.100"
        )
    return text


def _persist(value: object) -> tuple[bool, str]:
    """Return whether to write a drop-in, and its path."""
    if isinstance(value, bool):
        return value, DROP_IN
    text = str(value).strip()
    if text.lower() in _WORDS:
        return _WORDS[text.lower()], DROP_IN
    if not text.startswith("/"):
        raise InvalidValue(
            "persist", value, "is neither true, false nor an absolute path", f"write one such as {DROP_IN}"
        )
    path = normpath(text)
    if dirname(path) not in BOOT_DIRECTORIES or not path.endswith(".conf") or basename(path) == ".conf":
        raise InvalidValue(
            "persist",
            value,
            "is not a file that is read at boot",
            f"name a .conf file in {BOOT_DIRECTORIES[0]}, such as {DROP_IN}",
        )
    return True, path
