# SPDX-License-Identifier: GPL-3.0-or-later
"""An inquiry about paths carried through on this host, once or until the servers are ready."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .._rtnetlink.routes import route_to
from .._rtnetlink.state import own_addresses
from .client import prove
from .plan import PathInquiry, plan_ways
from .verdict import report

_PAUSE = 1.0  # seconds between two tries


def ask(inquiry: PathInquiry) -> dict[str, Any]:
    """Return what realserver_path_info returns; raise LvsError when nobody can be asked."""
    ways = plan_ways(inquiry.probes, inquiry.interface, own_addresses(), route_to)
    return report(inquiry.probes, prove(inquiry.probes, ways, inquiry.timeout, inquiry.attempts))


def ask_patiently(
    services: Sequence[Mapping[str, Any]], patience: float, once: Callable[[PathInquiry], dict[str, Any]] = ask
) -> list[dict[str, Any]]:
    """Return the paths of all servers; those that are bad are asked again until they are good or the time is over.

    `patience` is in seconds: a service that was just started takes a while until it listens.
    """
    inquiry, end = PathInquiry.from_options({"services": services}), time.monotonic() + patience
    paths: list[dict[str, Any]] = once(inquiry)["paths"] if inquiry.probes else []
    while any(path["ok"] is False for path in paths) and (left := end - time.monotonic()) > 0:
        time.sleep(min(_PAUSE, left))
        bad = [number for number, path in enumerate(paths) if path["ok"] is False]
        again = once(inquiry._replace(probes=tuple(inquiry.probes[number] for number in bad)))["paths"]
        for number, path in zip(bad, again):
            paths[number] = path
    return paths
