# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said when a managed host refuses: a kernel, a library or a program of it that is there only in name."""

from __future__ import annotations

import errno
import sys
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._arp import client as packets_client
from ansible_collections.lvs.cluster.plugins.module_utils._arp import owners as packets_owners
from ansible_collections.lvs.cluster.plugins.module_utils._core import files as core_files
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import LvsError, NotPermitted
from ansible_collections.lvs.cluster.plugins.module_utils._drain import file as ipvs_drain_file
from ansible_collections.lvs.cluster.plugins.module_utils._facts import state as facts_state
from ansible_collections.lvs.cluster.plugins.module_utils._firewall import firewalld as firewall_firewalld
from ansible_collections.lvs.cluster.plugins.module_utils._firewall import run as firewall_run
from ansible_collections.lvs.cluster.plugins.module_utils._firewall.options import WantedFirewall
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs import client as ipvs_client
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.errors import refusal_of
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.options import parse_service
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.plan import plan_services
from ansible_collections.lvs.cluster.plugins.module_utils._netlink.generic import Refusal
from ansible_collections.lvs.cluster.plugins.module_utils._netlink.messages import NetlinkError, pack_message
from ansible_collections.lvs.cluster.plugins.module_utils._nftables import library as nftables_library
from ansible_collections.lvs.cluster.plugins.module_utils._nftables import monitor as nftables_monitor
from ansible_collections.lvs.cluster.plugins.module_utils._nftables import owned as nftables_owned
from ansible_collections.lvs.cluster.plugins.module_utils._nftables.ruleset import Ruleset
from ansible_collections.lvs.cluster.plugins.module_utils._path import sockets as path_sockets
from ansible_collections.lvs.cluster.plugins.module_utils._rtnetlink import dump as rtnetlink_dump
from ansible_collections.lvs.cluster.plugins.module_utils._rtnetlink import state as rtnetlink_state
from ansible_collections.lvs.cluster.plugins.module_utils._rtnetlink.model import Link
from ansible_collections.lvs.cluster.plugins.module_utils._sysctl import client as sysctl_client
from ansible_collections.lvs.cluster.plugins.module_utils._sysctl import value as sysctl_value
from ansible_collections.lvs.cluster.plugins.module_utils._sysctl.model import Pair
from ansible_collections.lvs.cluster.plugins.module_utils._sysctl.operations import WriteValue
from ansible_collections.lvs.cluster.plugins.module_utils._vip.model import CurrentVips
from ansible_collections.lvs.cluster.plugins.module_utils._vip.options import VipSpec
from ansible_collections.lvs.cluster.plugins.module_utils._vip.plan import plan_vips


def said(work: Any) -> LvsError:
    """Return the error with which the work ends."""
    with pytest.raises(LvsError) as caught:
        work()
    return caught.value


def raiser(error: BaseException) -> Any:
    def refuse(*_arguments: Any, **_options: Any) -> Any:
        raise error

    return refuse


@pytest.mark.parametrize(
    ("explained", "number", "about"),
    [
        (packets_client._explained, errno.EPERM,
         ("The task", None)),
        (packets_client._explained, errno.ENODEV,
         ("The kernel", None)),
        (packets_client._explained, errno.EIO, ("The kernel", None)),
        (path_sockets.explained, errno.EACCES,
         ("The task", None)),
        (path_sockets.explained, errno.EIO, ("The kernel", None)),
    ],
)  # fmt: skip
def test_packets(explained, number, about, error_words):
    def work():
        with explained("ask"):
            raise OSError(number, "")

    assert error_words(said(work)) == about


def test_no_ethernet(monkeypatch, error_words):
    """The loopback device has a hardware type of its own (ARPHRD_LOOPBACK in linux/if_arp.h)."""
    opened = SimpleNamespace(bind=print, close=print, getsockname=lambda: ("lo", 0x806, 0, 772, bytes(6)))
    monkeypatch.setattr(packets_client.socket, "socket", lambda *_: opened)
    assert error_words(said(lambda: packets_client.Segment("lo"))) == ("interface", "lo")


def test_files(monkeypatch, error_words):
    monkeypatch.setattr(core_files, "open", raiser(PermissionError(errno.EACCES, "")), raising=False)
    assert error_words(said(lambda: core_files.read_bytes("/etc/x"))) == ("/etc/x", None)
    monkeypatch.setattr(ipvs_drain_file.os, "makedirs", raiser(PermissionError(errno.EACCES, "")))
    assert error_words(said(lambda: ipvs_drain_file.update_drained(dict, "/var/x/drained.json"))) == ("/var/x", None)


