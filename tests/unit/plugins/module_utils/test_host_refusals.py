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
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import LvsError
from ansible_collections.lvs.cluster.plugins.module_utils._drain import file as ipvs_drain_file
from ansible_collections.lvs.cluster.plugins.module_utils._facts import state as facts_state
from ansible_collections.lvs.cluster.plugins.module_utils._firewall import firewalld as firewall_firewalld
from ansible_collections.lvs.cluster.plugins.module_utils._firewall import run as firewall_run
from ansible_collections.lvs.cluster.plugins.module_utils._firewall.options import WantedFirewall
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs import client as ipvs_client
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.errors import refusal_of, unexpected
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

IO = "Input/output error (errno 5); look for the reason in the kernel's log (dmesg) on that host."


def said(work: Any) -> str:
    """Return the error with which the work ends."""
    with pytest.raises(LvsError) as caught:
        work()
    return str(caught.value)


def raiser(error: BaseException) -> Any:
    def refuse(*_arguments: Any, **_options: Any) -> Any:
        raise error

    return refuse


@pytest.mark.parametrize(
    ("explained", "number", "message"),
    [
        (packets_client._explained, errno.EPERM,
         "Not allowed to ask: this needs CAP_NET_RAW; run the task as root (become: true)."),
        (packets_client._explained, errno.ENODEV,
         "The kernel refused to ask: there is no such interface; name one that this host has (errno 19)."),
        (packets_client._explained, errno.EIO, f"The kernel refused to ask: {IO}"),
        (path_sockets.explained, errno.EACCES,
         "Not allowed to ask: this needs CAP_NET_RAW; run the task as root (become: true)."),
        (path_sockets.explained, errno.EIO, f"The kernel refused to ask: {IO}"),
    ],
)  # fmt: skip
def test_packets(explained, number, message):
    def work():
        with explained("ask"):
            raise OSError(number, "")

    assert said(work) == message


def test_no_ethernet(monkeypatch):
    """The loopback device has a hardware type of its own (ARPHRD_LOOPBACK in linux/if_arp.h)."""
    opened = SimpleNamespace(bind=print, close=print, getsockname=lambda: ("lo", 0x806, 0, 772, bytes(6)))
    monkeypatch.setattr(packets_client.socket, "socket", lambda *_: opened)
    assert said(lambda: packets_client.Segment("lo")) == (
        "lo is not an Ethernet device, so nobody can be asked or told there by ARP; name one that is."
    )


def test_files(monkeypatch):
    monkeypatch.setattr(core_files, "open", raiser(PermissionError(errno.EACCES, "")), raising=False)
    message = "/etc/x: no permission to read it; run the task as root (become: true)."
    assert said(lambda: core_files.read_bytes("/etc/x")) == message
    monkeypatch.setattr(ipvs_drain_file.os, "makedirs", raiser(PermissionError(errno.EACCES, "")))
    message = "/var/x: no permission to write in it; run the task as root (become: true)."
    assert said(lambda: ipvs_drain_file.update_drained(dict, "/var/x/drained.json")) == message


class DBusException(Exception):
    """As dbus-python's: a name and a text."""

    def get_dbus_name(self) -> str:
        return self.args[0]

    def get_dbus_message(self) -> str:
        return self.args[1]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("org.freedesktop.DBus.Error.AccessDenied", "no", "Could not read firewalld's policy x: no permission; run the "
         "task as root (become: true)."),
        ("org.freedesktop.DBus.Error.UnknownMethod", "no", "This firewalld has no policies, which came with its version "
         "0.9; upgrade it, or open the VIPs in its zones and choose backend none."),
        ("org.fedoraproject.FirewallD1.Exception", "INVALID_RULE: x", "Could not read firewalld's policy x: firewalld "
         "refuses: INVALID_RULE: x; its log (journalctl -u firewalld) tells more; put that right and run again."),
    ],
)  # fmt: skip
def test_firewalld(name, text, message):
    bus = SimpleNamespace(get_object=raiser(DBusException(name, text)))
    dbus = SimpleNamespace(exceptions=SimpleNamespace(DBusException=DBusException))
    assert said(lambda: firewall_firewalld.FirewalldClient(bus, dbus).read("x")) == message


