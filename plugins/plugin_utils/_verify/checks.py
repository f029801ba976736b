# SPDX-License-Identifier: GPL-3.0-or-later
"""The judgement of a cluster that runs: what was seen against what was declared. Pure.

Each rule yields the checks of one topic; what was not looked at (outside a --limit) is not judged.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.lvs.cluster.plugins.module_utils._core.address import endpoint

from .._topology.finding import Finding
from .._topology.proofs import without_proof
from .._topology.reach import is_excused
from .._topology.traffic import TCP
from .clients import request_checks
from .distribution import share_checks
from .drift import boot_checks, table_checks, withheld_findings
from .failover import failover_checks
from .hosts import host_checks, missing_rip, missing_vip
from .model import HOSTS, PATHS, REACHED, TOPICS, Check, Seen, bad, count
from .owners import gateway_checks, owner_checks
from .vanished import vanished_checks

_MARKS = {True: "ok  ", False: "BAD ", None: "note"}


def checks(seen: Seen) -> list[Check]:
    """Return everything that was looked at, by topic; what follows from a cause that was found is marked as such."""
    rules = (lost_checks, failover_checks, owner_checks, gateway_checks, path_checks, host_checks, vanished_checks)
    causes = [check for rule in rules for check in rule(seen)]
    tables = list(table_checks(seen))
    troubled = {check.vip for check in causes if check.good is False and check.vip}
    for host in seen.lost:
        troubled.update(seen.declared.directors[host].vips if host in seen.declared.directors else ())
    for check in tables:
        if check.good is False and not check.consequence:
            troubled.update(seen.declared.directors[check.host].vips)
    # A run of site that puts a VIP back puts back what keeps it there too.
    without = {check.host for check in causes if check.topic == HOSTS and check.vip and check.good is False}
    found = [
        *causes,
        *tables,
        *(_mark(check, check.vip in troubled) for rule in (request_checks, share_checks) for check in rule(seen)),
        *(_mark(check, check.host in without) for check in boot_checks(seen)),
    ]
    return sorted(dict.fromkeys(found), key=lambda check: TOPICS.index(check.topic))


def _mark(check: Check, follows: bool) -> Check:
    return check._replace(consequence=check.good is False and (check.consequence or follows))


def lost_checks(seen: Seen) -> Iterator[Check]:
    """Yield each host that was asked and returned nothing; one that is declared to leave fails nothing."""
    for host, why in seen.lost.items():
        yield bad(REACHED, seen.lost_finding(host), warning=is_excused(why, seen.states.get(host, {})))


def path_checks(seen: Seen) -> Iterator[Check]:
    """Yield the path of each server from each director, and the services whose servers are not probed."""
    for service in without_proof(seen.topology):
        # Of what is not TCP there is a path that says so.
        if service.servers and TCP in service.protocols:
            text = f"service {service.name}: no port proves its servers (prove_ports), so that no path was checked"
            for director in (host for host in service.directors if "paths" in seen.looks.get(host, {})):
                yield Check(PATHS, director, text, None)
    for director, look in seen.looks.items():
        for path in look.get("paths", ()):
            host, service = seen.host_of(path["address"]), path["service"]
            vip, name = service["address"], f"{service['protocol']} {endpoint(service['address'], service['port'])}"
            if path["ok"] is not False:
                by = f" by {path['answered_by']}, {path['latency_ms']} ms" if path["answered_by"] else ""
                text = f"{name} is served{by} (asked by {director})" if path["ok"] else f"{name} {path['rule']}"
                yield Check(PATHS, host, text, path["ok"], vip=vip)
                continue
            finding = Finding(host, "path of", name, path["rule"], path["remedy"])
            # Who gets no new clients may be switched off.
            if seen.is_drained(director, service, path["address"]):
                rule = f"{path['rule']} (it is drained, so no new client is sent there)"
                yield bad(PATHS, finding._replace(rule=rule), warning=True)
                continue
            cause = _path_cause(seen, host, path)
            why = " ".join(filter(None, (cause.subject, cause.value, cause.rule))) if cause else ""
            text = f"{name} is not served, since {why}" if why else ""
            text = text or bad(PATHS, finding).text
            yield Check(PATHS, host, text, False, cause or finding, vip)


def _path_cause(seen: Seen, host: str, path: Mapping[str, Any]) -> Finding | None:
    """Return why a path is bad where the server's own facts tell; the cause is told instead of what comes of it."""
    facts, vip = seen.facts.get(host), path["service"]["address"]
    if host in seen.lost and not seen.lost[host].answered and path["verdict"] in ("no_mac", "silent"):
        return seen.lost_finding(host)
    if facts and path["verdict"] in ("no_mac", "off_segment", "silent"):
        cause = missing_rip(facts, host, path["address"])
        if cause:
            return cause
    # What it balances once more does not reach its own web server.
    stray = next(iter(withheld_findings(seen, host).values()), None)
    if stray:
        return stray
    server = seen.declared.servers.get(host)
    if facts and server and vip in server.devices and path["verdict"] in ("silent", "returned"):
        return None if facts.carrier(vip) else missing_vip(seen, host, vip)
    return None


def summary(found: Sequence[Check], missed: Sequence[str] = (), rehearsal: bool = False) -> dict[str, Any]:
    """Return `errors` and `warnings`, a sentence each, and `lines` for people, topic by topic.

    `missed` are hosts that were not looked at. In a `rehearsal` what was seen is how it is before a run.
    """
    failed = [check for check in found if check.good is False]
    causes = [check for check in failed if not check.consequence] or failed
    errors = list(dict.fromkeys(check.sentence for check in causes))
    warnings = list(dict.fromkeys(check.sentence for check in found if check.good is None))
    lines: list[str] = []
    width = max((len(check.host) for check in found), default=0)
    for topic in dict.fromkeys(check.topic for check in found):
        lines += ["", topic]
        for check in found:
            if check.topic == topic:
                lines.append(f"  {_MARKS[check.good]}  {check.host:<{width}}  {check.text}")
    lines += ["", verdict(found)]
    lines += [f"  {sentence}" for sentence in errors]
    if missed:
        lines.append(f"Not looked at: {', '.join(missed)}.")
    if rehearsal:
        lines.append("This is a rehearsal: nothing was changed, and that is how it is now.")
    return {"errors": errors, "warnings": warnings, "lines": lines}


def verdict(found: Sequence[Check]) -> str:
    """Return in a sentence how many checks failed, and how many more are worth a look."""
    if not found:
        return "Nothing was checked."
    failed, noted = (sum(check.good is state for check in found) for state in (False, None))
    if failed:
        return f"{failed} of {count(len(found), 'check')} failed:"
    if noted:
        return f"{count(len(found), 'check')}: none failed, {noted} worth a look."
    return f"All {count(len(found), 'check')} are good."
