# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters that return what `lvs_services` means for a host: the whole view, and each part of it by its own name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable

from ansible.errors import AnsibleFilterError
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import LvsError
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology import host_view as views
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.finding import Findings
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.model import Topology
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.reader import read_topology


def host_view(services: Any, groups: Any, hostvars: Any, host: str, ignore_mistakes: bool = False) -> dict[str, Any]:
    """Return all that the topology means for a host; an empty view if the mistakes of a description are ignored."""
    try:
        read = read_topology(services, groups, hostvars)
    except Findings as error:
        if not ignore_mistakes:
            raise AnsibleFilterError(str(error)) from error
        read = Topology((), {}, {})
    name = str(host)
    # Ansible's hostvars return something undefined for a host that is not there, so get() has no default.
    own: Mapping[str, Any] = {}
    if name in hostvars:
        own = hostvars[name]
    return views.host_view(read, groups, name, own)


def _part(view: Callable[..., Any]) -> Callable[..., Any]:
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
        parts: tuple[Callable[..., Any], ...] = (*views.HOST_VIEWS, *views.CLUSTER_VIEWS)
        # Those of preflight are in preflight.py: they return nothing of a description with mistakes.
        aliases = {one.__name__: _part(one) for one in parts if not one.__name__.startswith("preflight_")}
        return {"host_view": host_view, **aliases}
