# SPDX-License-Identifier: GPL-3.0-or-later
"""Defaults by which playbooks judge are those of the roles."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.lvs.cluster.plugins.plugin_utils._preflight.context import VARIABLES as PREFLIGHT
from ansible_collections.lvs.cluster.plugins.plugin_utils._roles import argument_specs
from ansible_collections.lvs.cluster.plugins.plugin_utils._roles.argument_specs import role_defaults, role_options
from ansible_collections.lvs.cluster.plugins.plugin_utils._verify.desired import VARIABLES as VERIFY


def test_defaults_of_several_roles() -> None:
    defaults = role_defaults("director", "realserver")
    assert defaults["director_sysctls"] == {"conn_reuse_mode": 2}
    assert (defaults["realserver_vip_interface"], defaults["realserver_arp_ignore"]) == ("lo", 1)
    assert "gateway_state" not in defaults


def test_what_a_template_makes_is_no_default() -> None:
    assert "{{" in role_options("realserver")["realserver_vip_kind"]["default"]
    assert "realserver_vip_kind" not in role_defaults("realserver")
    assert "director_interface" not in role_defaults("director")


def test_every_variable_that_a_playbook_reads_is_an_option() -> None:
    options = {name for role in ("director", "realserver", "gateway") for name in role_options(role)}
    assert set(VERIFY) | set(PREFLIGHT) <= options


def test_they_are_found_beside_the_code_wherever_it_is_installed() -> None:
    plugins = Path(argument_specs.__file__).parents[2]
    assert (plugins.name, plugins.parent / "roles") == ("plugins", argument_specs._ROLES)
