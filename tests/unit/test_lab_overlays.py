# SPDX-License-Identifier: GPL-3.0-or-later
"""Overlays of images: what they add to an image and to its name, and that only the tests' labs have one."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

import jinja2
import parts
import pytest
import yaml
from ansible_collections.lvs.cluster.plugins.module_utils._lab.guest import settle_script
from ansible_collections.lvs.cluster.plugins.module_utils._lab.image import content_hashes, overlay_scripts
from commands import PROJECT
from jinja2.nativetypes import NativeEnvironment

ROLE = PROJECT / "roles" / "lab"
OVERLAY = Path(parts.FASTER["LVS_LAB_OVERLAYS"])


@pytest.fixture
def overlay(tmp_path):
    """Return an overlay with all that it can have."""
    directory = tmp_path / "its overlay"
    (directory / "files" / "etc").mkdir(parents=True)
    (directory / "files" / "etc" / "added").write_text("yes")
    (directory / "settle").write_text("echo 'it settles'\n")
    customize = directory / "customize"
    customize.write_text('#!/bin/sh\ncp "$1/etc/added" "$1/etc/customized"\n')
    customize.chmod(0o755)
    return directory


def hook():
    """Return the command that the role gives to mmdebstrap for the overlays, as a function of these."""
    tasks = yaml.safe_load((ROLE / "tasks" / "build.yml").read_text())
    (variables,) = [task["vars"] for task in tasks if "_lab_overlays" in task.get("vars", {})]
    environment = jinja2.Environment()
    environment.filters["quote"] = shlex.quote
    return lambda overlays: environment.from_string(variables["_lab_overlays"]).render(
        _lab_tar=variables["_lab_tar"], lab_image_overlays=[str(one) for one in overlays]
    )


def add(root, *overlays):
    """Do to an image's files what mmdebstrap does; return how it ended."""
    root.mkdir()
    return subprocess.run(["sh", "-c", hook()(overlays), "exec", str(root)], capture_output=True, text=True)


def files(root):
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def test_without_overlays_nothing_is_added(tmp_path):
    assert add(tmp_path / "root").returncode == 0
    assert files(tmp_path / "root") == set()


def test_an_overlay_adds_its_files_and_its_program_runs_then(tmp_path, overlay):
    (tmp_path / "empty").mkdir()
    done = add(tmp_path / "root", tmp_path / "empty", overlay)
    assert (done.returncode, done.stderr) == (0, "")
    assert files(tmp_path / "root") == {"etc/added", "etc/customized"}


@pytest.mark.parametrize(
    "break_it",
    [
        lambda overlay: (overlay / "customize").write_text("#!/bin/sh\nexit 3\n"),
        lambda overlay: (overlay / "customize").chmod(0o644),
    ],
)
def test_a_program_that_fails_ends_the_build(tmp_path, overlay, break_it):
    (tmp_path / "last").mkdir()
    break_it(overlay)
    assert add(tmp_path / "root", overlay, tmp_path / "last").returncode != 0


def test_each_file_of_an_overlay_is_part_of_the_images_name(tmp_path, overlay):
    guest = tmp_path / "guest"
    guest.mkdir()
    (guest / "fstab").write_text("/")
    plain, added = content_hashes(guest, []), content_hashes(guest, [overlay])
    assert plain.keys() == {"fstab"}
    assert added.keys() == {"fstab", "overlay 0/files/etc/added", "overlay 0/customize", "overlay 0/settle"}
    (overlay / "settle").write_text("true\n")
    assert content_hashes(guest, [overlay]) != added


def run_settle(tmp_path, *scripts):
    """Run the script of the first boot, with programs that do nothing in place of the machine's."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("systemctl", "python3", "apt-cache", "nc", "networkctl", "ip", "sync", "sleep", "cat"):
        (programs / name).write_text("#!/bin/sh\n")
        (programs / name).chmod(0o755)
    text = settle_script(scripts).replace("/usr/lib/systemd/systemd-networkd-wait-online", "true")
    environment = {"PATH": f"{programs}:{os.environ['PATH']}"}
    return subprocess.run(["/bin/sh"], input=text, env=environment, capture_output=True, text=True, timeout=30)


def test_the_scripts_of_overlays_run_at_the_end_of_the_first_boot(tmp_path, overlay):
    (tmp_path / "empty").mkdir()
    scripts = overlay_scripts([overlay, tmp_path / "empty"])
    done = run_settle(tmp_path, *scripts, "read -r line || echo 'no input'")
    assert (done.returncode, done.stdout, done.stderr) == (0, "it settles\nno input\n", "")


def test_a_script_that_fails_ends_the_first_boot(tmp_path):
    done = run_settle(tmp_path, "false\necho never", "echo never")
    assert (done.returncode, done.stdout) == (1, "")


def test_the_tests_machines_have_the_overlay_and_those_of_the_benchmarks_are_plain():
    found = {part.lab: parts.environment_of(part) for part in parts.PARTS.values() if part.lab}
    for lab, environment in found.items():
        expected = dict.fromkeys(parts.FASTER, "") if lab == "bench" else parts.FASTER
        assert {name: environment[name] for name in parts.FASTER} == expected, lab
    assert "bench" in found
    assert {path.name for path in OVERLAY.iterdir()} == {"customize", "files", "settle"}
    assert (OVERLAY / "files" / parts.FASTER["LVS_LAB_PYTHON"].lstrip("/")).exists()


@pytest.mark.parametrize(
    ("found", "overlays", "python"),
    [
        ({}, [], "/usr/bin/python3"),
        (dict.fromkeys(parts.FASTER, ""), [], "/usr/bin/python3"),
        (parts.FASTER, [str(OVERLAY)], parts.FASTER["LVS_LAB_PYTHON"]),
        ({"LVS_LAB_OVERLAYS": "/a:/b c"}, ["/a", "/b c"], "/usr/bin/python3"),
    ],
)
def test_only_the_environment_adds_to_a_lab(found, overlays, python):
    environment = NativeEnvironment()
    environment.filters["split"] = str.split
    environment.globals["lookup"] = lambda plugin, variable: found.get(variable, "")
    for file, name, expected in (
        (ROLE / "defaults" / "main.yml", "lab_image_overlays", overlays),
        (PROJECT / "inventories" / "lab" / "group_vars" / "lab.yml", "ansible_python_interpreter", python),
    ):
        assert environment.from_string(yaml.safe_load(file.read_text())[name]).render() == expected
