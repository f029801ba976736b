# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters that tell what `lvs_services` means for a host; each is the view of that name in _topology/views."""

from __future__ import annotations

from typing import Any, Callable

from ansible.errors import AnsibleFilterError
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import LvsError
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology import views
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.reader import read_topology

_VIEWS: tuple[Callable[..., Any], ...] = (
    views.cluster_dips,
    views.cluster_openings,
    views.cluster_vips,
    views.director_forwarding,
    views.director_marks,
    views.director_openings,
    views.director_services,
    views.director_standby_vips,
    views.director_vips,
    views.realserver_arp_source,
    views.realserver_openings,
    views.realserver_tunnels,
    views.realserver_vips,
)


def _filter(view: Callable[..., Any]) -> Callable[..., Any]:
    def wrapped(services: Any, groups: Any, hostvars: Any, *host: Any) -> Any:
        try:
            return view(read_topology(services, groups, hostvars), *map(str, host))
        except LvsError as error:
            raise AnsibleFilterError(str(error)) from error

    return wrapped


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return name -> function."""
        return {view.__name__: _filter(view) for view in _VIEWS}
