# SPDX-License-Identifier: GPL-3.0-or-later
"""The drawn topology of the report: hosts below one another on their segment, so that it reads on a phone too. Pure.

Three lanes at the left: requests (client to director), the same packets in new frames (director to server), answers
(server to client). Colours are classes of the page's style sheet.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

WIDTH = 400
_CARD_X, _CARD_WIDTH, _GAP, _TOP = 92, 300, 16, 16
_LINE, _PADDING = 17, 14
_LANES = {"request": 22, "forward": 44, "reply": 66}
_SIDE = {"request": -12, "forward": 0, "reply": 12}
_BAR = 8


class Card(NamedTuple):
    """One card: what it is (client, director, standby or server), its lines, and whether all is well there.

    `share` is the part of the connections that a server got (0 to 1), with its words; None where nobody knows.
    A server's answers go `back` through the director, or straight to the client. Of an `unknown` host nothing was read.
    """

    name: str
    role: str
    lines: tuple[str, ...]
    good: bool
    badge: str = ""
    share: tuple[float, str] | None = None
    path: bool | None = None
    back: bool = False
    unknown: bool = False


def draw(hosts: Sequence[Card]) -> str:
    """Return the drawing as one svg element."""
    tops, y = [], _TOP
    for host in hosts:
        tops.append(y)
        y += _height(host) + _GAP
    middles = {number: top + _height(hosts[number]) / 2 for number, top in enumerate(tops)}
    cards = "".join(_card(host, top) for host, top in zip(hosts, tops))
    title = "Requests go from the client to the director and on to a server, which answers the client directly."
    return (
        f'<svg viewBox="0 0 {WIDTH} {y}" role="img" aria-label="{title}">{_MARKERS}'
        f"{_lanes(hosts, middles)}{cards}</svg>"
    )


_MARKERS = "<defs>" + "".join(
    f'<marker id="to-{kind}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" '
    f'markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0L8 4L0 8z" class="tip {kind}"/></marker>'
    for kind in ("request", "forward", "reply", "broken", "unknown")
) + "</defs>"  # fmt: skip


def _lanes(hosts: Sequence[Card], middles: dict[int, float]) -> str:
    clients, directors, servers = (
        [number for number, host in enumerate(hosts) if host.role == role] for role in ("client", "director", "server")
    )
    drawn = []
    for director in directors:
        for client in clients:
            seen = None if hosts[director].unknown or hosts[client].unknown else True
            drawn.append(_lane("request", middles[client], middles[director], seen))
        # Whole ways are drawn over unknown and broken ones, which share a part of the lane with them.
        ways = sorted(servers, key=lambda one: (False, None, True).index(hosts[one].path))
        drawn += [_lane("forward", middles[director], middles[one], hosts[one].path) for one in ways]
    answering = [one for one in servers if hosts[one].path]
    through = [director for director in directors if any(hosts[one].back for one in answering)]
    drawn += [
        _lane("reply", middles[one], middles[director]) for director in through for one in answering if hosts[one].back
    ]
    straight = [*through, *(one for one in answering if not hosts[one].back)]
    drawn += [_lane("reply", middles[one], middles[client]) for one in straight for client in clients]
    return "".join(drawn)


def _lane(kind: str, start: float, end: float, whole: bool | None = True) -> str:
    """Return one way from card to card by its lane; one that is broken ends in a cross, an unknown one is grey."""
    x, side = _LANES[kind], _SIDE[kind]
    look = {True: kind, False: "broken", None: "unknown"}[whole]
    edge = _CARD_X - 2
    path = f"M{edge} {start + side:g}H{x + 6}Q{x} {start + side:g} {x} {start + side + (6 if end > start else -6):g}"
    path += f"V{end + side + (-6 if end > start else 6):g}Q{x} {end + side:g} {x + 6} {end + side:g}H{edge}"
    cross = f'<text x="{edge - 14}" y="{end + side + 5:g}" class="cross">✕</text>' if look == "broken" else ""
    return f'<path d="{path}" class="lane {look}" marker-end="url(#to-{look})"/>{cross}'


def _height(host: Card) -> int:
    return 2 * _PADDING + _LINE * (1 + len(host.lines)) + 3 + (_BAR + 22 if host.share else 0)


def _card(host: Card, top: int) -> str:
    x, y = _CARD_X + _PADDING, top + _PADDING + 12
    parts = [
        f'<rect x="{_CARD_X}" y="{top}" width="{_CARD_WIDTH}" height="{_height(host)}" rx="10"'
        f' class="card {host.role} {"good" if host.good else "bad"}{" unknown" if host.unknown else ""}"/>',
        f'<text x="{x}" y="{y}" class="name">{escape(host.name)}</text>',
        f'<text x="{_CARD_X + _CARD_WIDTH - _PADDING}" y="{y}" class="badge" text-anchor="end">'
        f"{escape(host.badge)}</text>",
    ]
    for number, line in enumerate(host.lines, 1):
        parts.append(f'<text x="{x}" y="{y + 3 + number * _LINE}" class="line">{escape(line)}</text>')
    if host.share:
        part, words = host.share
        level, width = y + len(host.lines) * _LINE + 13, _CARD_WIDTH - 2 * _PADDING
        parts.append(f'<rect x="{x}" y="{level}" width="{width}" height="{_BAR}" rx="4" class="bar"/>')
        parts.append(f'<rect x="{x}" y="{level}" width="{width * part:g}" height="{_BAR}" rx="4" class="got"/>')
        parts.append(f'<text x="{x}" y="{level + _BAR + 14}" class="line">{escape(words)}</text>')
    return "".join(parts)
