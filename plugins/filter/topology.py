# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters that turn `lvs_services` into options of the modules; the logic is in module_utils/_topology_former.py."""

from __future__ import annotations

from typing import Any, Callable

from ansible.errors import AnsibleFilterError
from ansible_collections.lvs.cluster.plugins.module_utils import _topology_former
from ansible_collections.lvs.cluster.plugins.module_utils._errors import LvsError


def _filter(function: Callable[..., Any]) -> Callable[..., Any]:
    def wrapped(*arguments: Any) -> Any:
        try:
            return function(*arguments)
        except LvsError as error:
            raise AnsibleFilterError(str(error)) from error

    return wrapped


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return name -> function."""
        return {
            "dips": _filter(_topology_former.dips),
            "ipvs_services": _filter(_topology_former.ipvs_services),
            "real_servers": _filter(_topology_former.real_servers),
            "vips": _filter(_topology_former.vips),
        }
