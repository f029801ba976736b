# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules for a request that only the facts of the host can tell."""

from __future__ import annotations

from .._core.errors import InvalidValue
from .model import ALL, DEFAULT, SETTINGS, Facts, Request


def check(request: Request, facts: Facts) -> None:
    """Raise InvalidValue for an interface that is not there or a value that this kernel does not know."""
    named = [("interfaces", target) for target in request.targets if target not in (ALL, DEFAULT)]
    named += [("effective_on", target) for target in request.effective_on or ()]
    for option, target in named if request.present else ():
        if target not in facts.interfaces:
            raise InvalidValue(
                option,
                target,
                f"is no interface of this host that carries IPv4 (there are {', '.join(facts.interfaces)})",
                "correct the name, or create the interface first; for interfaces that come later name 'default'",
            )
    for key, value in request.wanted.items() if request.present else ():
        setting = SETTINGS[key]
        if value not in setting.values:
            legal = ", ".join(map(str, setting.values))
            raise InvalidValue(key, value, "is no value that the kernel documents", f"choose one of {legal}")
        since = dict(setting.since).get(value, (0, 0))
        if facts.kernel < since:
            raise InvalidValue(
                key,
                value,
                f"is new in Linux {since[0]}.{since[1]}, and this host runs {facts.kernel[0]}.{facts.kernel[1]}",
                "choose a smaller value, or a newer kernel",
            )
