# SPDX-License-Identifier: GPL-3.0-or-later
"""What was there and is gone, and which programs may have removed it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.lvs.cluster.plugins.module_utils._core.address import endpoint
from ansible_collections.lvs.cluster.plugins.module_utils._facts.model import Manager

from .._topology.finding import Finding
from .model import HOSTS, TABLE, Check, Seen, bad

_RULE = "was there when verify began, and is gone since"


def remedy(seen: Seen, host: str, usual: str, vip: str = "") -> str:
    """Return what to do where a host's table, or a VIP of it, is not as declared.

    To configure again does not help if a run has just done so, or if another program does what it likes.
    """
    who = _named(_suspects(seen, host, vip))
    if host in seen.configured:
        return f"find what undid it since this run configured the host, and stop that ({who or 'no program is known'})"
    return f"{usual}, and stop what may have undone it ({who})" if who else usual


def _suspects(seen: Seen, host: str, vip: str) -> list[Manager]:
    managers = seen.facts[host].managers if host in seen.facts else ()
    if not vip:
        return [one for one in managers if one.table]
    return [one for one in managers if vip in one.addresses or not (one.sure or one.addresses)]


def _named(suspects: list[Manager]) -> str:
    told = ", ".join(f"{one.name} by {one.evidence}" for one in suspects)
    return f"suspected: {told}" if told else ""


def vanished_checks(seen: Seen) -> Iterator[Check]:
    """Yield each VIP, service and server that a director had at the first look, and no more at the second."""
    for host, after in seen.after.items():
        director = seen.declared.directors.get(host)
        if not director:
            continue
        for subject, name in _gone(seen.tables[host], after):
            yield bad(TABLE, Finding(host, subject, name, _RULE, _stop(seen, host)))
        for vip in director.vips:
            if host in seen.facts and seen.facts[host].carrier(vip) and vip not in after.get("addresses", [vip]):
                yield bad(HOSTS, Finding(host, "VIP", vip, _RULE, _stop(seen, host, vip)), vip=vip)


def _stop(seen: Seen, host: str, vip: str = "") -> str:
    who = _named(_suspects(seen, host, vip)) or "no program is known"
    return f"find what removed it, and stop that ({who})"


def _gone(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    now = {_words(service): service for service in after["services"]}
    for service in before["services"]:
        words = _words(service)
        if words not in now:
            yield "service", words
            continue
        there = {(one["address"], one["port"]) for one in now[words]["real_servers"]}
        for one in service["real_servers"]:
            if (one["address"], one["port"]) not in there:
                yield "server", f"{endpoint(one['address'], one['port'])} of {words}"


def _words(service: Mapping[str, Any]) -> str:
    if service.get("fwmark"):
        return f"fwmark {service['fwmark']} ({service['address_family']})"
    return f"{service['protocol']} {endpoint(service['address'], service['port'])}"
