# SPDX-License-Identifier: GPL-3.0-or-later
"""Kernels and initrds without their compression, and those that stay as they are."""

from __future__ import annotations

import gzip
import lzma
import struct
import zlib

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._lab.kernel import unpacked_initrd, unpacked_kernel

PVH = struct.pack("<III4sQ", 4, 8, 18, b"Xen\0", 0x1000850)
KERNEL = b"\x7fELF" + bytes(200) + PVH + b"code" * 500


def boot_image(payload, sectors=4, version=0x20F, magic=b"HdrS", offset=0x30):
    """Return a boot image as boot.rst has it, whose real-mode part is of so many sectors."""
    image = bytearray(512 * ((sectors or 4) + 1))
    image[0x1F1] = sectors
    image[0x202:0x206] = magic
    struct.pack_into("<H", image, 0x206, version)
    struct.pack_into("<II", image, 0x248, offset, len(payload))
    return bytes(image) + b"\xcc" * offset + payload + b"\xcc" * 100


def packed(kernel, pack=lzma.compress):
    """Return a payload: what was packed, and its size."""
    return pack(kernel) + struct.pack("<I", len(kernel))


@pytest.mark.parametrize("sectors", [0, 1, 4, 31, 255])
@pytest.mark.parametrize("offset", [0, 0x30, 0x10001])
def test_the_kernel_in_a_boot_image(sectors, offset):
    assert unpacked_kernel(boot_image(packed(KERNEL), sectors=sectors, offset=offset)) == KERNEL


@pytest.mark.parametrize(
    "image",
    [
        KERNEL,
        b"",
        boot_image(packed(KERNEL), magic=b"????"),
        boot_image(packed(KERNEL), version=0x207),
        boot_image(packed(KERNEL, zlib.compress)),
        boot_image(packed(KERNEL.replace(b"Xen", b"GNU"))),
        boot_image(packed(b"MZ" + KERNEL)),
    ],
    ids=["a kernel", "nothing", "no boot image", "an old protocol", "otherwise packed", "no PVH entry", "no ELF"],
)
def test_what_stays_as_it_is(image):
    assert unpacked_kernel(image) == image


def test_an_initrd():
    assert unpacked_initrd(gzip.compress(b"070701")) == b"070701"
    assert unpacked_initrd(b"070701") == b"070701"
