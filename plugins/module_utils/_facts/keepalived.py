# SPDX-License-Identifier: GPL-3.0-or-later
"""What a configuration of keepalived makes it do: balance, and assign addresses. Included files are part of it."""

from __future__ import annotations

import glob
import os
import re
from typing import NamedTuple

from .addresses import addresses_in
from .processes import read

PATH = "/etc/keepalived/keepalived.conf"
_VIRTUAL_SERVER = re.compile(r"^\s*virtual_server(?:_group)?\b", re.M)
_VIRTUAL_ADDRESSES = re.compile(r"\bvirtual_ipaddress(?:_excluded)?\s*\{([^}]*)\}")
_INCLUDE = re.compile(r"^\s*include[a-z]*\s+[\"']?([^\s\"']+)")
_COMMENT = re.compile(r"[#!].*")
_DEFINITION = re.compile(r"^\s*\$(\w+)\s*=[ \t]*(.*)$", re.M)
_MOST_FILES = 1000


class Config(NamedTuple):
    """Whether it has a virtual server, and the addresses that it assigns."""

    balances: bool
    addresses: tuple[str, ...]


def read_config(root: str, path: str) -> Config:
    """Return what the file at `path` below `root` says; one that can't be read says nothing."""
    text = "\n".join(_lines(root, path, set()))
    # A definition is used as $NAME or ${NAME}.
    for name, value in _DEFINITION.findall(text):
        text = re.sub(rf"\$(?:{name}\b|\{{{name}\}})(?!\s*=)", value.strip().replace("\\", r"\\"), text)
    blocks = _VIRTUAL_ADDRESSES.findall(text)
    # Each line is one address, and then its device and the like.
    words = (line.split()[0] for block in blocks for line in block.splitlines() if line.split())
    return Config(bool(_VIRTUAL_SERVER.search(text)), addresses_in(words))


def _lines(root: str, path: str, seen: set[str]) -> list[str]:
    """Return the lines of a file without comments, with those of the files that it includes in their places."""
    if path in seen or len(seen) >= _MOST_FILES:
        return []
    seen.add(path)
    found: list[str] = []
    for raw in read(root + path).splitlines():
        line = _COMMENT.sub("", raw)
        included = _INCLUDE.match(line)
        if not included:
            found.append(line)
            continue
        absolute = os.path.join(os.path.dirname(path), included.group(1))
        for match in sorted(glob.glob(root + absolute)):
            found += _lines(root, match[len(root) :], seen)
    return found
