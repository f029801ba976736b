# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of a topology as people write them: each becomes what it has to be, or a mistake that is noted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Callable

from ansible_collections.lvs.cluster.plugins.module_utils._core.address import parse_host
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import InvalidValue
from ansible_collections.lvs.cluster.plugins.module_utils._core.options import in_range

from .finding import Finding, of_error

# What an option has to be; all but the lists are single values.
KINDS = {
    "scheduler": "text",
    "scheduler_flags": "list",
    "one_packet": "bool",
    "persistence_timeout": "number",
    "persistence_netmask": "netmask",
    "persistence_engine": "text",
    "weight": "number",
    "upper_threshold": "number",
    "lower_threshold": "number",
    "tunnel_type": "text",
    "tunnel_port": "number",
    "tunnel_checksum": "text",
    "port": "number",
    "state": "text",
}
SERVICE_OPTIONS = tuple(KINDS)[:6]
POOL_OPTIONS = tuple(KINDS)[6:12]
SERVER_OPTIONS = (*POOL_OPTIONS, "port", "state")


def _number(value: Any) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return int(value)
    text = str(value).strip() if isinstance(value, str) else ""
    return int(text) if text.isascii() and text.isdigit() else None


def _bool(value: Any) -> bool | None:
    words = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
    return value if isinstance(value, bool) else words.get(value.strip().lower()) if isinstance(value, str) else None


def _text(value: Any) -> str | None:
    return str(value) if isinstance(value, str) else None


def _netmask(value: Any) -> str | None:
    return str(value).strip() if isinstance(value, (str, int)) and not isinstance(value, bool) else None


def _list(value: Any) -> list[Any] | None:
    return list(value) if isinstance(value, Sequence) and not isinstance(value, (str, bytes)) else None


_PARSERS: dict[str, tuple[Callable[[Any], Any], str, str]] = {
    "number": (_number, "is not a whole number", "write digits"),
    "bool": (_bool, "is not a boolean", "write true or false"),
    "text": (_text, "is not a text", "write it as one word"),
    "netmask": (_netmask, "is not a netmask", "write an IPv4 mask or an IPv6 prefix length"),
    "list": (_list, "is not a list", "write it as a list"),
}


class Notes:
    """The mistakes that were found, each once; what is wrong is read as nothing, so that the search goes on."""

    def __init__(self) -> None:
        self.found: list[Finding] = []

    def add(self, findings: Iterable[Finding]) -> None:
        """Add mistakes, in their order."""
        for finding in findings:
            if finding not in self.found:
                self.found.append(finding)

    def note(self, host: str, subject: str, value: Any, rule: str, remedy: str) -> None:
        """Add one mistake; `value` None means that there is none to show."""
        self.add([Finding(host, subject, "" if value is None else str(value), rule, remedy)])

    def kind(self, host: str, subject: str, value: Any, kind: str) -> Any:
        """Return the value as what it has to be; note one that is not, and return None."""
        parse, rule, remedy = _PARSERS[kind]
        parsed = parse(value)
        if parsed is None:
            self.note(host, subject, value, rule, remedy)
        return parsed

    def choice(self, host: str, subject: str, value: Any, choices: Iterable[str]) -> str:
        """Return the word, or the first choice for one that is none."""
        allowed = tuple(choices)
        if value not in allowed:
            self.note(host, subject, value, "is not known", f"choose from {', '.join(allowed)}")
            return allowed[0]
        return str(value)

    def ranged(self, subject: str, value: Any, lowest: int, highest: int) -> int:
        """Return the number, or 0 for one that is none or out of range."""
        number = self.kind("", subject, value, "number")
        try:
            return 0 if number is None else in_range(subject, number, lowest, highest)
        except InvalidValue as error:
            self.add([of_error("", error)])
            return 0

    def options(self, host: str, where: str, given: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
        """Return the options of these names that are given, each as what it has to be."""
        read = {}
        for name in names:
            if given.get(name) is not None:
                value = self.kind(host, f"{where}.{name}", given[name], KINDS[name])
                if value is not None:
                    read[name] = value
        return read

    def known(self, where: str, given: Iterable[str], names: Iterable[str], rule: str) -> None:
        """Note each option that is none of these names."""
        allowed = sorted(names)
        for option in given:
            if option not in allowed:
                self.note("", where, option, rule, f"choose from {', '.join(allowed)}")

    def address(self, host: str, subject: str, text: Any, remedy: str, mine: str = "") -> str:
        """Return the address in its canonical form, or nothing for one that is none or a loopback.

        `remedy` is for a loopback address, `mine` replaces the remedy of everything else.
        """
        try:
            address = parse_host(text, subject)
        except InvalidValue as error:
            self.note(host, subject, text, error.rule, mine or error.remedy)
            return ""
        if address.is_loopback:
            self.note(host, subject, text, "is a loopback address", remedy)
            return ""
        return str(address)


def several(value: Any) -> list[Any]:
    """Return the values that one value or a list of them means; nothing for None."""
    listed = [] if value is None else _list(value)
    return [value] if listed is None else listed
