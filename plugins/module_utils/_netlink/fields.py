# SPDX-License-Identifier: GPL-3.0-or-later
"""Field tables: which netlink attribute each value of a record is, and how it is written and read."""

from __future__ import annotations

import socket
import struct
from collections.abc import Mapping, Sequence
from typing import Any, Callable, NamedTuple

from .._core.errors import MalformedAnswer
from .messages import pack_attribute

FAMILIES = {"ipv4": int(socket.AF_INET), "ipv6": int(socket.AF_INET6)}


class Kind(NamedTuple):
    """How one value is written; both functions are told the address family of the record."""

    pack: Callable[[Any, str], bytes]
    unpack: Callable[[bytes, str], Any]


class Field(NamedTuple):
    """One value of a record and its netlink attribute; kernels leave an optional one out when it says nothing."""

    name: str
    attribute: int
    kind: Kind
    optional: bool = False


def number(layout: str) -> Kind:
    """Return the kind of a plain number, in the layout of struct(3)."""
    shape = struct.Struct(layout)
    return Kind(lambda value, _family: shape.pack(value), lambda data, _family: shape.unpack(data)[0])


def word(layout: str, words: dict[str, int]) -> Kind:
    """Return the kind of a number that has a name; one that a newer kernel invents is kept as its digits."""
    shape = struct.Struct(layout)
    names = {value: name for name, value in words.items()}

    def pack(value: str, _family: str) -> bytes:
        return shape.pack(words[value] if value in words else int(value))

    def unpack(data: bytes, _family: str) -> str:
        value = shape.unpack(data)[0]
        return names.get(value, str(value))

    return Kind(pack, unpack)


def _unpack_text(data: bytes, _family: str) -> str:
    text = data[:-1].decode("ascii")
    if data[-1:] != b"\0" or not text.isprintable():
        raise ValueError(data)
    return text


def _unpack_family(data: bytes, _family: str) -> str:
    value = struct.unpack("=H", data)[0]
    return next(family for family, known in FAMILIES.items() if known == value)


def _unpack_address(data: bytes, family: str) -> str:
    if len(data) != 16:
        raise ValueError(data)
    return socket.inet_ntop(FAMILIES[family], data[:4] if family == "ipv4" else data)


U32 = number("=I")
FAMILY = Kind(lambda value, _: struct.pack("=H", FAMILIES[value]), _unpack_family)
TEXT = Kind(lambda value, _: value.encode() + b"\0", _unpack_text)
# union nf_inet_addr: always 16 bytes, of which IPv4 uses the first four.
ADDRESS = Kind(lambda value, family: socket.inet_pton(FAMILIES[family], value).ljust(16, b"\0"), _unpack_address)


def encode_fields(record: Any, table: tuple[Field, ...], family: str, names: Sequence[str]) -> bytes:
    """Return the named values of a record as attributes, in the order of its table."""
    return b"".join(
        pack_attribute(field.attribute, field.kind.pack(getattr(record, field.name), family))
        for field in table
        if field.name in names
    )


def decode_fields(
    found: Mapping[int, bytes], table: tuple[Field, ...], family: str = "", names: Sequence[str] | None = None
) -> dict[str, Any]:
    """Return the values (all, or those named) of a table; optional ones that are not there are left out.

    Raises MalformedAnswer for a value that is missing, or has not the bytes that its kind must have.
    """
    values = {}
    for field in table:
        if names is not None and field.name not in names:
            continue
        data = found.get(field.attribute)
        if data is None:
            if field.optional:
                continue
            raise MalformedAnswer(f"{field.name} (attribute {field.attribute}) is missing")
        try:
            values[field.name] = field.kind.unpack(data, family)
        except (struct.error, ValueError, OSError, StopIteration):
            what = f"{field.name} (attribute {field.attribute}) can't be {data.hex() or 'empty'}"
            raise MalformedAnswer(what) from None
    return values
