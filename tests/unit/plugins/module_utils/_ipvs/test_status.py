# SPDX-License-Identifier: GPL-3.0-or-later
"""Counters, timeouts, daemons and version, from bytes as kernels send them (captured on Linux 6.1, little-endian)."""

from __future__ import annotations

import sys

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import MalformedAnswer
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs import status
from ansible_collections.lvs.cluster.plugins.module_utils._netlink.messages import pack_attribute

little_endian = pytest.mark.skipif(sys.byteorder != "little", reason="the bytes are those of a little-endian host")


def counters(*values: int) -> bytes:
    """Return the attribute with 64-bit counters."""
    inside = (pack_attribute(number, value.to_bytes(8, sys.byteorder)) for number, value in enumerate(values, 1))
    return b"".join(inside)


def test_counters_have_64_bits():
    values = (1 << 40, (1 << 63) + 1, 3, 4, 5, 6, 7, 8, 9, 10)
    found = status.counters_of({12: counters(*values)})
    assert found == values
    assert (found.connections, found.bytes_out, found.connections_per_second) == (1 << 40, 5, 6)


@pytest.mark.parametrize("found", [{}, {12: b""}, {12: counters(1, 2, 3)}, {12: counters(*range(10))[:-1]}])
def test_counters_that_are_cut_off(found):
    with pytest.raises(MalformedAnswer):
        status.counters_of(found)


@little_endian
def test_timeouts():
    data = bytes.fromhex("08000400 84030000 08000500 78000000 08000600 2c010000")
    assert status.decode_timeouts(data) == status.Timeouts(900, 120, 300)
    assert status.encode_timeouts(status.Timeouts(900, 120, 300)) == data
    assert status.decode_timeouts(data[:16]) == status.Timeouts(900, 120, 0)


@little_endian
def test_engine():
    assert status.decode_engine(bytes.fromhex("08000100 01020100 08000200 00100000")) == ("1.2.1", 4096)


@little_endian
def test_daemon(error_words):
    data = "08000100 01000000 09000200 6c616e30 00000000 08000300 07000000 06000400 78050000 08000500 e0000063 06000700 28230000 05000800 03000000"
    assert status.decode_daemon(bytes.fromhex(data)) == ("master", "lan0", 7, 1400, "224.0.0.99", 9000, 3)
    group6 = "14000600 ff050000 00000000 00000000 00000005"
    found = status.decode_daemon(bytes.fromhex(data[:81] + group6))
    assert found == ("master", "lan0", 7, 1400, "ff05::5", 0, 0)
    with pytest.raises(MalformedAnswer) as caught:
        status.decode_daemon(bytes.fromhex("08000100 03000000" + data[17:]))
    assert error_words(caught.value) == ("The kernel's answer", None)


@little_endian
def test_a_daemon_to_start_leaves_to_the_kernel_what_it_chooses():
    least = status.Daemon("backup", "lan0", 7)
    assert status.encode_daemon(least) == bytes.fromhex(
        "08000100 02000000 09000200 6c616e30 00000000 08000300 07000000"
    )
    assert status.encode_daemon_state(least) == bytes.fromhex("08000100 02000000")


@pytest.mark.parametrize("group", ["224.0.0.99", "ff05::5"])
def test_a_daemon_to_start_is_read_as_it_was_written(group):
    daemon = status.Daemon("master", "lan0", 7, 1400, group, 9000, 3)
    assert status.decode_daemon(status.encode_daemon(daemon)) == daemon
