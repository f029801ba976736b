# SPDX-License-Identifier: GPL-3.0-or-later
"""The addresses among words of a configuration."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable


def addresses_in(words: Iterable[str]) -> tuple[str, ...]:
    """Return each address once, in its canonical form and without its prefix length; other words are passed over."""
    found: dict[str, None] = {}
    for word in words:
        try:
            found[str(ipaddress.ip_address(word.strip("\"',;").partition("/")[0]))] = None
        except ValueError:
            continue
    return tuple(found)