def test_no_firewalld(monkeypatch):
    empty = SimpleNamespace(read=lambda: Ruleset({}, {}))
    monkeypatch.setattr(firewall_run, "_client", lambda _wanted: empty)
    monkeypatch.setattr(firewall_run.FirewalldClient, "find", lambda _seen: None)
    options = {"name": "x", "open": [{"address": "192.0.2.30"}], "backend": "firewalld"}
    assert said(lambda: firewall_run.FirewallRun(WantedFirewall.from_options(options))) == (
        "firewalld does not run on this host; start it, or choose backend auto."
    )
    assert said(lambda: WantedFirewall.from_options({"name": "x", "open": "192.0.2.30"})).startswith(
        "open: '192.0.2.30' is not a list; "
    )


def test_no_libraries(monkeypatch):
    monkeypatch.setitem(sys.modules, "dbus", None)
    monkeypatch.setitem(sys.modules, "nftables", None)
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nowhere")
    words = "The Python library {0} is missing on this host; install the package python3-{0}."
    assert said(lambda: firewall_firewalld.FirewalldClient.find(seen=True)) == words.format("dbus")
    assert said(lambda: nftables_library.Nft("a packet filter")) == words.format("nftables")


@pytest.mark.parametrize(
    ("error", "message"),
    [
        ("Error: Could not process rule: Operation not permitted", "Could not list: no permission; be root."),
        ("Error: syntax error", "Could not list: nftables refuses: Error: syntax error; nothing was changed by it: "
         "put that right and run again."),
    ],
)  # fmt: skip
def test_nftables(monkeypatch, error, message):
    library = SimpleNamespace(
        set_json_output=print, set_handle_output=print, json_cmd=lambda _commands: (1, None, error)
    )
    monkeypatch.setitem(sys.modules, "nftables", SimpleNamespace(Nftables=lambda: library))
    assert said(lambda: nftables_library.Nft("a packet filter")._ask([], "list", "be root")) == message


def test_generation_of_rules(monkeypatch):
    monkeypatch.setattr(nftables_monitor, "open_netfilter", raiser(OSError(errno.EIO, "")))
    assert said(nftables_monitor.generation) == f"The kernel did not tell of its packet filter: {IO}"
    monkeypatch.setattr(nftables_monitor, "open_netfilter", raiser(OSError(errno.EPERM, "")))
    assert said(nftables_monitor.generation).startswith("Could not list the rules of nftables: no permission; ")
    other = SimpleNamespace(send=print, recv=lambda _: pack_message(1, 0, 1, bytes(4)), close=print)
    monkeypatch.setattr(nftables_monitor, "open_netfilter", lambda: other)
    assert "the generation of nftables' rules" in said(nftables_monitor.generation)


def test_rules_without_libnftables(monkeypatch):
    for number, words in ((errno.EPERM, "no permission"), (errno.EIO, "the kernel refuses (errno 5)")):
        monkeypatch.setattr(nftables_owned, "generation", lambda: 1)
        monkeypatch.setattr(nftables_owned, "open_netfilter", raiser(OSError(number, "")))
        assert said(nftables_owned.OwnedRules().read).startswith(f"Could not list the rules of nftables: {words}")
    numbers = count()
    monkeypatch.setattr(nftables_owned, "generation", lambda: next(numbers))
    monkeypatch.setattr(nftables_owned.OwnedRules, "_read", lambda _self: Ruleset({}, {}))
    assert said(nftables_owned.OwnedRules().read) == (
        "The rules of nftables keep changing; end what loads them again and again, then run this task again."
    )


def test_lists_of_the_kernel(monkeypatch):
    monkeypatch.setattr(rtnetlink_dump, "route_socket", raiser(OSError(errno.EIO, "")))
    assert said(rtnetlink_state.own_neighbors) == f"The kernel did not list this host's neighbours: {IO}"


ADD = plan_services({}, [parse_service({"address": "192.0.2.30", "port": 80, "scheduler": "rr"})]).operations
NOT_PERMITTED = "IPVS is changed and read only with CAP_NET_ADMIN; run the task as root (become: true)."


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (errno.EPERM, NOT_PERMITTED),
        (errno.EIO, f"The kernel refused to {ADD[0].words}: {IO}"),
        (errno.ENOENT, f"The kernel refused to {ADD[0].words}: it has no scheduler rr; install that module, or name another."),
        (errno.EAFNOSUPPORT, f"The kernel refused to {ADD[0].words}: it is built without IPVS for ipv4; use the other "
         "family or another kernel."),
    ],
)  # fmt: skip
def test_ipvs_refuses_a_step(number, message):
    error = refusal_of(ADD, [Refusal(0, number)], [])
    assert str(error) == message


