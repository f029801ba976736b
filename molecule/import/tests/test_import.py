# SPDX-License-Identifier: GPL-3.0-or-later
"""What a stranger's playbook made of the lab's machines: their role serves, and ours brings it the clients."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from lab_shell import LabShell

VIP = "192.168.91.50"
LAB = LabShell("lab")


def test_the_roles_came_from_the_tarball():
    installed = (
        Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "collections" / "ansible_collections" / "lvs" / "cluster"
    )
    assert (installed / "MANIFEST.json").is_file()
    assert not (installed / "tests").exists()


@pytest.mark.parametrize("port", [80, 8080])
def test_clients_are_served_by_weight(port):
    assert LAB.visits(f"http://{VIP}:{port}/", 6, "x-shop") == {"web1": 2, "web2": 4}


def test_the_table_is_what_the_inventory_says():
    assert LAB.on("director", "ipvsadm -Sn").splitlines() == [
        line
        for port in (80, 8080)
        for line in (
            f"-A -t {VIP}:{port} -s wrr",
            f"-a -t {VIP}:{port} -r 192.168.91.4:{port} -g -w 1",
            f"-a -t {VIP}:{port} -r 192.168.91.5:{port} -g -w 2",
        )
    ]
