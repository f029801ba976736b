# SPDX-License-Identifier: GPL-3.0-or-later
"""All that `lvs_services` means for one host, from one reading of the topology. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable

from ansible_collections.lvs.cluster.plugins.module_utils._path.services import service_paths

from . import views
from .failover import (
    failover_gate,
    failover_instances,
    failover_openings,
    failover_sync,
    failover_sync_openings,
    failover_vips,
)
from .inventory import DIRECTORS, GROUP_VARIABLES, Groups, in_role
from .model import Topology
from .owners import vip_owners
from .probes import preflight_addresses, preflight_schedulers
from .proofs import client_services, director_prove_ports

# Each is a public filter too, and a key of the view by the same name.
HOST_VIEWS: tuple[Callable[[Topology, str], Any], ...] = (
    views.director_forwarding,
    views.director_marks,
    views.director_openings,
    director_prove_ports,
    views.director_services,
    views.director_standby_vips,
    views.director_vips,
    views.director_withheld_services,
    preflight_addresses,
    preflight_schedulers,
    views.realserver_arp_source,
    views.realserver_openings,
    views.realserver_tunnels,
    views.realserver_vips,
)
CLUSTER_VIEWS: tuple[Callable[[Topology], Any], ...] = (
    views.cluster_dips,
    views.cluster_openings,
    views.cluster_vips,
)
DIRECTOR, REALSERVER = "director", "realserver"


def host_view(topology: Topology, groups: Groups, host: str, own: Mapping[str, Any]) -> dict[str, Any]:
    """Return the view of a host; `own` are its variables, which win over the topology for `roles` and `paths`."""
    view: dict[str, Any] = {one.__name__: one(topology, host) for one in HOST_VIEWS}
    view.update({one.__name__: one(topology) for one in CLUSTER_VIEWS})
    roles = _roles(view, groups, host, own)
    services, marks, proofs = (
        _own(own, name, view) for name in ("director_services", "director_marks", "director_prove_ports")
    )
    return {
        **view,
        "owners": {
            vip: {"owner": owner.seen_from(host), "director": owner.director}
            for vip, owner in vip_owners(topology).items()
        },
        "failover_vips": failover_vips(topology, host),
        "failover_instances": failover_instances(topology, host),
        "failover_gate": failover_gate(topology, host),
        "failover_openings": failover_openings(topology, host),
        "failover_sync": failover_sync(topology, host),
        "failover_sync_openings": failover_sync_openings(topology, host),
        "groups": [role for role in GROUP_VARIABLES if in_role(groups, own, role, host)],
        "roles": roles,
        "paths": service_paths(services, marks, proofs) if DIRECTOR in roles else [],
        "client_services": client_services(topology),
    }


def _own(own: Mapping[str, Any], name: str, view: Mapping[str, Any]) -> Any:
    """Return a variable of the host, or what the topology says."""
    value = own.get(name)
    return view[name] if value is None else value


def _roles(view: Mapping[str, Any], groups: Groups, host: str, own: Mapping[str, Any]) -> list[str]:
    """Return the roles that a host has to have.

    A real server without VIPs, such as one that only masquerade reaches, needs nothing of the role.
    """
    directs = in_role(groups, own, DIRECTORS, host) and own.get("director_state") != "absent"
    vips, tunnels = (_own(own, name, view) for name in ("realserver_vips", "realserver_tunnels"))
    serves = bool(vips or tunnels) and own.get("realserver_state") != "absent"
    return [name for name, has in ((DIRECTOR, directs), (REALSERVER, serves)) if has]
