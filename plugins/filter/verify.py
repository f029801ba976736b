# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters of the playbook verify; the rules stand in module_utils/_verify.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable

from ansible.errors import AnsibleFilterError
from ansible_collections.lvs.cluster.plugins.module_utils._errors import LvsError
from ansible_collections.lvs.cluster.plugins.module_utils._preflight_model import from_values
from ansible_collections.lvs.cluster.plugins.module_utils._topology import topology
from ansible_collections.lvs.cluster.plugins.module_utils._verify import checks, summary
from ansible_collections.lvs.cluster.plugins.module_utils._verify_html import render
from ansible_collections.lvs.cluster.plugins.module_utils._verify_model import Client, Seen

# What the playbook registers on each host
LOOK = "__verify_look"
BEFORE = "__verify_before"
AFTER = "__verify_after"
OWNERS = "__verify_owners"
VISITS = "__verify_visits"


def _results(hostvars: Any, hosts: Any, name: str, key: str) -> dict[str, Mapping[str, Any]]:
    """Return what a task registered on the hosts, where it was run and has the value `key`."""
    found = {host: hostvars[host].get(name) or {} for host in hosts}
    return {host: result for host, result in found.items() if key in result}


def _seen(services: Any, groups: Any, hostvars: Any) -> Seen:
    cluster = [*groups.get("directors", ()), *groups.get("realservers", ())]
    looks = _results(hostvars, dict.fromkeys(cluster), LOOK, "facts")
    owners = _results(hostvars, groups.get("clients", ()), OWNERS, "owners")
    visits = _results(hostvars, groups.get("clients", ()), VISITS, "services")
    before = _results(hostvars, groups.get("directors", ()), BEFORE, "counters")
    after = _results(hostvars, before, AFTER, "counters")
    clients = {
        host: Client(
            {address: [one["mac"] for one in answers] for address, answers in result["owners"].items()},
            visits.get(host, {}).get("services", ()),
        )
        for host, result in owners.items()
    }
    facts = {host: from_values(look["facts"]) for host, look in looks.items()}
    modes = {host: str(hostvars[host].get("realserver_arp_mode") or "sysctl") for host in groups.get("realservers", ())}
    others = frozenset(host for host, mode in modes.items() if mode != "sysctl")
    return Seen(topology(services, groups, hostvars), facts, looks, before, after, clients, others)


def verify_checks(services: Any, groups: Any, hostvars: Any, when: str = "") -> dict[str, Any]:
    """Return errors, warnings, lines for people and, where `when` is given, the report as a page."""
    try:
        seen = _seen(services, groups, hostvars)
        found = checks(seen)
    except LvsError as error:
        raise AnsibleFilterError(str(error)) from error
    told = summary(found)
    told["checks"] = [
        {"topic": one.topic, "host": one.host, "good": one.good, "sentence": one.sentence} for one in found
    ]  # fmt: skip
    return {**told, **({"html": render(seen, found, when)} if when else {})}


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return name -> function."""
        return {"verify_checks": verify_checks}