def test_ipvs_itself(monkeypatch):
    assert str(unexpected("list services", NetlinkError(errno.EPERM))) == NOT_PERMITTED
    assert str(unexpected("list services", NetlinkError(errno.EIO))) == f"The kernel refused to list services: {IO}"
    monkeypatch.setattr(ipvs_client, "GenericNetlink", raiser(NetlinkError(errno.ENOENT)))
    monkeypatch.setattr(ipvs_client, "load_module", lambda _name: None)
    assert said(ipvs_client.IpvsClient).startswith("This kernel has no IPVS and could not load the module ip_vs; ")
    assert "attribute 1 is missing" in said(lambda: ipvs_client._inside(b"", 1))


def test_sysctls(monkeypatch, tmp_path):
    client = sysctl_client.SysctlClient(str(tmp_path))
    place = f"{client._proc}/{sysctl_client.TREE}"
    again = "; put that right and run again."
    assert said(client._interfaces) == (
        f"{place} cannot be read (No such file or directory): no IPv4 here, or no /proc; run the task where both are."
    )
    pair = Pair("all", "arp_ignore")
    assert said(lambda: client.values(["arp_ignore"], [])) == (
        f"{client._proc}/{pair.path} cannot be read (No such file or directory): this kernel has no arp_ignore; leave it out."
    )
    (tmp_path / "folder").mkdir()
    assert said(lambda: client._text("/folder")) == f"/folder: cannot be read (Is a directory){again}"
    for number, words in (
        (errno.EACCES, "no permission to write here; run the task as root (become: true)."),
        (errno.EROFS, "it is read-only here, as in a container; run the task on the host itself, or make it writable."),
        (errno.EIO, f"cannot be written (Input/output error){again}"),
    ):
        monkeypatch.setattr(sysctl_value, "open", raiser(OSError(number, "")), raising=False)
        assert said(lambda: client.apply([WriteValue(pair, 1, "")])) == f"{client._proc}/{pair.path}: {words}"


def test_a_sysctl_that_another_program_sets(monkeypatch, tmp_path):
    target = tmp_path / "arp_ignore"
    target.write_text("0\n")
    monkeypatch.setattr(sysctl_value, "read_value", lambda _path: 0)
    assert said(lambda: sysctl_value.write_value(str(target), 1)) == (
        f"{target}: 1 was written and 0 is read back; another program on this host sets it too: stop that, and run again."
    )


def test_a_declaration_that_is_damaged(tmp_path):
    (tmp_path / "etc" / "lvs-cluster").mkdir(parents=True)
    (tmp_path / "etc" / "lvs-cluster" / "x.json").write_text("{")
    message = said(lambda: facts_state.read_boots(["x"], str(tmp_path)))
    assert message.startswith(f"{tmp_path}/etc/lvs-cluster/x.json cannot be read (")
    assert message.endswith("; run lvs.cluster.site, which writes it anew.")


def test_where_to_ask():
    assert said(lambda: packets_owners.check_interface("nosuch0")).startswith(
        "interface: 'nosuch0' does not exist on this host, which has "
    )
    assert said(lambda: packets_owners.choose_interface({"192.0.2.30": None})) == (
        "addresses: '192.0.2.30' is on no network that this host has a route to, not on a segment of this host; name the "
        "interface to ask on."
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"addresses": ["192.0.2.30"], "announce": 2}, "announce: 2 can't be done on lo, which does no ARP; leave it out."),
        ({"addresses": ["192.0.2.30/24"]}, "addresses: '192.0.2.30/24' would make its whole network local on lo; write "
         "192.0.2.30/32."),
    ],
)  # fmt: skip
def test_vips_on_the_loopback_device(options, message):
    current = CurrentVips({"lo": Link("lo", "", up=True, arp=False, loopback=True)}, ())
    assert said(lambda: plan_vips(current, VipSpec.from_options({"interface": "lo", **options}))) == message
