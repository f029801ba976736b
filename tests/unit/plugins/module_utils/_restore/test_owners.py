# SPDX-License-Identifier: GPL-3.0-or-later
"""Declarations of several clusters on one host: their files, the migration from 1.0.0, and a cluster that is renamed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import InvalidValue, LvsError
from ansible_collections.lvs.cluster.plugins.module_utils._core.owner import Owner
from ansible_collections.lvs.cluster.plugins.module_utils._parts.declaration import Declared, declare
from ansible_collections.lvs.cluster.plugins.module_utils._restore.client import checksum_of
from ansible_collections.lvs.cluster.plugins.module_utils._restore.rename import RenameRun
from ansible_collections.lvs.cluster.plugins.module_utils._restore.run import DeclareRun, Program
from restore_declarations import root

__all__ = ["root"]
PROGRAM, PYTHON = b"program", "/usr/bin/python3"
VIPS = {"vips": [{"interface": "lo", "addresses": ["192.0.2.30"]}]}
OTHER_VIPS = {"vips": [{"interface": "lo", "addresses": ["192.0.2.31"]}]}
FIREWALL = {"firewall": [{"name": "director", "open": [{"address": "192.0.2.30", "port": 80}]}]}
FILTER = {"arp_filters": [{"name": "director", "addresses": ["192.0.2.30"], "source_address": "192.0.2.4"}]}
# Files as release 1.0.0 wrote them, without an owner
STATE_OF_1_0_0 = (
    '{\n  "arp_filters": [],\n  "firewall": [],\n  "neighbors": [],\n  "services": [],\n  "timeouts": {},\n'
    '  "vips": [\n    {\n      "addresses": [\n        "192.0.2.30"\n      ],\n      "interface": "lo"\n    }\n  ]\n}\n'
)
MODULES_OF_1_0_0 = "# Written by lvs.cluster.boot_restore.\nip_vs\n"


@pytest.fixture
def program(tmp_path):
    source = tmp_path / "transferred"
    source.write_bytes(PROGRAM)
    return Program(checksum_of(PROGRAM), str(source))


def run(program: Program, present: bool = True, former: str = "", **options: object) -> DeclareRun:
    declared = declare({"name": "director", **options})
    made = DeclareRun(declared, present, False, program, PYTHON, former)
    made.apply()
    return made


def tree(root: Path) -> dict[str, bytes]:
    found = {str(path.relative_to(root)): path for path in root.rglob("*") if path.is_file() or path.is_symlink()}
    return {name: path.read_bytes() for name, path in found.items() if name != "transferred"}


def test_each_cluster_has_files_of_its_own(root, program):
    run(program, kernel_modules=["ip_vs"], **VIPS)
    before = tree(root)
    run(program, owner="web", kernel_modules=["ip_vs"], **OTHER_VIPS)
    new = tree(root).keys() - before.keys()
    assert new == {
        "etc/lvs-cluster/web.director.json",
        "etc/modules-load.d/lvs-cluster-web.director.conf",
        "etc/systemd/system/lvs-cluster-web.director.early.service",
        "etc/systemd/system/lvs-cluster-web.director.service",
        "etc/systemd/system/multi-user.target.wants/lvs-cluster-web.director.service",
        "usr/local/lib/lvs-cluster/web.restore.pyz",
    }
    assert json.loads(tree(root)["etc/lvs-cluster/web.director.json"])["owner"] == "web"
    assert {name: tree(root)[name] for name in before} == before
    unit = tree(root)["etc/systemd/system/lvs-cluster-web.director.service"].decode()
    assert "/web.restore.pyz --keep " in unit
    assert "RuntimeDirectory=lvs-cluster-web.director\n" in unit
    # A newer release in one inventory leaves the program of the other cluster as it is.
    (root / "transferred").write_bytes(b"newer")
    run(Program(checksum_of(b"newer"), program.source), kernel_modules=["ip_vs"], **VIPS)
    assert tree(root)["usr/local/lib/lvs-cluster/web.restore.pyz"] == PROGRAM
    run(program, present=False, owner="web")
    assert tree(root).keys() == before.keys()


@pytest.mark.parametrize("gone", ["default", "web"])
def test_the_program_stays_for_the_other_declarations_of_its_owner(root, program, gone):
    for owner in ("default", "web"):
        run(program, owner=owner, **VIPS) if owner == gone else run(program, owner=owner, **OTHER_VIPS)
    run(program, owner=gone, name="gateway")
    run(program, present=False, owner=gone)
    pyz = [name for name in tree(root) if name.endswith(".pyz")]
    assert len(pyz) == 2
    run(program, present=False, owner=gone, name="gateway")
    assert [name for name in tree(root) if name.endswith(".pyz")] == [
        name for name in pyz if ("web" in name) != (gone == "web")
    ]


def of_1_0_0(root: Path) -> None:
    for name, text in (
        ("etc/lvs-cluster/director.json", STATE_OF_1_0_0),
        ("etc/modules-load.d/lvs-cluster-director.conf", MODULES_OF_1_0_0),
        ("etc/systemd/system/lvs-cluster-director.service", "[Unit]\n# of 1.0.0\n"),
        ("usr/local/lib/lvs-cluster/restore.pyz", "of 1.0.0"),
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    wants = root / "etc/systemd/system/multi-user.target.wants"
    wants.mkdir()
    (wants / "lvs-cluster-director.service").symlink_to(root / "etc/systemd/system/lvs-cluster-director.service")


def test_the_files_of_1_0_0_get_an_owner_in_the_next_run_and_no_more(root, program):
    of_1_0_0(root)
    before = tree(root).keys()
    first = run(program, kernel_modules=["ip_vs"], **VIPS)
    assert (first.plan.changed, first.plan.results["former"]) == (True, {})
    assert tree(root).keys() - before == {"etc/systemd/system/lvs-cluster-director.early.service"}
    assert json.loads(tree(root)["etc/lvs-cluster/director.json"])["owner"] == "default"
    assert run(program, kernel_modules=["ip_vs"], **VIPS).plan.operations == ()


def test_what_1_0_0_declared_and_is_no_longer_declared_is_found(root, program):
    of_1_0_0(root)
    former = [{"interface": "lo", "addresses": ["192.0.2.30"], "state": "absent"}]
    assert run(program, **OTHER_VIPS).plan.results["former"] == {"vips": former}


def test_another_cluster_beside_one_of_1_0_0(root, program, error_words):
    of_1_0_0(root)
    before = tree(root)
    with pytest.raises(InvalidValue) as refusal:
        run(program, owner="web", **VIPS)
    error_words(refusal.value)
    assert tree(root) == before
    run(program, owner="web", **OTHER_VIPS)
    run(program, present=False, owner="web")
    assert tree(root) == before


def rename(program: Program, name: str = "web", former: str = "default") -> RenameRun:
    made = RenameRun("director", Owner(name, former), program, PYTHON)
    made.apply()
    return made


def test_a_cluster_is_renamed(root, program):
    of_1_0_0(root)
    made = rename(program)
    assert made.plan.results["former_unit"] == "lvs-cluster-director.service"
    files = tree(root)
    assert not [name for name in files if "web." not in name]
    state = json.loads(files["etc/lvs-cluster/web.director.json"])
    assert (state["owner"], state["vips"]) == ("web", VIPS["vips"])
    assert files["etc/modules-load.d/lvs-cluster-web.director.conf"] == MODULES_OF_1_0_0.encode()
    # The roles' next steps find it as they would have written it.
    assert run(program, former="default", owner="web", kernel_modules=["ip_vs"], **VIPS).plan.operations == ()
    again = rename(program)
    assert (again.plan.operations, again.plan.results["former_unit"]) == ((), "")


def test_rules_and_filters_get_the_new_owner_and_what_is_former_stays_former(root, program):
    run(program, **VIPS, **FIREWALL, **FILTER)
    run(program, **OTHER_VIPS, **FIREWALL)
    former = json.loads(tree(root)["etc/lvs-cluster/director.json"])["former"]
    assert former["arp_filters"] == [{"name": "director", "state": "absent"}]
    rename(program, "mail")
    rename(program, "web", "mail")
    state = json.loads(tree(root)["etc/lvs-cluster/web.director.json"])
    assert state["firewall"] == [{**FIREWALL["firewall"][0], "owner": "web"}]
    owned = [{**one, "owner": "web"} for one in former["arp_filters"]]
    assert state["former"] == {**former, "arp_filters": owned}
    rename(program, "default", "web")
    assert json.loads(tree(root)["etc/lvs-cluster/director.json"])["former"] == former


@pytest.mark.parametrize("survived", range(12))
def test_a_rename_that_dies_anywhere_is_healed_by_the_next(root, program, survived, monkeypatch):
    from ansible_collections.lvs.cluster.plugins.module_utils._restore import rename as module

    of_1_0_0(root)
    real = module.apply_files
    with monkeypatch.context() as dying:
        dying.setattr(module, "apply_files", lambda steps, content: real(steps[:survived], content))
        rename(program)
    rename(program)
    assert run(program, former="default", owner="web", kernel_modules=["ip_vs"], **VIPS).plan.operations == ()
    assert not [name for name in tree(root) if "web." not in name]


def test_two_clusters_are_not_made_one(root, program, error_words):
    run(program, **VIPS)
    run(program, owner="web", **OTHER_VIPS)
    before = tree(root)
    with pytest.raises(InvalidValue) as refusal:
        rename(program)
    error_words(refusal.value)
    assert tree(root) == before


def test_a_rename_needs_a_name_and_a_file_that_can_be_read(root, program, error_words):
    with pytest.raises(InvalidValue) as refusal:
        RenameRun("director", Owner("web"), program, PYTHON)
    error_words(refusal.value, "no name")
    of_1_0_0(root)
    (root / "etc/lvs-cluster/director.json").write_text("{")
    with pytest.raises(LvsError) as damaged:
        rename(program)
    error_words(damaged.value, "damaged")


def test_items_have_the_owner_of_their_declaration(error_words):
    declared = declare({"name": "x", "owner": "web", **FIREWALL, **FILTER})
    assert [item["owner"] for item in (*declared.firewall, *declared.arp_filters)] == ["web", "web"]
    same = {**FIREWALL["firewall"][0], "owner": "default"}
    assert declare({"name": "x", "firewall": [same]}).firewall == FIREWALL["firewall"]
    with pytest.raises(InvalidValue) as refusal:
        declare({"name": "x", "owner": "web", "firewall": [same]})
    error_words(refusal.value)


def test_names_of_two_owners():
    one, other = Declared("director"), Declared("director", owner="web")
    assert not set(one.paths) & set(other.paths)
    assert (one.unit, other.unit) == ("lvs-cluster-director.service", "lvs-cluster-web.director.service")


def test_what_another_declaration_has_now_is_not_former_any_more(root, program):
    both = {"vips": [*VIPS["vips"], {"interface": "lan0", "addresses": ["192.0.2.31", "192.0.2.32"]}]}
    run(program, **both)
    assert run(program, **VIPS).plan.results["former"]["vips"][0]["addresses"] == ["192.0.2.31", "192.0.2.32"]
    run(program, owner="web", vips=[{"interface": "lan0", "addresses": ["192.0.2.31"]}])
    run(program, name="realserver", vips=[{"interface": "lan0", "addresses": ["192.0.2.32"]}])
    made = run(program, **VIPS)
    assert made.plan.results["former"] == {}
    words = "declares it on this host."
    assert made.plan.warnings == (
        f"192.0.2.31 on lan0 stays, since cluster web (declaration director) {words}",
        f"192.0.2.32 on lan0 stays, since cluster default (declaration realserver) {words}",
    )
    again = run(program, **VIPS)
    assert (again.plan.operations, again.plan.warnings) == ((), ())
