# SPDX-License-Identifier: GPL-3.0-or-later
"""The programs that write the IPVS table or assign VIPs, and how the configuration of each says what it does.

Each judge returns what a process of its program manages, or None where its configuration says that it does neither.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Callable
from typing import NamedTuple

from .addresses import addresses_in
from .keepalived import PATH, read_config
from .model import Manager
from .processes import Process, read

_PROXY_MODE = re.compile(r"^\s*[\"']?mode[\"']?\s*:\s*[\"']?(\w+)", re.M)
_K3S_MODE = re.compile(r"\bproxy-mode[=\s:\"']+(\w+)")
_K3S_FILES = ("/etc/rancher/k3s/config.yaml", "/etc/rancher/k3s/config.yaml.d/*.yaml", "/etc/systemd/system/k3s*")
_LVS_CF = "/etc/sysconfig/ha/lvs.cf"
_FAIL_OVER_SERVICE = re.compile(r"^\s*service\s*=\s*fos\b", re.M)
_CIB = ("/var/lib/pacemaker/cib/cib.xml", "/var/lib/heartbeat/crm/cib.xml")
_CIB_ADDRESS = re.compile(r"<nvpair\b(?=[^>]*\bname=[\"'](?:ip|ipv6addr)[\"'])[^>]*\bvalue=[\"']([^\"']+)[\"']")
_CIB_BALANCES = re.compile(r"<primitive\b[^>]*\btype=[\"'](?:ldirectord|ipvsadm)[\"']")
_HARESOURCES = ("/etc/ha.d/haresources", "/etc/heartbeat/haresources")
_FRR = ("/etc/frr/frr.conf", "/etc/frr/vrrpd.conf")
_FRR_ADDRESS = re.compile(r"^\s*vrrp\s+\d+\s+(?:ip|ipv6)\s+(\S+)", re.M)


def keepalived(process: Process) -> Manager | None:
    """keepalived balances with virtual_server, and assigns addresses with vrrp_instance."""
    path = process.option("-f", "--use-file") or PATH
    config = read_config(process.root, path)
    balances = config.balances and not process.has("-P", "--vrrp")
    addresses = () if process.has("-C", "--check") else config.addresses
    if balances:
        return Manager("keepalived", f"virtual_server in {path}", addresses=addresses)
    evidence = f"virtual_ipaddress in {path}"
    return Manager("keepalived", evidence, table=False, addresses=addresses) if addresses else None


def ldirectord(_process: Process) -> Manager:
    """ldirectord writes the table, and nothing else."""
    return Manager("ldirectord", "a process ldirectord")


def pulse(process: Process) -> Manager:
    """pulse (Piranha) starts lvsd, which runs ipvsadm, and assigns the virtual addresses itself."""
    path = process.option("-c", "--configfile") or _LVS_CF
    text = read(process.root + path)
    return Manager(
        "pulse",
        f"a process {process.program}",
        table=not _FAIL_OVER_SERVICE.search(text),
        addresses=addresses_in(text.split()),
    )


def kube_proxy(process: Process) -> Manager | None:
    """kube-proxy keeps the table in IPVS mode; in nftables mode it empties the table whenever it starts."""
    if "kube-proxy" not in " ".join(process.arguments[:2]):
        return None  # hyperkube runs others too
    mode, config = process.option("--proxy-mode"), process.option("--config")
    if not mode and config:
        text = read(process.root + config)
        told = _PROXY_MODE.search(text)
        mode = told.group(1) if told else "iptables" if text else ""
    if mode or not config:
        return _by_mode("kube-proxy", "a process kube-proxy", mode)
    return Manager("kube-proxy", "a process kube-proxy whose mode is in a file that can't be read", sure=False)


def k3s(process: Process) -> Manager | None:
    """k3s has kube-proxy inside; its arguments are in its own configuration or its unit, as it hides them in /proc."""
    texts = {"its arguments": " ".join(process.arguments)}
    for pattern in _K3S_FILES:
        texts.update((path[len(process.root) :], read(path)) for path in sorted(glob.glob(process.root + pattern)))
    for place, text in texts.items():
        mode = _K3S_MODE.search(text)
        if mode:
            return _by_mode("k3s", f"proxy-mode in {place}", mode.group(1))
    return None


def _by_mode(name: str, where: str, mode: str) -> Manager | None:
    if mode == "ipvs":
        return Manager(name, f"{where} in IPVS mode")
    if mode == "nftables":
        return Manager(name, f"{where} in nftables mode, which empties the table when it starts")
    return None


def kube_router(process: Process) -> Manager | None:
    """kube-router removes every service that is not of Kubernetes, unless its service proxy is off."""
    if process.option("--run-service-proxy") == "false":
        return None
    return Manager("kube-router", "a process kube-router with its service proxy")


def kube_vip(process: Process) -> Manager:
    """kube-vip assigns the control plane's VIP, those of services, and balances the former if it is told to."""
    addresses = addresses_in(
        [process.variable("address"), process.variable("vip_address"), process.option("--address", "--vip")]
    )
    balances = "true" in (process.variable("lb_enable"), process.option("--enableLoadBalancer"))
    knows_all = bool(addresses) and process.variable("svc_enable") != "true"
    return Manager("kube-vip", "a process kube-vip", balances or knows_all, balances, addresses)


