# SPDX-License-Identifier: GPL-3.0-or-later
"""Who got the clients' connections, against what the scheduler should give by the weights. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ansible_collections.lvs.cluster.plugins.module_utils._core.address import endpoint_address

from .._topology.finding import Finding
from .model import SHARES, Check, Seen, bad, count, good

# These give by turns; those give by load, which short requests hardly make. Of the others no share is to be expected.
_BY_TURNS, _BY_LOAD = ("rr", "wrr"), ("wlc", "lc", "sed", "nq")
_FEW = 4  # of so many expected connections none at all is no chance
_TOLERANCE = 0.2


class Share(NamedTuple):
    """The connections that one server of a service got, and should have (None: nobody can tell)."""

    service: str
    server: str
    weight: int
    got: int
    expected: float | None


def shares(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[list[Share]]:
    """Return, for each service that is in both readings of a table, the share of each server."""
    earlier = {one["service"]: _connections(one) for one in before["counters"]}
    found = []
    for options, counted in zip(after["services"], after["counters"]):
        if counted["service"] not in earlier:
            continue
        first, now = earlier[counted["service"]], _connections(counted)
        got = {server: number - first.get(server, 0) for server, number in now.items()}
        weights = {one: server["weight"] for one, server in zip(now, options["real_servers"])}
        usual = options["scheduler"] in (*_BY_TURNS, *_BY_LOAD) and not options["persistence_timeout"]
        if options["scheduler"] in ("rr", "lc"):
            parts = {server: int(weight > 0) for server, weight in weights.items()}
        else:
            parts = weights
        total, whole = sum(got.values()), sum(parts.values())
        due = {one: total * part / whole if whole and usual else None for one, part in parts.items()}
        name = counted["service"]
        found.append([Share(name, server, weights[server], number, due[server]) for server, number in got.items()])
    return found


def connections_to(before: Mapping[str, Any], after: Mapping[str, Any], address: str, port: int) -> int:
    """Return the connections of the time between two readings that services gave out which take TCP to an endpoint.

    A service that is known by a mark may take it, so that the number is the largest possible one.
    """
    earlier = {one["service"]: _connections(one) for one in before["counters"]}
    found = 0
    for options, counted in zip(after["services"], after["counters"]):
        exact = options.get("protocol") == "tcp" and options.get("address") == address
        if counted["service"] in earlier and (options.get("fwmark") or (exact and options["port"] in (0, port))):
            now, first = _connections(counted), earlier[counted["service"]]
            found += sum(number - first.get(server, 0) for server, number in now.items())
    return found


def share_checks(seen: Seen) -> Iterator[Check]:
    """Yield how each director gave out the connections of the time between the two readings."""
    for director, after in seen.after.items():
        schedulers = [service["scheduler"] for service in after["services"]]
        for service, scheduler in zip(shares(seen.tables[director], after), schedulers):
            total = sum(share.got for share in service)
            if not total:
                continue
            name = service[0].service
            vip = endpoint_address(name.partition(" ")[2])
            told = ", ".join(f"{_name(seen, one)} {one.got}" for one in service)
            wrong = [share for share in service if not fits(share, scheduler)]
            for share in wrong:
                rule = f"got {share.got} of {count(total, 'connection')} to {name}, "
                rule += f"and {scheduler} gives about {share.expected:g}"
                remedy = "look at its path and its weight; other traffic at the same time can also be the reason"
                yield bad(SHARES, Finding(_name(seen, share), "server", share.server, rule, remedy), vip=vip)
            if not wrong:
                yield good(SHARES, director, f"{count(total, 'connection')} to {name} ({scheduler}): {told}", vip)


def fits(share: Share, scheduler: str) -> bool:
    """Return whether a share is what the scheduler may have given."""
    if share.expected is None:
        return True
    if scheduler in _BY_LOAD:
        return share.got > 0 or share.expected < _FEW
    return abs(share.got - share.expected) <= max(1.0, share.expected * _TOLERANCE)


def _connections(counted: Mapping[str, Any]) -> dict[str, int]:
    return {one["server"]: one["totals"]["connections"] for one in counted["real_servers"]}


def _name(seen: Seen, share: Share) -> str:
    return seen.host_of(endpoint_address(share.server))
