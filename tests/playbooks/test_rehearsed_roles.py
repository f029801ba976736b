# SPDX-License-Identifier: GPL-3.0-or-later
"""The roles' install steps in check mode, with a package manager that stands in for those of distributions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import Outcome, execute

# As ansible-core's apt and dnf5 say it
NEEDS_LIBRARY = "python3-apt must be installed to use check mode. If run normally this module can auto-install it."
MANAGER = """\
from ansible.module_utils.basic import AnsibleModule

module = AnsibleModule({"name": {"type": "raw"}, "state": {}}, supports_check_mode=True)
ANSWER
"""
CHANGES, IS_THERE = 'module.exit_json(changed=True)', 'module.exit_json(changed=False)'  # fmt: skip
NO_LIBRARY, NO_PACKAGE = f"module.fail_json(msg={NEEDS_LIBRARY!r})", 'module.fail_json(msg="No package matches")'
UNPREDICTED = "one: the page and the service of nginx cannot be predicted before nosuch-nginx is installed."
SERVICE = {"name": "web", "address": "192.0.2.30", "ports": [80]}
HOSTS = {
    "directors": {"hosts": {"other": {"director_address": "192.0.2.3"}}},
    "realservers": {"hosts": {"one": {"realserver_address": "192.0.2.4"}}},
}


def rehearse(tmp_path: Path, role: str, answer: str, *arguments: str, **variables: object) -> Outcome:
    """Rehearse a role on this machine, with a package manager that answers so."""
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / "stand_in.py").write_text(MANAGER.replace("ANSWER", answer))
    defaults = {"ansible_connection": "local", "ansible_package_use": "ansible.legacy.stand_in"}
    interpreter = {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    interfaces = {"director_interface": "lo", "gateway_interface": "lo", "lvs_services": [SERVICE]}
    play = {"hosts": "one", "gather_facts": False, "vars": {**defaults, **interpreter, **interfaces, **variables}}
    inventory = tmp_path / "hosts.json"
    inventory.write_text(json.dumps({"all": {"children": HOSTS}}))
    path = tmp_path / "play.json"
    path.write_text(json.dumps([{**play, "roles": [f"lvs.cluster.{role}"]}]))
    return execute(
        "ansible-playbook",
        str(path),
        "-i",
        str(inventory),
        "--check",
        *arguments,
        ANSIBLE_LIBRARY=str(tmp_path / "library"),
    )


@pytest.mark.parametrize("answer", [CHANGES, NO_LIBRARY])
def test_a_web_server_that_is_not_installed_yet(tmp_path: Path, answer: str) -> None:
    run = rehearse(tmp_path, "webserver", answer, webserver_package="nosuch-nginx")
    assert run.status == 0, run.output
    assert UNPREDICTED in run.output.splitlines()
    # Neither the page nor the unit, whose directory and file come with the package.
    assert run.output.count("skipping: [one]") >= 3


def test_a_web_server_that_is_installed_is_predicted(tmp_path: Path) -> None:
    """Up to its files, which this machine does not have."""
    run = rehearse(tmp_path, "webserver", IS_THERE, "--tags", "webserver_install", webserver_package="nosuch-nginx")
    assert run.status == 0, run.output
    assert UNPREDICTED not in run.output


@pytest.mark.parametrize("role", ["director", "realserver", "gateway", "webserver"])
@pytest.mark.parametrize(("answer", "status"), [(NO_LIBRARY, 0), (NO_PACKAGE, 2)])
def test_what_check_mode_of_a_package_manager_lacks_ends_no_rehearsal(
    tmp_path: Path, role: str, answer: str, status: int
) -> None:
    packages = {} if role == "webserver" else {f"{role}_packages": ["x"]}
    run = rehearse(tmp_path, role, answer, "--tags", f"{role}_install", **packages)
    assert run.status == status, run.output
    assert "TASK [" in run.output