def pacemaker(process: Process) -> Manager:
    """pacemaker assigns the addresses of its resources, and may start ldirectord."""
    return _of_cluster(process, "pacemaker", _CIB)


def heartbeat(process: Process) -> Manager:
    """heartbeat does so too, by its own file or by the older cluster resource manager."""
    for path in _HARESOURCES:
        text = read(process.root + path)
        words = re.split(r"\s|::", text)
        if addresses_in(words):
            return Manager("heartbeat", path, table="ldirectord" in text, addresses=addresses_in(words))
    return _of_cluster(process, "heartbeat", _CIB)


def _of_cluster(process: Process, name: str, paths: tuple[str, ...]) -> Manager:
    for path in paths:
        text = read(process.root + path)
        if text:
            addresses = addresses_in(_CIB_ADDRESS.findall(text))
            return Manager(name, f"resources in {path}", table=bool(_CIB_BALANCES.search(text)), addresses=addresses)
    return Manager(name, f"a process {process.program}, whose resources can't be read", sure=False, table=False)


def ucarp(process: Process) -> Manager | None:
    """ucarp assigns the one address that it is started for."""
    addresses = addresses_in([process.option("-a", "--addr")])
    return Manager("ucarp", "a process ucarp", table=False, addresses=addresses) if addresses else None


def vrrpd(process: Process) -> Manager | None:
    """vrrpd of FRR has them in its configuration, the older one of that name among its arguments."""
    addresses = addresses_in(process.arguments[1:])
    for path in _FRR:
        addresses += addresses_in(_FRR_ADDRESS.findall(read(process.root + path)))
    return Manager("vrrpd", "a process vrrpd", table=False, addresses=addresses) if addresses else None


class Program(NamedTuple):
    """Names of its process and of its units, and its judge; scripts are named by one of the first arguments."""

    processes: tuple[str, ...]
    judge: Callable[[Process], Manager | None]
    units: tuple[str, ...] = ()

    def runs(self, process: Process) -> bool:
        """Return whether a process is of this program."""
        names = {process.program, *(os.path.basename(word) for word in process.arguments[:3] if "ldirectord" in word)}
        return bool(names & set(self.processes))


PROGRAMS = (
    Program(("keepalived",), keepalived, ("keepalived.service",)),
    Program(("ldirectord",), ldirectord, ("ldirectord.service",)),
    Program(("pulse", "lvsd"), pulse, ("pulse.service",)),
    Program(("kube-proxy", "hyperkube"), kube_proxy),
    Program(("k3s", "k3s-server", "k3s-agent"), k3s, ("k3s.service", "k3s-agent.service")),
    Program(("kube-router",), kube_router),
    Program(("kube-vip",), kube_vip),
    Program(("pacemakerd",), pacemaker, ("pacemaker.service",)),
    Program(("heartbeat",), heartbeat, ("heartbeat.service",)),
    Program(("ucarp",), ucarp),
    Program(("vrrpd",), vrrpd),
)
# The devices that a program keeps its services' addresses on, and the processes of which one then keeps them.
DEVICES = {
    "kube-ipvs0": ("kube-proxy", ("kube-proxy", "hyperkube", "k3s", "k3s-server", "k3s-agent", "kubelet")),
    "kube-dummy-if": ("kube-router", ("kube-router",)),
}
