# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of sysctl.d files: reading it as systemd-sysctl does, merging our lines, foretelling the next boot.

Everything here is a pure function over text; the rules are those of systemd's src/sysctl/sysctl.c and sysctl.d(5).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from posixpath import basename, dirname
from typing import NamedTuple

from .model import ALL, DEFAULT, FORWARDING, SETTINGS, TREE, Kernel, Pair, in_order

# Files of one name in an earlier directory hide those in a later one; then all are read in the order of their names.
BOOT_DIRECTORIES = ("/etc/sysctl.d", "/run/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d", "/lib/sysctl.d")


# Files that are applied after the drop-ins, and by what.
LATE_FILES = {
    "/etc/sysctl.conf": "'sysctl --system', 'sysctl -p' and hosts that boot without systemd apply it last",
    "/etc/ufw/sysctl.conf": "ufw applies it whenever it starts",
}

HEADER = (
    "# Kept by the Ansible module lvs.cluster.arp_sysctl, line by line: other runs add their own lines,",
    "# and its state=absent takes them out again. Lines of other settings are left as they are.",
)


class Assignment(NamedTuple):
    """One line of a file: the text of the value (None: this name is kept out of wildcards), and where it stands."""

    value: str | None
    file: str
    line: int


def normalise(name: str) -> str:
    """Return a setting's name with slashes; whichever of / and . comes first in it is its separator."""
    for character in name:
        if character == "/":
            break
        if character == ".":
            name = name.translate(str.maketrans("./", "/."))
            break
    return name.lstrip("/")


def pair_of(path: str) -> Pair | None:
    """Return what the normalised `path` sets, or None when it is none of our settings."""
    if path == "net/ipv4/ip_forward":
        return Pair(ALL, FORWARDING)
    head, _slash, key = path.rpartition("/")
    parent, _slash, target = head.rpartition("/")
    return Pair(target, key) if parent == TREE and key in SETTINGS and target else None


def parse_line(line: str) -> tuple[str, str | None] | None:
    """Return (normalised name, value or None) for one line, or None for a comment, a blank or what is ignored."""
    text = line.strip()
    if not text or text[0] in "#;":
        return None
    name, equals, value = text.partition("=")
    if not equals and not name.startswith("-"):
        return None
    return normalise(name[name.startswith("-") :].strip()), value.strip() if equals else None


def declared(text: str) -> dict[Pair, str]:
    """Return our settings in the text of one file; of several lines for one the last counts."""
    found: dict[Pair, str] = {}
    for line in text.splitlines():
        parsed = parse_line(line)
        pair = pair_of(parsed[0]) if parsed else None
        if parsed and pair and parsed[1] is not None:
            found[pair] = parsed[1]
    return found


def number(text: str) -> int | None:
    """Return the integer that `text` writes, or None: the kernel takes nothing else for these settings."""
    try:
        return int(text)
    except ValueError:
        return None


def _is_ours(line: str) -> bool:
    parsed = parse_line(line)
    return line in HEADER or (parsed is not None and parsed[1] is not None and pair_of(parsed[0]) is not None)


def render(text: str, settings: Mapping[Pair, str]) -> str | None:
    """Return `text` with `settings` as its only lines of ours; None when nothing would be left to say.

    Lines of others stay, in their order, before ours; ours stand in the order in which they must be written.
    """
    foreign = [line for line in text.splitlines() if not _is_ours(line)]
    if not settings and not any(line.strip() for line in foreign):
        return None
    ours = [f"{pair.path} = {settings[pair]}" for pair in in_order(settings)]
    return "\n".join([*(HEADER if ours else ()), *foreign, *ours]) + "\n"


def boot_order(paths: Iterable[str]) -> list[str]:
    """Return those of `paths` that are read at boot, in order: by file name, each name from its first directory."""
    chosen: dict[str, str] = {}
    known = set(paths)
    for directory in BOOT_DIRECTORIES:
        for path in known:
            if dirname(path) == directory and path.endswith(".conf"):
                chosen.setdefault(basename(path), path)
    return [chosen[name] for name in sorted(chosen)]


def assignments(files: Iterable[tuple[str, str]]) -> dict[str, Assignment]:
    """Return name -> assignment for (path, text) in the order of reading; the order of the result is that of writing.

    A later line replaces an earlier one and moves to its own place, but one with the same value stays at the first.
    """
    found: dict[str, Assignment] = {}
    for path, text in files:
        for number, line in enumerate(text.splitlines(), 1):
            parsed = parse_line(line)
            if parsed is None:
                continue
            name, value = parsed
            if name in found and found[name].value == value:
                continue
            found.pop(name, None)
            found[name] = Assignment(value, path, number)
    return found


def _writes(found: Mapping[str, Assignment], interfaces: Iterable[str]) -> Iterator[tuple[Pair, Assignment]]:
    """Yield every write of our settings, in order; wildcards yield to names that are written out, wherever they are."""
    targets = (ALL, DEFAULT, *interfaces)
    for name, assignment in found.items():
        if assignment.value is None:
            continue
        if not set(name) & set("*?["):
            pair = pair_of(name)
            if pair:
                yield pair, assignment
            continue
        parts = name.split("/")
        for pair in (Pair(target, key) for key in SETTINGS for target in sorted(targets)):
            own = pair.path.split("/")
            if len(own) == len(parts) and all(map(fnmatchcase, own, parts)) and pair.path not in found:
                yield pair, assignment


def apply_files(kernel: Kernel, files: Iterable[tuple[str, str]], origins: dict[Pair, Assignment]) -> None:
    """Write (path, text) files into `kernel` as systemd-sysctl would; note in `origins` which line gave a value."""
    for pair, assignment in _writes(assignments(files), kernel.interfaces):
        value = number(assignment.value or "")
        if value is not None:
            for touched in kernel.write(pair, value):
                origins[touched] = assignment


def next_boot(
    files: Mapping[str, str], interfaces: Iterable[str], pinned: Iterable[str] = ("lo",)
) -> tuple[Kernel, dict[Pair, Assignment]]:
    """Return the kernel's values after the next boot, and the line from which each comes.

    `files` maps path to text. An interface there before systemd-sysctl follows `default`, one that appears later
    starts from it, and both get their own lines (udev's 99-systemd.rules). Those that are
    `pinned` have an address, and so values of their own, before.
    """
    names = tuple(interfaces)
    start = {Pair(target, key): SETTINGS[key].default for target in (ALL, DEFAULT, *names) for key in SETTINGS}
    kernel = Kernel(start, names, [pair for pair in start if pair.target not in (ALL, DEFAULT, *pinned)])
    origins: dict[Pair, Assignment] = {}
    apply_files(kernel, [(path, files[path]) for path in boot_order(files)], origins)
    return kernel, origins
