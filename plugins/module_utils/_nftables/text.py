# SPDX-License-Identifier: GPL-3.0-or-later
"""A rule of nftables as nft(8) writes it, for messages: from its JSON (libnftables-json(5)), of whatever kind."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from .ruleset import Rule, written

_MOST = 200  # characters of a rule in a message
_PLAIN = ("accept", "drop", "continue", "return", "notrack")


def rule_text(rule: Rule) -> str:
    """Return a rule in one line, cut where it is long."""
    text = " ".join(_statement(part) for part in rule.expr if not _silent(part)) or "a rule without expressions"
    return text if len(text) <= _MOST else f"{text[:_MOST]}..."


def _silent(part: Any) -> bool:
    return isinstance(part, dict) and next(iter(part), "") in ("counter", "log", "last")


def _statement(part: Any) -> str:
    if not isinstance(part, dict) or len(part) != 1:
        return _other(part)
    ((name, about),) = part.items()
    if name == "match":
        operator = "" if about["op"] in ("==", "in") else f"{about['op']} "
        return f"{_value(about['left'])} {operator}{_value(about['right'])}"
    if name in _PLAIN:
        return str(name)
    if name in ("jump", "goto"):
        return f"{name} {about['target']}"
    if name == "vmap":
        return f"{_value(about['key'])} vmap {_value(about['data'])}"
    if name == "limit" and isinstance(about, dict):
        return f"limit rate {'over ' if about.get('inv') else ''}{about.get('rate')}/{about.get('per', 'second')}"
    if name == "ct count" and isinstance(about, dict):
        return f"ct count {'over ' if about.get('inv') else ''}{about.get('val')}"
    if name == "reject":
        kind = f" with {about.get('type')} {about.get('expr', '')}".rstrip() if isinstance(about, dict) else ""
        return f"reject{kind}"
    if name == "xt":
        return f"xt {about.get('type')} {about.get('name')}" if isinstance(about, dict) else "xt (iptables extension)"
    return _other(part)


def _value(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(_value(one) for one in value)
    if not isinstance(value, dict) or not value:
        return str(value)
    name, about = next(iter(value.items()))
    if name == "payload" and "field" in about:
        return f"{about['protocol']} {about['field']}"
    if name in ("meta", "ct") and isinstance(about, dict):
        return (
            f"{name} {about.get('key')}"
            if about.get("key") not in ("iif", "iifname", "oif", "oifname")
            else about["key"]
        )
    if name == "fib":
        flags = about.get("flags", ())
        return f"fib {flags if isinstance(flags, str) else ' . '.join(flags)} {about.get('result')}"
    if name == "set":
        return "{ " + ", ".join(_entry(one) for one in (about if isinstance(about, list) else [about])) + " }"
    if name == "concat":
        return " . ".join(_value(one) for one in about)
    if name in ("&", "|", "^") and isinstance(about, Sequence):
        return f" {name} ".join(
            f"({_value(one)})" if isinstance(one, dict) and "|" in one else _value(one) for one in about
        )
    if name == "elem":
        return _value(about.get("val"))
    return str(written(value)) if name in ("prefix", "range") else _other(value)


def _entry(value: Any) -> str:
    if isinstance(value, list) and len(value) == 2:
        return f"{_value(value[0])} : {_statement(value[1])}"
    return _value(value)


def _other(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
