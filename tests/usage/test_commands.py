# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands of the README, and the collection as others get it."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
from commands import execute

HOSTS = {"director", "rs1", "rs2", "client"}
NOT_FOR_USERS = (
    ".ci",
    ".collections",
    ".venv",
    "lab",
    "molecule",
    "tests",
    "Makefile",
    "noxfile.py",
    "site.yml",
    "requirements",
)


@pytest.fixture(scope="session")
def tarball(tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("build")
    built = execute("ansible-galaxy", "collection", "build", "--output-path", str(directory))
    assert built.status == 0, built.output
    (path,) = directory.glob("lvs-cluster-*.tar.gz")
    return path


def test_the_literal_command_changes_nothing_in_a_built_cluster(typed):
    run = typed("ansible-playbook", "site.yml", "-i", "lab")
    assert run.status == 0, run.output
    assert run.changed() == dict.fromkeys(HOSTS, 0)


def test_check_mode_of_a_built_cluster_finds_nothing_to_do(typed):
    run = typed("ansible-playbook", "site.yml", "-i", "lab", "--check", "--diff", "--limit", "directors:realservers")
    assert run.status == 0, run.output
    assert set(run.changed().values()) == {0}


def test_what_is_beyond_the_limit_is_left_alone(typed, on_host):
    """Somebody undid a sysctl on both servers, and one of them is to be mended."""
    name = "net.ipv4.conf.all.arp_announce"
    for host in ("rs1", "rs2"):
        on_host(host, f"sysctl -qw {name}=0")
    try:
        run = typed("ansible-playbook", "site.yml", "-i", "lab", "--limit", "rs1")
        assert run.status == 0, run.output
        assert run.changed() == {"rs1": 1}
        assert [on_host(host, f"sysctl -n {name}").strip() for host in ("rs1", "rs2")] == ["2", "0"]
    finally:
        on_host("rs2", f"sysctl -qw {name}=2")


def test_lab_up_leaves_a_running_lab_alone(typed):
    run = typed("ansible-playbook", "lvs.cluster.lab_up", "-i", "lab")
    assert run.status == 0, run.output
    assert set(run.changed().values()) == {0}


def test_tarball_holds_what_users_need(tarball):
    with tarfile.open(tarball) as archive:
        names = archive.getnames()
    top = {name.split("/")[0] for name in names}
    assert {"galaxy.yml", "MANIFEST.json"} & top
    assert {"README.md", "meta", "plugins", "roles", "playbooks", "inventories", "LICENSES"} <= top
    assert not top & set(NOT_FOR_USERS)
    assert not [name for name in names if name.endswith((".pyc", ".qcow2", ".img"))]
    # The additions to the tests' machines stay with the tests.
    assert not [name for name in names if "lvs-lab" in name or "lvs_lab" in name]
