# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook preflight on this machine, which is none of the hosts that the inventory describes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import execute

# No address is asked for where the description is wrong, so that this needs no right to open raw sockets.
WRONG = {"lvs_services": [{"name": "web", "address": "192.0.2.0/24", "ports": [80, 70000]}]}


@pytest.mark.parametrize("extra", [[], ["--check"], ["--limit", "rs1"]], ids=" ".join)
def test_mistakes_of_the_description_are_told_at_once(tmp_path: Path, extra: list[str]) -> None:
    hosts = {"directors": {"lb1": "192.0.2.3"}, "realservers": {"rs1": "192.0.2.4"}}
    inventory = {
        "all": {
            "vars": {
                "ansible_connection": "local",
                "ansible_python_interpreter": "{{ ansible_playbook_python }}",
                "director_interface": "lo",
                **WRONG,
            },
            "children": {
                group: {"hosts": {host: {"ansible_host": address} for host, address in members.items()}}
                for group, members in hosts.items()
            },
        }
    }
    path = tmp_path / "hosts.json"
    path.write_text(json.dumps(inventory))
    run = execute("ansible-playbook", "lvs.cluster.preflight", "-i", str(path), *extra)
    assert run.status != 0
    assert "TASK [Read this host's state, and probe its segment]" in run.output
    assert run.output.count("- 'ERROR    ") == 2, run.output  # Ansible shows the list once more in its own line
    for value in ("192.0.2.0/24", "70000"):
        assert value in run.output
    assert all(changed == 0 for changed in run.changed().values())
