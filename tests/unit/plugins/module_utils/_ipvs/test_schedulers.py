# SPDX-License-Identifier: GPL-3.0-or-later
"""Which schedulers a kernel can have."""

from __future__ import annotations

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import InvalidValue
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.schedulers import check_scheduler


def test_scheduler_that_the_kernel_lacks(tmp_path, error_words):
    tree = tmp_path / "6.1.0"
    tree.mkdir()
    (tree / "modules.builtin").write_text("")
    (tree / "modules.dep").write_text(
        "kernel/net/netfilter/ipvs/ip_vs_rr.ko: kernel/net/netfilter/ipvs/ip_vs.ko\n"
        "kernel/net/netfilter/ipvs/ip_vs_ftp.ko: kernel/net/netfilter/ipvs/ip_vs.ko\n"
        "kernel/net/netfilter/ipvs/ip_vs_pe_sip.ko: kernel/net/netfilter/ipvs/ip_vs.ko\n"
        "kernel/net/netfilter/ipvs/ip_vs_mh.ko.xz:\n"
    )
    check_scheduler("rr", "6.1.0", str(tmp_path))
    check_scheduler("mh", "6.1.0", str(tmp_path))
    with pytest.raises(InvalidValue) as refusal:
        check_scheduler("round", "6.1.0", str(tmp_path))
    assert error_words(refusal.value) == ("scheduler", "round")


def test_scheduler_where_the_host_hides_its_modules(tmp_path):
    check_scheduler("round", "6.1.0", str(tmp_path))
