# SPDX-License-Identifier: GPL-3.0-or-later
"""A kernel and its initrd without their compression, which an emulated processor would undo at each boot. Pure.

The layout of a boot image is that of Documentation/arch/x86/boot.rst of Linux; QEMU starts the kernel inside by its PVH
entry (arch/x86/platform/pvh/head.S), which is note 18 of the owner Xen.
"""

from __future__ import annotations

import gzip
import lzma
import re
import struct

_SETUP_SECTORS, _MAGIC, _VERSION, _PAYLOAD = 0x1F1, 0x202, 0x206, 0x248
_SECTOR = 512
_HAS_PAYLOAD = 0x0208  # the version of the boot protocol that tells where the payload is
_XZ, _GZIP, _ELF = b"\xfd7zXZ\0", b"\x1f\x8b", b"\x7fELF"
_PVH_ENTRY = re.compile(rb"\x04\0\0\0[\x04\x08]\0\0\0\x12\0\0\0Xen\0")


def unpacked_kernel(image: bytes) -> bytes:
    """Return the ELF kernel in a boot image; the image as it is when not xz has packed it, or without a PVH entry."""
    if image[_MAGIC : _MAGIC + 4] != b"HdrS" or struct.unpack_from("<H", image, _VERSION)[0] < _HAS_PAYLOAD:
        return image
    offset, length = struct.unpack_from("<II", image, _PAYLOAD)
    # No count of setup sectors means four, for boot loaders of old; the boot sector comes before them.
    start = ((image[_SETUP_SECTORS] or 4) + 1) * _SECTOR + offset
    payload = image[start : start + length]
    if not payload.startswith(_XZ):
        return image
    # The size of what was packed follows the end of the stream.
    kernel = lzma.LZMADecompressor().decompress(payload)
    return kernel if kernel.startswith(_ELF) and _PVH_ENTRY.search(kernel) else image


def unpacked_initrd(initrd: bytes) -> bytes:
    """Return the archive in an initrd; the initrd as it is when gzip has not packed it."""
    return gzip.decompress(initrd) if initrd.startswith(_GZIP) else initrd