class DBusException(Exception):
    """As dbus-python's: a name and a text."""

    def get_dbus_name(self) -> str:
        return self.args[0]

    def get_dbus_message(self) -> str:
        return self.args[1]


@pytest.mark.parametrize(
    ("name", "text", "about"),
    [
        ("org.freedesktop.DBus.Error.AccessDenied", "no", ("The task", None)),
        ("org.freedesktop.DBus.Error.UnknownMethod", "no", ("firewalld", None)),
        ("org.fedoraproject.FirewallD1.Exception", "INVALID_RULE: x", ("firewalld", None)),
    ],
)  # fmt: skip
def test_firewalld(name, text, about, error_words):
    bus = SimpleNamespace(get_object=raiser(DBusException(name, text)))
    dbus = SimpleNamespace(exceptions=SimpleNamespace(DBusException=DBusException))
    assert error_words(said(lambda: firewall_firewalld.FirewalldClient(bus, dbus).read("x"))) == about


def test_no_firewalld(monkeypatch, error_words):
    empty = SimpleNamespace(read=lambda: Ruleset({}, {}))
    monkeypatch.setattr(firewall_run, "_client", lambda _wanted: empty)
    monkeypatch.setattr(firewall_run.FirewalldClient, "find", lambda _seen: None)
    options = {"name": "x", "open": [{"address": "192.0.2.30"}], "backend": "firewalld"}
    assert error_words(said(lambda: firewall_run.FirewallRun(WantedFirewall.from_options(options)))) == (
        "backend",
        "firewalld",
    )
    assert error_words(said(lambda: WantedFirewall.from_options({"name": "x", "open": "192.0.2.30"}))) == (
        "open",
        "192.0.2.30",
    )


def test_no_libraries(monkeypatch, error_words):
    monkeypatch.setitem(sys.modules, "dbus", None)
    monkeypatch.setitem(sys.modules, "nftables", None)
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nowhere")

    assert error_words(said(lambda: firewall_firewalld.FirewalldClient.find(seen=True))) == ("Python library", "dbus")
    assert error_words(said(lambda: nftables_library.Nft("a packet filter"))) == ("Python library", "nftables")


@pytest.mark.parametrize(
    ("error", "about"),
    [
        ("Error: Could not process rule: Operation not permitted", ("The task", None)),
        ("Error: syntax error", ("nftables", None)),
    ],
)  # fmt: skip
def test_nftables(monkeypatch, error, about, error_words):
    library = SimpleNamespace(
        set_json_output=print, set_handle_output=print, json_cmd=lambda _commands: (1, None, error)
    )
    monkeypatch.setitem(sys.modules, "nftables", SimpleNamespace(Nftables=lambda: library))
    assert error_words(said(lambda: nftables_library.Nft("a packet filter")._ask([], "list", "be root"))) == about


def test_generation_of_rules(monkeypatch, error_words):
    monkeypatch.setattr(nftables_monitor, "open_netfilter", raiser(OSError(errno.EIO, "")))
    assert error_words(said(nftables_monitor.generation)) == ("The kernel", None)
    monkeypatch.setattr(nftables_monitor, "open_netfilter", raiser(OSError(errno.EPERM, "")))
    assert error_words(said(nftables_monitor.generation)) == ("The task", None)
    other = SimpleNamespace(send=print, recv=lambda _: pack_message(1, 0, 1, bytes(4)), close=print)
    monkeypatch.setattr(nftables_monitor, "open_netfilter", lambda: other)
    assert error_words(said(nftables_monitor.generation)) == ("The kernel's answer", None)


def test_rules_without_libnftables(monkeypatch, error_words):
    for number, subject in ((errno.EPERM, "The task"), (errno.EIO, "The kernel")):
        monkeypatch.setattr(nftables_owned, "generation", lambda: 1)
        monkeypatch.setattr(nftables_owned, "open_netfilter", raiser(OSError(number, "")))
        assert error_words(said(nftables_owned.OwnedRules().read)) == (subject, None)
    numbers = count()
    monkeypatch.setattr(nftables_owned, "generation", lambda: next(numbers))
    monkeypatch.setattr(nftables_owned.OwnedRules, "_read", lambda _self: Ruleset({}, {}))
    assert error_words(said(nftables_owned.OwnedRules().read)) == ("The rules of nftables", None)


def test_lists_of_the_kernel(monkeypatch, error_words):
    monkeypatch.setattr(rtnetlink_dump, "route_socket", raiser(OSError(errno.EIO, "")))
    assert error_words(said(rtnetlink_state.own_neighbors)) == ("The kernel", None)


