# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter of the playbook verify.

Ansible imports every filter file to find one filter, so the judgement is imported when it is needed.
"""

from __future__ import annotations

from typing import Any, Callable

from ansible.errors import AnsibleFilterError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import LvsError


def verify_checks(
    services: Any, groups: Any, hostvars: Any, when: str = "", rehearsal: bool = False, asked: Any = ()
) -> dict[str, Any]:
    """Return errors, warnings, lines for people and, where `when` is given, the report as a page."""
    from ansible_collections.lvs.cluster.plugins.plugin_utils._verify.collect import judge

    try:
        return judge(services, groups, hostvars, director_services, when, rehearsal, list(map(str, asked)))
    except LvsError as error:
        raise AnsibleFilterError(str(error)) from error


def director_services(host: str, services: Any) -> Any:
    """Return the services of a director as ipvs_table gets them from Ansible."""
    from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.options import SERVICE_OPTIONS

    spec = {"services": {"type": "list", "elements": "dict", "options": SERVICE_OPTIONS}}
    validated = ArgumentSpecValidator(spec).validate({"services": services})
    if validated.error_messages:
        raise AnsibleFilterError(f"{host}: director_services: {'; '.join(validated.error_messages)}")
    return validated.validated_parameters["services"]


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return name -> function."""
        return {"verify_checks": verify_checks}
