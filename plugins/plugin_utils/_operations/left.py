# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run leaves on hosts that it could not reach, and on servers that such a director may send clients to. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from .._topology.model import Topology
from .._topology.reach import ABSENT, DIRECTOR_STATE, GATEWAY_STATE, REALSERVER_STATE
from .._topology.views import director_standby_vips, director_vips, served_vips

States = Mapping[str, Collection[str]]
_AGAIN = "run lvs.cluster.site again when it is reachable"


def left_behind(
    topology: Topology, unreachable: Mapping[str, States], directors: Sequence[str], holding: Iterable[str]
) -> list[str]:
    """Return what site leaves behind, a line for each host.

    `unreachable` has the declared states of each host that was not reached, `directors` are those of them that may
    still send clients. `holding` are servers that were reached and still have what is not declared any more.
    """
    lines = [_left_on(topology, host, declared) for host, declared in unreachable.items()]
    for host in holding if directors else ():
        names = ", ".join(directors)
        lines.append(
            f"{host}: keeps VIPs and ports that are not declared any more, since director {names} was not reached and "
            f"may still send clients; run lvs.cluster.site again when {names} is reachable or out of the inventory."
        )
    return lines


def _left_on(topology: Topology, host: str, declared: States) -> str:
    kept = []
    if ABSENT in declared.get(DIRECTOR_STATE, ()):
        vips = sorted({*director_vips(topology, host), *director_standby_vips(topology, host)})
        kept.append(f"virtual services and VIPs ({', '.join(vips)}), which it restores when it boots")
    if ABSENT in declared.get(REALSERVER_STATE, ()):
        kept.append(f"VIPs ({', '.join(served_vips(topology, host))})")
    if ABSENT in declared.get(GATEWAY_STATE, ()):
        kept.append("neighbour entries of the VIPs")
    if not kept:
        return f"{host}: was not reached, and is not changed; {_AGAIN}."
    return f"{host}: was not reached, and may still have {' and '.join(kept)}; {_AGAIN}."


def torn_down(asked: Mapping[str, Collection[str]], done: Mapping[str, Collection[str]]) -> dict[str, list[str]]:
    """Return by role the hosts from which teardown has not removed it; `asked` has the roles of each host."""
    left: dict[str, list[str]] = {}
    for host, roles in asked.items():
        for role in roles:
            if role not in done.get(host, ()):
                left.setdefault(role, []).append(host)
    return left


def teardown_lines(
    left: Mapping[str, Sequence[str]], unreachable: Collection[str], senders: Mapping[str, Sequence[str]]
) -> list[str]:
    """Return what teardown leaves, a line for each host and role, with the reason and the remedy.

    `senders` are by server the directors that this run has not removed.
    """
    lines = [
        f"{host} still has its virtual services and VIPs, since {_why(host, unreachable)}"
        for host in left.get("director", ())
    ]
    for host in left.get("realserver", ()):
        directors = ", ".join(one for one in senders.get(host, ()) if one != host)
        if directors and host not in unreachable:
            lines.append(
                f"{host} keeps its VIPs, since this run has not removed {directors}, which can still send clients to "
                "it. Remove the directors too, or set realserver_state to absent for this host and run "
                "lvs.cluster.site."
            )
        else:
            lines.append(f"{host} still has its VIPs, since {_why(host, unreachable)}")
    for host in left.get("gateway", ()):
        others = ", ".join([*left.get("director", ()), *left.get("realserver", ())])
        if others and host not in unreachable:
            lines.append(
                f"{host} keeps its neighbour entries, since {others} can still have the VIPs. Remove these first."
            )
        else:
            lines.append(f"{host} still has its neighbour entries, since {_why(host, unreachable)}")
    return lines


def _why(host: str, unreachable: Collection[str]) -> str:
    if host in unreachable:
        return "it could not be reached. Run lvs.cluster.teardown again when it is reachable."
    return "the role failed there. Correct that, and run lvs.cluster.teardown again."
