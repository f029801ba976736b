# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads and writes the host for arp_sysctl: /proc/sys, the sysctl.d files, and what is remembered."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Mapping, Sequence

from .._core.errors import LvsError, NotSupported
from .._core.files import read_bytes, remove, write_atomic
from .._core.paths import SYSCTL_STATE
from .files import BOOT_DIRECTORIES, LATE_FILES
from .model import ALL, DEFAULT, SETTINGS, TREE, Facts, Pair, Request, needed
from .operations import SysctlOperation, WriteValue
from .plan import effective_values
from .saved import load_all
from .value import CORRECT, read_value, refused, write_value

_UFW = "/etc/ufw/ufw.conf"


class SysctlClient:
    """One host, or a directory that stands for one (`root`, in tests)."""

    def __init__(self, root: str = "") -> None:
        self._root = root
        self._proc = f"{root}/proc/sys"

    def read(self, request: Request) -> Facts:
        """Return the facts that the plan of `request` needs; raises NotSupported or LvsError, never writes."""
        interfaces = self._interfaces()
        keys = needed({*request.wanted, *request.restored} if request.present else SETTINGS)
        values = self.values(keys, interfaces)
        interfaces = tuple(name for name in interfaces if all(Pair(name, key) in values for key in keys))
        release = os.uname().release.split(".")
        former, holders = load_all(self._text(SYSCTL_STATE))
        return Facts(
            values=values,
            interfaces=interfaces,
            files=self._files(),
            drop_in_text=self._text(request.drop_in),
            former=former,
            holders=holders,
            kernel=(int(release[0]), int("".join(filter(str.isdigit, release[1])) or 0)),
        )

    def _interfaces(self) -> tuple[str, ...]:
        try:
            names = os.listdir(f"{self._proc}/{TREE}")
        except OSError as error:
            rule = f"cannot be read ({error.strerror}): this host has no IPv4, or no /proc"
            raise NotSupported(f"{self._proc}/{TREE}", None, rule, "run the task on a host that has both") from None
        return tuple(sorted(set(names) - {ALL, DEFAULT}))

    def values(self, keys: Iterable[str], interfaces: Iterable[str]) -> dict[Pair, int]:
        """Return the kernel's values of `keys`; an interface that goes away meanwhile has none."""
        values = {}
        for pair in [Pair(name, key) for name in (ALL, DEFAULT, *interfaces) for key in keys]:
            try:
                values[pair] = read_value(f"{self._proc}/{pair.path}")
            except OSError as error:
                if pair.target in (ALL, DEFAULT):
                    rule = f"cannot be read ({error.strerror}): this kernel has no {pair.key}"
                    raise NotSupported(f"{self._proc}/{pair.path}", None, rule, "leave it out") from None
        return values

    def effective(self, predicted: Mapping[str, Mapping[str, int]]) -> dict[str, dict[str, int]]:
        """Return the values that act now, for the interfaces and settings of `predicted` that are still there."""
        keys = next(iter(predicted.values()), {}).keys()
        values = self.values(needed(keys), predicted)
        present = [name for name in predicted if all(Pair(name, key) in values for key in needed(keys))]
        return effective_values(values, present, keys)

    def _text(self, path: str) -> str | None:
        try:
            content = read_bytes(self._root + path)
        except OSError as error:
            raise LvsError(path, None, f"cannot be read ({error.strerror})", CORRECT) from None
        return None if content is None else content.decode("utf-8", "surrogateescape")

    def _files(self) -> dict[str, str]:
        """The sysctl files of the host; one that can't be read is left out, as they only serve for warnings."""
        paths = []
        for directory in BOOT_DIRECTORIES:
            if os.path.isdir(self._root + directory):
                paths += [
                    f"{directory}/{name}" for name in os.listdir(self._root + directory) if name.endswith(".conf")
                ]
        ufw_runs = "ENABLED=YES" in (self._text(_UFW) or "").upper()
        paths += [path for path in LATE_FILES if ufw_runs or "ufw" not in path]
        files = {}
        for path in paths:
            try:
                text = self._text(path)
            except LvsError:
                continue
            if text is not None:
                files[path] = text
        return files

    def preflight(self, operations: Sequence[SysctlOperation]) -> None:
        """Raise NotPermitted unless every operation could be done, so that none is done when one cannot be."""
        for operation in operations:
            if isinstance(operation, WriteValue):
                path = f"{self._proc}/{operation.pair.path}"
            else:
                path = os.path.dirname(os.path.realpath(self._root + operation.path))
                while not os.path.isdir(path):
                    path = os.path.dirname(path)
            if not os.access(path, os.W_OK):
                raise refused(path, errno.EROFS if os.statvfs(path).f_flag & os.ST_RDONLY else errno.EACCES)

    def apply(self, operations: Sequence[SysctlOperation]) -> None:
        """Do the operations in their order; raises KernelRefusal or NotPermitted at the first that fails."""
        for operation in operations:
            if isinstance(operation, WriteValue):
                write_value(f"{self._proc}/{operation.pair.path}", operation.value)
            else:
                self._replace(operation.path, operation.text)

    def _replace(self, path: str, text: str | None) -> None:
        # The file behind a link is replaced, not the link.
        path = os.path.realpath(self._root + path)
        try:
            if text is None:
                remove(path)
            else:
                write_atomic(path, text.encode("utf-8", "surrogateescape"))
        except OSError as error:
            raise refused(path, error.errno or 0) from None
