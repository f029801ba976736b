# SPDX-License-Identifier: GPL-3.0-or-later
"""What a stranger's playbook made of the lab's machines: their role serves, and ours brings it the clients."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest
from lab_shell import LabShell

VIP = "192.168.91.50"
on = LabShell("lab").on


def test_the_roles_came_from_the_tarball():
    installed = (
        Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "collections" / "ansible_collections" / "lvs" / "cluster"
    )
    assert (installed / "MANIFEST.json").is_file()
    assert not (installed / "tests").exists()


@pytest.mark.parametrize("port", [80, 8080])
def test_clients_are_served_by_weight(port):
    each = "curl -sf -m 10 -o /dev/null -w '%header{x-shop}\\n'"
    visits = f"for i in 1 2 3 4 5 6; do {each} http://{VIP}:{port}/ || exit 1; done"
    assert Counter(on("client", visits).split()) == {"web1": 2, "web2": 4}


def test_the_table_is_what_the_inventory_says():
    assert on("director", "ipvsadm -Sn").splitlines() == [
        line
        for port in (80, 8080)
        for line in (
            f"-A -t {VIP}:{port} -s wrr",
            f"-a -t {VIP}:{port} -r 192.168.91.4:{port} -g -w 1",
            f"-a -t {VIP}:{port} -r 192.168.91.5:{port} -g -w 2",
        )
    ]
