# SPDX-License-Identifier: GPL-3.0-or-later
"""What else manages IPVS on a host, seen in /proc and in files; `root` stands for / in tests."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator, Sequence

from .model import Manager

_KEEPALIVED = "/etc/keepalived/keepalived.conf"
_VIRTUAL_SERVER = re.compile(r"^\s*virtual_server(?:_group)?\b", re.M)
_INCLUDE = re.compile(r"^\s*include[a-z]?\s+(\S+)", re.M)
_MOST_FILES = 1000
_PROXY_MODE = re.compile(r"^\s*[\"']?mode[\"']?\s*:\s*[\"']?(\w+)", re.M)
# Units and scripts that bring a saved table back: Debian and Red Hat name them alike, the oldest as SysV scripts.
_UNITS = ("ipvsadm.service", "ipvsadm-restore.service")
_WANTS = ("/etc/systemd/system/*.wants", "/run/systemd/system/*.wants", "/etc/systemd/system/*.requires")
_RUNLEVELS = "/etc/rc[2345].d/S[0-9][0-9]ipvsadm"
_RUNLEVELS_REDHAT = "/etc/rc.d/rc[2345].d/S[0-9][0-9]ipvsadm"
_DEFAULTS = "/etc/default/ipvsadm"
_AUTO = re.compile(r"^\s*AUTO=[\"']?true\b", re.M)


def managers(root: str = "") -> tuple[Manager, ...]:
    """Return every other program that writes, or at boot will write, the IPVS table; what can't be read is left out."""
    found: dict[str, Manager] = {}
    for command in _processes(root):
        manager = _of_process(root, command)
        if manager and (manager.name not in found or manager.sure):
            found[manager.name] = manager
    boot = _ipvsadm_at_boot(root)
    return tuple(found.values()) + ((boot,) if boot else ())


def _processes(root: str) -> Iterator[list[str]]:
    """Yield the arguments of every process; its short name where a kernel thread or a zombie has none."""
    for directory in sorted(glob.glob(f"{root}/proc/[0-9]*")):
        arguments = _text(f"{directory}/cmdline").split("\0")
        words = [word for word in arguments if word] or [_text(f"{directory}/comm").strip()]
        if words[0]:
            yield words


def _of_process(root: str, command: Sequence[str]) -> Manager | None:
    program = os.path.basename(command[0])
    if program == "keepalived":
        path = _option(command, "-f", "--use-file") or _KEEPALIVED
        return Manager("keepalived", f"virtual_server in {path}") if _keepalived_balances(root, path) else None
    # A script is run by an interpreter, so that its own name is the first argument.
    if "ldirectord" in [os.path.basename(word) for word in command[:3]]:
        return Manager("ldirectord", "a process ldirectord")
    if program in ("kube-proxy", "hyperkube") and "kube-proxy" in " ".join(command[:2]):
        return _kube_proxy(root, command)
    return None


def _kube_proxy(root: str, command: Sequence[str]) -> Manager | None:
    mode = _option(command, "--proxy-mode")
    config = _option(command, "--config")
    if not mode and config:
        # A pod's file is not where its arguments say; then nothing is known.
        text = _text(root + config)
        told = _PROXY_MODE.search(text)
        mode = told.group(1) if told else "iptables" if text else ""
    if mode == "ipvs":
        return Manager("kube-proxy", "a process kube-proxy in IPVS mode")
    if mode or not config:
        return None
    return Manager("kube-proxy", "a process kube-proxy whose mode is in a file that can't be read", sure=False)


def _keepalived_balances(root: str, path: str) -> bool:
    """Whether the configuration, or a file that it includes, has a virtual server."""
    pending, seen = [path], {""}
    while pending and len(seen) < _MOST_FILES:
        current = pending.pop()
        if current in seen:
            continue
        seen.add(current)
        text = _text(root + current)
        if _VIRTUAL_SERVER.search(text):
            return True
        for pattern in _INCLUDE.findall(text):
            absolute = os.path.join(os.path.dirname(current), pattern)
            pending += [match[len(root) :] for match in glob.glob(root + absolute)]
    return False


def _ipvsadm_at_boot(root: str) -> Manager | None:
    for directory in _WANTS:
        for unit in _UNITS:
            for path in sorted(glob.glob(f"{root}{directory}/{unit}")):
                return Manager("ipvsadm", path[len(root) :])
    if _AUTO.search(_text(root + _DEFAULTS)) and glob.glob(root + _RUNLEVELS):
        return Manager("ipvsadm", f'AUTO="true" in {_DEFAULTS}')
    scripts = sorted(glob.glob(root + _RUNLEVELS_REDHAT))
    return Manager("ipvsadm", scripts[0][len(root) :]) if scripts else None


def _option(command: Sequence[str], *names: str) -> str:
    """Return the value of an option, written as `name value`, `name=value` or, for one letter, `nvalue`."""
    for position, word in enumerate(command):
        for name in names:
            if word == name:
                return command[position + 1] if position + 1 < len(command) else ""
            if word.startswith(f"{name}="):
                return word[len(name) + 1 :]
            if len(name) == 2 and word.startswith(name):
                return word[2:]
    return ""


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as source:
            return source.read()
    except OSError:
        return ""
