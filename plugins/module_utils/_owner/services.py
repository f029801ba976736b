# SPDX-License-Identifier: GPL-3.0-or-later
"""Services and settings of IPVS of a run, settled with what other clusters declare on the host. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .._core.errors import InvalidValue
from .._core.owner import Owner
from .._ipvs.describe import service_name
from .._ipvs.model import ServiceKey, Table
from .._ipvs.options import WantedService, parse_service_key
from .claims import Claim, claims, declared_twice, kept_words
from .declarations import Declaration


def services(state: Mapping[str, Any]) -> Iterator[ServiceKey]:
    """Yield the identity of each service that a file declares."""
    for item in state.get("services") or ():
        if item.get("state") != "absent":
            yield parse_service_key(item)


def settle_services(
    wanted: Sequence[WantedService], owner: Owner, others: Sequence[Declaration]
) -> tuple[list[WantedService], list[str]]:
    """Return the services without those that another cluster declares and this run would remove, and a sentence each.

    Raises InvalidValue for a service that both declare.
    """
    claimed = claims(others, services)
    left, words = [], []
    for service in wanted:
        claim = claimed.get(service.key)
        if claim is None:
            left.append(service)
        elif service.state == "absent":
            words.append(kept_words(f"Service {service_name(service.key)}", claim))
        else:
            raise declared_twice("services", service_name(service.key), owner, claim)
    return left, words


def refuse_service(key: ServiceKey, owner: Owner, others: Sequence[Declaration]) -> None:
    """Raise InvalidValue for a service that another cluster declares."""
    claim = claims(others, services).get(key)
    if claim:
        raise declared_twice("service", service_name(key), owner, claim)


def without_claimed(table: Table, others: Sequence[Declaration]) -> tuple[Table, dict[ServiceKey, Claim]]:
    """Return the table without the services that other clusters declare, and who declares those that are in it."""
    claimed = {key: claim for key, claim in claims(others, services).items() if key in table}
    return {key: state for key, state in table.items() if key not in claimed}, claimed


def untouched_words(claimed: Mapping[ServiceKey, Claim]) -> list[str]:
    """Return the sentences about services in which a server keeps its weight, since they are another cluster's."""
    return [
        f"Service {service_name(key)} is not changed, since {claim.words} declares it on this host: run the playbook "
        "with the inventory of that cluster too."
        for key, claim in claimed.items()
    ]


def settings(others: Sequence[Declaration], kind: str) -> dict[str, tuple[int, Claim]]:
    """Return the timeouts or sysctls (`kind`) that other clusters declare, each with its value."""
    found: dict[str, tuple[int, Claim]] = {}
    for (name, value), claim in claims(others, lambda state: (state.get(kind) or {}).items()).items():
        found.setdefault(name, (value, claim))
    return found


def refuse_settings(given: Mapping[str, int], kind: str, others: Sequence[Declaration]) -> None:
    """Raise InvalidValue for a setting of all services to which another cluster declares another value."""
    refuse_differing(given, kind, settings(others, kind))


def refuse_differing(given: Mapping[str, Any], kind: str, claimed: Mapping[str, tuple[Any, Claim]]) -> None:
    """Raise InvalidValue for a setting of the host of which another cluster claims another value."""
    for name, value in given.items():
        other, claim = claimed.get(name, (value, None))
        if claim and other != value:
            rule = f"counts for all services of the host, and {claim.words} declares {other}"
            raise InvalidValue(f"{kind}.{name}", value, rule, "write the same value in both clusters")


def unclaimed_settings(
    given: Mapping[str, int], kind: str, others: Sequence[Declaration]
) -> tuple[dict[str, int], list[str]]:
    """Return the settings that no other cluster declares, and a sentence for each of the others."""
    claimed = settings(others, kind)
    words = [
        kept_words(f"{kind}.{name} of IPVS ({value})", claim)
        for name, (value, claim) in claimed.items()
        if name in given
    ]
    return {name: value for name, value in given.items() if name not in claimed}, words