ADD = plan_services({}, [parse_service({"address": "192.0.2.30", "port": 80, "scheduler": "rr"})]).operations


@pytest.mark.parametrize(
    ("number", "about"),
    [
        (errno.EPERM, ("The task", None)),
        (errno.EIO, ("The kernel", None)),
        (errno.ENOENT, ("The kernel", None)),
        (errno.EAFNOSUPPORT, ("The kernel", None)),
    ],
)  # fmt: skip
def test_ipvs_refuses_a_step(number, about, error_words):
    error = refusal_of(ADD, [Refusal(0, number)], [])
    assert error_words(error) == about


def test_ipvs_itself(monkeypatch, error_words):
    for number, subject in ((errno.EPERM, "The task"), (errno.EIO, "The kernel")):
        monkeypatch.setattr(ipvs_client, "GenericNetlink", raiser(NetlinkError(number)))
        assert error_words(said(ipvs_client.IpvsClient)) == (subject, None)
    monkeypatch.setattr(ipvs_client, "GenericNetlink", raiser(NetlinkError(errno.ENOENT)))
    monkeypatch.setattr(ipvs_client, "load_module", lambda _name: None)
    assert error_words(said(ipvs_client.IpvsClient)) == ("The kernel", None)
    assert error_words(said(lambda: ipvs_client._inside(b"", 1))) == ("The kernel's answer", None)


def test_sysctls(monkeypatch, tmp_path, error_words):
    client = sysctl_client.SysctlClient(str(tmp_path))
    assert error_words(said(client._interfaces)) == (f"{client._proc}/{sysctl_client.TREE}", None)
    pair = Pair("all", "arp_ignore")
    assert error_words(said(lambda: client.values(["arp_ignore"], []))) == (f"{client._proc}/{pair.path}", None)
    (tmp_path / "folder").mkdir()
    assert error_words(said(lambda: client._text("/folder"))) == ("/folder", None)
    for number in (errno.EACCES, errno.EROFS, errno.EIO):
        monkeypatch.setattr(sysctl_value, "open", raiser(OSError(number, "")), raising=False)
        error = said(lambda: client.apply([WriteValue(pair, 1, "")]))
        assert error_words(error) == (f"{client._proc}/{pair.path}", None)
        assert isinstance(error, NotPermitted) == (number != errno.EIO)


def test_a_sysctl_that_another_program_sets(monkeypatch, tmp_path, error_words):
    target = tmp_path / "arp_ignore"
    target.write_text("0\n")
    monkeypatch.setattr(sysctl_value, "read_numbers", lambda _path: (0,))
    assert error_words(said(lambda: sysctl_value.write_value(str(target), 1))) == (str(target), 1)
    monkeypatch.setattr(sysctl_value, "read_numbers", lambda _path: (3, 50))
    assert error_words(said(lambda: sysctl_value.write_numbers(str(target), (0, 0)))) == (str(target), "0 0")


def test_a_declaration_that_is_damaged(tmp_path):
    (tmp_path / "etc" / "lvs-cluster").mkdir(parents=True)
    (tmp_path / "etc" / "lvs-cluster" / "x.json").write_text("{")
    error = said(lambda: facts_state.read_boots(["x"], str(tmp_path)))
    assert (error.subject, error.value) == (f"{tmp_path}/etc/lvs-cluster/x.json", None)
    # What json says of it depends on Python.
    assert error.rule.startswith("cannot be read (")
    assert error.remedy == "run lvs.cluster.site to write it again"


def test_where_to_ask(error_words):
    error = said(lambda: packets_owners.check_interface("nosuch0"))
    assert (error.subject, error.value) == ("interface", "nosuch0")
    assert error.rule.startswith("does not exist on this host, which has ")  # the interfaces of this machine
    assert error_words(said(lambda: packets_owners.choose_interface({"192.0.2.30": None}))) == (
        "addresses",
        "192.0.2.30",
    )


@pytest.mark.parametrize(
    ("options", "about"),
    [
        ({"addresses": ["192.0.2.30"], "announce": 2}, ("announce", 2)),
        ({"addresses": ["192.0.2.30/24"]}, ("addresses", "192.0.2.30/24")),
    ],
)  # fmt: skip
def test_vips_on_the_loopback_device(options, about, error_words):
    current = CurrentVips({"lo": Link("lo", "", up=True, arp=False, loopback=True)}, ())
    assert error_words(said(lambda: plan_vips(current, VipSpec.from_options({"interface": "lo", **options})))) == about
