# SPDX-License-Identifier: GPL-3.0-or-later
"""Image keys, what is believed of the cache, who builds, and QEMU's command line."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._lab import image as lab_image
from ansible_collections.lvs.cluster.plugins.module_utils._lab import probe as lab_probe
from ansible_collections.lvs.cluster.plugins.module_utils._lab import process as lab_process
from ansible_collections.lvs.cluster.plugins.module_utils._lab import run as lab_run
from ansible_collections.lvs.cluster.plugins.module_utils._lab.errors import (
    BadImage,
    LabError,
    NoSpace,
    PathTooLong,
    PortTaken,
)
from ansible_collections.lvs.cluster.plugins.module_utils._lab.hosts import Host
from ansible_collections.lvs.cluster.plugins.module_utils._lab.qemu import Machine, check_socket_path, qemu_argv

MACHINE = Machine("QEMU 7.2", "tcg", "qemu64", 384)


def key(release="bookworm", machine=MACHINE, recipe=None, files=None):
    return lab_image.image_key(release, machine, recipe or {"packages": ["a"]}, files or {"etc/fstab": "0"})


def test_the_key_is_stable():
    assert key() == key()
    assert key().startswith("bookworm-")


@pytest.mark.parametrize(
    "other",
    [
        {"release": "trixie"},
        {"machine": replace(MACHINE, qemu="QEMU 10.0")},
        {"machine": replace(MACHINE, accelerator="kvm")},
        {"machine": replace(MACHINE, cpu="max")},
        {"machine": replace(MACHINE, memory=512)},
        {"machine": replace(MACHINE, layout=99)},
        {"recipe": {"packages": ["a", "b"]}},
        {"files": {"etc/fstab": "1"}},
    ],
)
def test_whatever_makes_the_image_changes_its_key(other):
    assert key(**other) != key()


def build(cache, name="bookworm-1"):
    building = cache.begin(name, 1)
    for part in lab_image.PARTS:
        (building / part).parent.mkdir(exist_ok=True)
        (building / part).write_text(part)
    return building


def test_an_image_is_believed_only_when_complete(tmp_path):
    cache = lab_image.Cache(tmp_path)
    building = build(cache)
    assert not lab_image.is_image(cache.images / "bookworm-1")
    path = cache.publish(building, "bookworm-1", "bookworm", MACHINE)
    assert lab_image.read_image(path) == lab_image.Image(path, MACHINE, "bookworm")
    assert [p.name for p in cache.images.iterdir()] == ["bookworm-1"]
    assert cache.begin("bookworm-1", 1) is None


def test_only_the_newest_images_of_a_release_are_kept(tmp_path):
    cache = lab_image.Cache(tmp_path)
    for number in range(5):
        path = cache.publish(build(cache, f"bookworm-{number}"), f"bookworm-{number}", "bookworm", MACHINE)
        os.utime(path, (number, number))
    other = cache.publish(build(cache, "trixie-0"), "trixie-0", "trixie", MACHINE)
    assert sorted(p.name for p in cache.images.iterdir()) == ["bookworm-2", "bookworm-3", "bookworm-4", other.name]


def test_an_unfinished_image_is_not_published(tmp_path, error_words):
    cache = lab_image.Cache(tmp_path)
    building = build(cache)
    (building / "state").unlink()
    with pytest.raises(BadImage) as caught:
        cache.publish(building, "bookworm-1", "bookworm", MACHINE)
    assert error_words(caught.value) == (
        f"{tmp_path}/images/.building-bookworm-1",
        None,
    )


@pytest.mark.parametrize("damage", [lambda p: (p / "ram").write_text("x"), lab_image.forget_image])
def test_a_damaged_image_is_built_again(tmp_path, damage):
    cache = lab_image.Cache(tmp_path)
    path = cache.publish(build(cache), "bookworm-1", "bookworm", MACHINE)
    damage(path)
    with pytest.raises(BadImage):
        lab_image.read_image(path)
    cache.publish(build(cache), "bookworm-1", "bookworm", MACHINE)
    assert [p.name for p in cache.images.iterdir()] == ["bookworm-1"]


def test_a_second_builder_waits_for_the_first(tmp_path, error_words):
    cache = lab_image.Cache(tmp_path)
    build(cache)
    with pytest.raises(BadImage) as caught:
        cache.begin("bookworm-1", 0)
    assert error_words(caught.value) == (
        f"{tmp_path}/images/.building-bookworm-1",
        None,
    )


@pytest.mark.parametrize("owner", ['{"pid": 999999999, "started": "1", "boot": "x"}', "{half", ""])
def test_what_a_dead_builder_left_is_removed(tmp_path, owner):
    left = tmp_path / "images" / ".building-bookworm-1"
    left.mkdir(parents=True)
    (left / "owner.json").write_text(owner)
    (left / "disk.raw").write_text("half")
    building = lab_image.Cache(tmp_path).begin("bookworm-1", 0)
    assert [p.name for p in building.iterdir()] == ["owner.json"]
    assert json.loads((building / "owner.json").read_text())["pid"] != 999999999


def test_the_owner_is_the_playbook_and_not_its_worker():
    play = ["/venv/bin/python3", "/venv/bin/ansible-playbook", "lvs.cluster.lab_up"]
    words = {
        9: ["python3", "/root/.ansible/tmp/x/AnsiballZ_lab_image.py"],
        8: ["/bin/sh", "-c", "python3 /root/.ansible/tmp/x/AnsiballZ_lab_image.py"],
        7: play,
        6: play,
        5: ["bash"],
    }
    assert lab_image.owner_process(9, lambda pid: pid - 1 if pid > 5 else 1, words.__getitem__) == 6


def test_no_space_says_how_much_and_where(tmp_path):
    with pytest.raises(NoSpace) as caught:
        lab_image.check_space(tmp_path / "not" / "yet", 99999999999, "image x")
    assert (caught.value.subject, caught.value.value) == (f"{tmp_path}/not/yet", None)
    assert re.fullmatch(r"has only \d+ MiB free, and image x needs 99999999999 MiB", caught.value.rule)
    assert caught.value.remedy == "make room there, or set LVS_LAB_DIR (lab_dir) to another directory"


def test_a_socket_path_that_does_not_fit_is_refused_with_its_length(error_words):
    path = Path("/" + "x" * 120)
    with pytest.raises(PathTooLong) as caught:
        check_socket_path(path)
    assert error_words(caught.value) == (
        "socket path",
        "/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    )


def test_a_taken_port_is_named_with_host_and_remedy():
    import socket

    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortTaken) as caught:
            lab_run.check_port(Host("rs1", port, "/i"))
        assert (caught.value.subject, caught.value.value) == ("ssh port of rs1", port)
        assert "127.0.0.1" in caught.value.rule
        assert "LVS_LAB_SSH_BASE_PORT" in caught.value.remedy


def test_a_restored_machine_maps_the_memory_privately_and_listens_on_loopback_only():
    argv = qemu_argv(MACHINE, Path("/i,1"), Path("/r"), Path("/r/disk.qcow2"), 22003, restore=True)
    text = " ".join(argv)
    assert "share=off" in text
    assert "mem-path=/i,,1/ram" in text
    assert "-incoming defer -S" in text
    assert "hostfwd=tcp:127.0.0.1:22003-:22" in text
    first = " ".join(qemu_argv(MACHINE, Path("/i"), Path("/r"), Path("/i/disk.raw"), 0, restore=False))
    assert "share=on" in first
    assert "hostfwd" not in first
    assert "restrict=on" in first
    assert "-incoming" not in first


@pytest.mark.parametrize(
    ("proxy", "forward"),
    [
        ((), None),
        (
            ("/usr/bin/python3", "-I", "/a lab,1/proxy.py", "deb.debian.org"),
            "guestfwd=tcp:10.0.2.100:3128-cmd:/usr/bin/python3 -I '/a lab,,1/proxy.py' deb.debian.org",
        ),
    ],
)
def test_the_management_network_carries_ssh_and_the_package_proxy_alone(proxy, forward):
    argv = qemu_argv(MACHINE, Path("/i"), Path("/r"), Path("/r/disk.qcow2"), 22003, restore=True, proxy=proxy)
    (network,) = [argument for argument in argv if argument.startswith("user,")]
    assert "restrict=on" in network.split(",")
    assert network.endswith(forward) if forward else "guestfwd" not in network


def test_a_missing_program_is_named_with_its_package():
    missing = lab_probe.missing_programs(lambda name: None if name in ("vde_switch", "mke2fs") else "/bin/x")
    assert missing == ["mke2fs", "vde_switch"]
    assert "apt-get install --no-install-recommends e2fsprogs vde2." in lab_probe.missing_message(missing)


@pytest.mark.parametrize(
    ("listed", "mirror"),
    [
        ("", ""),
        (
            "Debian Debian-Security http://security.example/s/\nDebian Debian http://deb.example/debian/\n",
            "http://deb.example/debian",
        ),
        ("Ubuntu Ubuntu http://ubuntu.example/ubuntu/\n", ""),
        ("Debian Debian file:/media/cdrom/\n", ""),
    ],
)
def test_the_mirror_is_what_apt_uses(listed, mirror):
    assert lab_probe.mirror_of(listed) == mirror


def test_kvm_that_cannot_be_opened_is_not_tried(tmp_path):
    assert lab_probe.kvm_boots(None, str(tmp_path / "kvm")) is False


def test_asking_for_kvm_where_it_does_not_work_is_an_error(tmp_path, monkeypatch, error_words):
    monkeypatch.setattr(lab_probe, "kvm_boots", lambda kernel: False)
    with pytest.raises(LabError) as caught:
        lab_probe.accelerator(tmp_path, "kvm", "QEMU 7.2", None, remember=False)
    assert error_words(caught.value) == ("lab_accel", "kvm")


def test_the_answer_about_kvm_is_kept_for_this_boot_and_qemu(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(lab_probe, "kvm_boots", lambda kernel: asked.append(kernel) or False)
    for version in ("QEMU 7.2", "QEMU 7.2", "QEMU 10.0"):
        assert lab_probe.accelerator(tmp_path, "auto", version, None, remember=True) == "tcg"
    assert len(asked) == 2


def test_a_yes_without_a_kernel_is_not_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(lab_probe, "kvm_boots", lambda kernel: kernel is None)
    assert lab_probe.accelerator(tmp_path, "auto", "QEMU 7.2", None, remember=True) == "kvm"
    assert lab_probe.accelerator(tmp_path, "auto", "QEMU 7.2", Path("/vmlinuz"), remember=True) == "tcg"


def test_a_process_is_found_by_program_and_whole_argument(tmp_path):
    for pid, words in (
        ("10", ["qemu-system-x86_64", "-pidfile", "/a/b"]),
        ("11", ["vi", "/a/b/pid"]),
        ("12", ["qemu-system-x86_64", "/a/b/pid"]),
    ):
        (tmp_path / pid).mkdir()
        (tmp_path / pid / "cmdline").write_bytes(b"".join(os.fsencode(word) + b"\0" for word in words))
    (tmp_path / "self").mkdir()
    assert lab_process.find("qemu-system-x86_64", "/a/b/pid", tmp_path) == 12
    assert lab_process.find("qemu-system-x86_64", "/a/b/c", tmp_path) is None
    assert lab_process.below("qemu-system-x86_64", Path("/a"), tmp_path) == [Path("b"), Path("b/pid")]
    assert lab_process.below("qemu-system-x86_64", Path("/a/b/pid"), tmp_path) == []
