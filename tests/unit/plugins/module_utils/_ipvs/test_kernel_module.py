# SPDX-License-Identifier: GPL-3.0-or-later
"""Kernel modules are loaded by what the kernel itself would call."""

from __future__ import annotations

import errno
import time

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs import client as ipvs_client
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.kernel_module import load_module
from ansible_collections.lvs.cluster.plugins.module_utils._netlink.messages import NetlinkError


@pytest.fixture
def helper(tmp_path):
    """A program that keeps what it was told, and the file that names it."""
    program = tmp_path / "modprobe"
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {tmp_path}/told\nexit 1\n')
    program.chmod(0o755)
    (tmp_path / "helper").write_text(f"{program}\n")
    return tmp_path / "helper"


def test_the_kernels_own_helper_is_asked(helper):
    load_module("ip_vs", str(helper))
    assert (helper.parent / "told").read_text().split() == ["-q", "-b", "--", "ip_vs"]


@pytest.mark.parametrize("named", ["\n", "/no/such/program\n", None])
def test_without_a_helper_nothing_happens(helper, named):
    helper.unlink()
    if named is not None:
        helper.write_text(named)
    load_module("ip_vs", str(helper))
    assert not (helper.parent / "told").exists()


def test_a_helper_that_hangs_is_killed(helper, tmp_path):
    (tmp_path / "modprobe").write_text("#!/bin/sh\nexec sleep 60\n")
    began = time.monotonic()
    load_module("ip_vs", str(helper), limit=0.2)
    assert time.monotonic() - began < 10


def test_ipvs_is_asked_for_again_once_it_was_loaded(monkeypatch):
    loaded = []

    def family(name, version):
        if not loaded:
            raise NetlinkError(errno.ENOENT)
        return name, version

    monkeypatch.setattr(ipvs_client, "GenericNetlink", family)
    monkeypatch.setattr(ipvs_client, "load_module", loaded.append)
    assert ipvs_client.IpvsClient()._genl == ("IPVS", 1)
    assert loaded == ["ip_vs"]
