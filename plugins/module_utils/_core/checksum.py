# SPDX-License-Identifier: GPL-3.0-or-later
"""The checksum of IP, TCP, UDP and ICMP."""

from __future__ import annotations

import struct


def internet_checksum(data: bytes) -> int:
    """Return the Internet checksum (RFC 1071)."""
    padded = data + bytes(len(data) % 2)
    total: int = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
