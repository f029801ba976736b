# SPDX-License-Identifier: GPL-3.0-or-later
"""Bytes that no kernel should send: an error of ours or the right value, never a wrong one."""

from __future__ import annotations

import random

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import MalformedAnswer
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs import fields, status
from ansible_collections.lvs.cluster.plugins.module_utils._netlink.messages import (
    pack_attribute,
    unpack_attributes,
    unpack_messages,
)
from ipvs_strategies import some, tables

CASES = 100_000
UNKNOWN = range(40, 60)


def records() -> list[tuple]:
    """Return (decoder, bytes as the kernel writes them, the right value) of many services and servers."""
    found = []
    for table in some(tables(), 200):
        for key, state in table.items():
            data = fields.encode_service(key, state.settings)
            found.append((fields.decode_service, data, (key, state.settings)))
            for server, settings in state.servers.items():
                data = fields.encode_server(server, settings)
                found.append((fields.decode_server, data, (server, settings)))
    return found


def attributes(data: bytes) -> list[tuple[int, bytes]]:
    return list(unpack_attributes(data).items())


def packed(parts: list[tuple[int, bytes]]) -> bytes:
    return b"".join(pack_attribute(number, payload) for number, payload in parts)


def truncated(dice: random.Random, data: bytes) -> bytes:
    # All attributes that a kernel may leave out come before others that it never does, so a cut always shows.
    required = [part for part in attributes(data) if part[0] not in (11, 13, 14, 15)] + [
        part for part in attributes(data) if part[0] in (11, 13, 14, 15)
    ]
    whole = packed(required[len(required) // 2 :] + required[: len(required) // 2])
    return whole[: dice.randrange(len(whole))]


def reordered(dice: random.Random, data: bytes) -> bytes:
    parts = attributes(data)
    dice.shuffle(parts)
    return packed(parts)


def with_unknown(dice: random.Random, data: bytes) -> bytes:
    parts = attributes(data)
    for _ in range(dice.randrange(1, 4)):
        parts.insert(dice.randrange(len(parts) + 1), (dice.choice(UNKNOWN), dice.randbytes(dice.randrange(9))))
    return packed(parts)


def with_random_payload(dice: random.Random, data: bytes) -> bytes:
    parts = attributes(data)
    place = dice.randrange(len(parts))
    number, payload = parts[place]
    length = dice.choice([size for size in range(20) if size != len(payload)])
    parts[place] = (number, dice.randbytes(length))
    return packed(parts)


def noise(dice: random.Random, data: bytes) -> bytes:
    return dice.randbytes(dice.randrange(1, len(data)))


def flipped(dice: random.Random, data: bytes) -> bytes:
    place = dice.randrange(len(data))
    return data[:place] + bytes([data[place] ^ 1 << dice.randrange(8)]) + data[place + 1 :]


def test_never_a_wrong_value(record_property):
    dice = random.Random()
    pool = records()
    outcomes = {"read": 0, "refused": 0}
    kinds = [truncated, reordered, with_unknown, with_random_payload, noise, flipped]
    for number in range(CASES):
        decode, data, right = dice.choice(pool)
        change = kinds[number % len(kinds)]
        changed = change(dice, data)
        harmless = change in (reordered, with_unknown)
        try:
            value = decode(changed)
        except MalformedAnswer:
            assert not harmless, changed.hex()
            outcomes["refused"] += 1
            continue
        outcomes["read"] += 1
        if harmless:
            assert value == right, changed.hex()
        else:
            check_against_bytes(decode, value, changed)
    assert min(outcomes.values()) > CASES // 10
    record_property("answers that were changed, cut off or made up", CASES)


# Attributes that kernels may leave out, and those in whose bytes nothing is without meaning (flags, addresses and timeouts
# have bits that say nothing).
OPTIONAL = {fields.decode_service: {11}, fields.decode_server: {13, 14, 15}}
EXACT = {fields.decode_service: {2, 4, 5, 6, 9}, fields.decode_server: {2, 3, 4, 5, 6, 11, 13, 14, 15}}


def check_against_bytes(decode, value, data: bytes) -> None:
    """What was read is what those bytes say: written again, it has the same attributes."""
    encode = fields.encode_service if decode is fields.decode_service else fields.encode_server
    written, found = unpack_attributes(encode(*value)), unpack_attributes(data)
    assert written.keys() - found.keys() <= OPTIONAL[decode], data.hex()
    for number in EXACT[decode] & written.keys() & found.keys():
        assert written[number] == found[number], (number, data.hex())


@pytest.mark.parametrize(
    "decode",
    [status.decode_timeouts, status.decode_engine, status.decode_daemon, lambda data: list(unpack_messages(data))],
)
def test_noise_is_refused_or_read(decode, record_property):
    dice = random.Random()
    for _ in range(5_000):
        data = dice.randbytes(dice.randrange(60))
        try:
            decode(data)
        except MalformedAnswer:
            continue
    record_property("answers of noise", 5_000)
