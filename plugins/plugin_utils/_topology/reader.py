# SPDX-License-Identifier: GPL-3.0-or-later
"""Read and validate `lvs_services`, with what the inventory says of the hosts that it names."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.lvs.cluster.plugins.module_utils._core.address import is_ipv6
from ansible_collections.lvs.cluster.plugins.module_utils._core.protocols import DIRECT, FORWARDING_METHODS

from .finding import Finding, Findings
from .hosts import STATES, Groups, Hosts, Hostvars
from .identity import same
from .inventory import DIRECTORS, REALSERVERS, Inventory
from .model import NONE, Server, Service, Topology
from .rules import service_findings, topology_findings
from .traffic import read_traffic
from .values import POOL_OPTIONS, SERVER_OPTIONS, SERVICE_OPTIONS, Notes, several

_TRAFFIC = ("ports", "protocol", "prove_ports", "sources")
_OWN = ("name", "address", *_TRAFFIC, "fwmark", "forwarding", "directors", "real_servers")
_SWITCHES = ("keep_weight", "may_be_empty")
KNOWN = (*_OWN, *_SWITCHES, *SERVICE_OPTIONS, *POOL_OPTIONS)
_SERVER_KNOWN = ("host", "address", *SERVER_OPTIONS)
_AS_IN_INVENTORY = "write it as it stands in the inventory"


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text.strip())
    except ValueError:
        return False
    return True


def _of_two_families(one: Server, other: Server) -> bool:
    """Return whether two entries name one host by its addresses of both families, and say the same of it."""
    both = bool(one.written and other.written) and is_ipv6(same(one.written)) != is_ipv6(same(other.written))
    return both and one.options == other.options


class Reader:
    """Reads a topology, and goes on after a mistake; `notes` are the mistakes."""

    def __init__(self, services: Any, inventory: Inventory) -> None:
        self.notes = Notes()
        self.hosts = Hosts(self.notes, inventory, services)
        self._services = services
        self._identified: dict[str, None] = {}

    def read(self) -> Topology:
        """Return what could be read; it is whole when nothing was found."""
        items = self.notes.kind("", "lvs_services", self._services, "list") or []
        read = [service for number, item in enumerate(items) if (service := self._service(number, item))]
        dips, rips = self.hosts.dips, self.hosts.rips
        absent = frozenset(host for host in dips if self.hosts.state(host, "director_state") == "absent")
        failover = {host: one for host, one in self.hosts.failover.items() if one.engine != NONE}
        found = Topology(tuple(read), dips, rips, absent, tuple(self._identified), failover)
        self.notes.add(topology_findings(found))
        return found

    def _service(self, number: int, item: Any) -> Service | None:
        notes, where = self.notes, f"lvs_services[{number}]"
        if not isinstance(item, Mapping):
            notes.note("", where, item, "is not a service", "write name, address and ports")
            return None
        name = str(item.get("name") or "")
        where = f"lvs_services ({name})" if name else where
        notes.known(where, item, KNOWN, "is not an option")
        for option in ("name", "address", *(() if item.get("fwmark") is not None else ("ports",))):
            if item.get(option) in (None, "", [], ()):
                notes.note("", where, option, "is missing", f"give it {option}")
        mark = item.get("fwmark")
        vips = self._vips(f"{where}.address", item.get("address"))
        traffic = read_traffic(notes, where, item, vips)
        service = Service(
            name,
            vips,
            traffic.ports,
            traffic.protocols,
            0 if mark is None else notes.ranged(f"{where}.fwmark", mark, 1, 0xFFFFFFFF),
            notes.choice("", f"{where}.forwarding", item.get("forwarding", DIRECT), FORWARDING_METHODS),
            self._directors(f"{where}.directors", item.get("directors")),
            self._pool(where, item),
            notes.options("", where, item, SERVICE_OPTIONS),
            self._switch(where, item, "may_be_empty"),
            traffic.prove_ports,
            traffic.sources,
        )
        notes.add(service_findings(where, service, self.hosts.rips))
        return service

    def _switch(self, where: str, item: Mapping[str, Any], option: str) -> bool:
        return bool(self.notes.kind("", f"{where}.{option}", item.get(option, False), "bool"))

    def _vips(self, subject: str, value: Any) -> tuple[str, ...]:
        read: list[str] = []
        for text in several(value):
            address = self.notes.address("", subject, text, "name an address that clients reach")
            if address in read:
                self.notes.note("", subject, address, "is listed twice", "keep one")
            elif address:
                read.append(address)
        return tuple(read)

    def _directors(self, subject: str, given: Any) -> tuple[str, ...]:
        read: list[str] = []
        before = len(self.notes.found)
        if given is None:
            read += self.hosts.members(DIRECTORS)
        for name in map(str, self.notes.kind("", subject, given, "list") or () if given is not None else ()):
            if self.hosts.knows(name):
                read += self.hosts.named(name)
                continue
            host = self._identify(subject, name)
            read += [host] if host else []
            if host is None:
                self.notes.note("", subject, name, "is neither a host nor a group of the inventory", _AS_IN_INVENTORY)
        if not read and len(self.notes.found) == before:
            group = self.hosts.group_words(DIRECTORS) if given is None else "its group"
            self.notes.note("", subject, None, "is empty", f"put a host into {group}, or name one")
        for host in read:
            self.hosts.read_dips(host)
            self.hosts.state(host, "director_state")
            self.hosts.read_failover(host)
        return tuple(dict.fromkeys(read))

    def _pool(self, where: str, item: Mapping[str, Any]) -> tuple[Server, ...]:
        subject, given = f"{where}.real_servers", item.get("real_servers")
        defaults = self.notes.options("", where, item, POOL_OPTIONS)
        keep = self._switch(where, item, "keep_weight")
        read: list[Server] = []
        before = len(self.notes.found)
        if given is None:
            hosts = self.hosts.members(REALSERVERS)
            read += [self._server(subject, host, self.hosts.rip(host), {}, defaults, keep) for host in hosts]
        entries = [] if given is None else self.notes.kind("", subject, given, "list") or []
        for entry in entries:
            read += self._entry(subject, entry, defaults, keep)
        if (entries or given is None) and not read and len(self.notes.found) == before:
            group = self.hosts.group_words(REALSERVERS) if given is None else "its group"
            self.notes.note("", subject, None, "is empty", f"put a host into {group}, or write real_servers: []")
        return tuple(self._each_once(subject, read))

    def _each_once(self, subject: str, servers: Iterable[Server]) -> Iterator[Server]:
        """Yield each server once; note those that are listed again, except for a host's addresses of both families."""
        first: dict[str, Server] = {}
        for server in servers:
            name = server.host or server.address
            known = first.setdefault(name, server)
            if known is server:
                yield server
            elif not _of_two_families(known, server):
                rule = f"is the host {name}, which is listed twice" if server.written else "is listed twice"
                self.notes.note("", subject, server.written or name, rule, "keep one entry for each server")

    def _entry(self, subject: str, entry: Any, defaults: Mapping[str, Any], keep: bool) -> list[Server]:
        """Return the servers that one entry of real_servers means."""
        own: Mapping[str, Any] = {}
        bare = False
        if isinstance(entry, Mapping):
            own = entry
            self.notes.known(subject, entry, _SERVER_KNOWN, "is not an option of a server")
            if ("host" in entry) == ("address" in entry):
                rule = "names not exactly one server"
                self.notes.note("", subject, dict(entry), rule, "give it either host or address")
                return []
            bare = "address" in entry
            entry = entry["address" if bare else "host"]
        name = str(entry)
        if not bare and self.hosts.knows(name):
            hosts = self.hosts.named(name)
            return [self._server(subject, host, self.hosts.rip(host), own, defaults, keep) for host in hosts]
        host = self._identify(subject, name)
        if host is None:
            address = self._bare(subject, name, bare)
            return [self._server(subject, "", address, own, defaults, keep)] if address else []
        rip = self.hosts.rip(host) if host else ""
        if not host or not self._is_rip(subject, name, host):
            return []
        return [self._server(subject, host, rip, own, defaults, keep)._replace(written=name.strip())]

    def _identify(self, subject: str, text: str) -> str | None:
        """Return the host that an address is; None if it is none, and empty, with a note, if it can be several."""
        hosts = self.hosts.identify(text)
        if len(hosts) > 1:
            rule = f"is an address of the hosts {', '.join(hosts)}"
            remedy = "name the host instead, or give each host an address of its own"
            self.notes.note("", subject, text, rule, remedy)
            return ""
        if hosts and hosts[0] != text:
            self._identified[f"{text} in {subject} is the host {hosts[0]}."] = None
        return hosts[0] if hosts else None

    def _is_rip(self, subject: str, text: str, host: str) -> bool:
        """Return whether a host serves under the address by which it is named; note it if it does not."""
        rips = self.hosts.rips[host]
        if not _is_address(text) or not rips or same(text) in rips:
            return True
        rule = f"is the host {host}, which as a real server has {' and '.join(rips)}"
        remedy = f"name {host} instead, or set its realserver_address to the address that the directors send to"
        self.notes.note("", subject, text, rule, remedy)
        return False

    def _bare(self, subject: str, text: str, bare: bool) -> str:
        """Return the address of a server that is not of the inventory, as far as this entry can tell."""
        if not bare and not _is_address(text):
            rule = "is neither a host nor a group of the inventory, nor an IP address"
            self.notes.note("", subject, text, rule, f"{_AS_IN_INVENTORY}, or name the server's address")
            return ""
        return self.notes.address("", subject, text, "name the server's own address")

    def _server(
        self, subject: str, host: str, address: str, own: Mapping[str, Any], defaults: Mapping[str, Any], keep: bool
    ) -> Server:
        """Return one server; its own options win over the host's, and those over the pool's."""
        of_host: dict[str, Any] = {}
        if host:
            of_host = {"weight": self.hosts.weight(host), "state": self.hosts.state(host, "realserver_state")}
            of_host = {name: value for name, value in of_host.items() if value is not None}
        options = {"weight": 1, "state": "present", **defaults, **of_host}
        options.update(self.notes.options("", f"{subject} ({host or address})", own, SERVER_OPTIONS))
        choices = STATES["realserver_state"]
        options["state"] = self.notes.choice(host, f"{subject}.state", options["state"], choices)
        weight = options.pop("weight")
        if keep:
            options["initial_weight"] = weight
        elif options["state"] != "drained":
            options["weight"] = weight
        return Server(host, address, options)


def read_topology(services: Any, groups: Groups, hostvars: Hostvars) -> Topology:
    """Return the topology that `lvs_services` and the inventory write; raise Findings with all mistakes at once."""
    return read_from(services, Inventory(groups, hostvars))


def read_from(services: Any, inventory: Inventory) -> Topology:
    """Return the topology, as read_topology does, from an inventory that other descriptions are read from too."""
    reader = Reader(services, inventory)
    found = reader.read()
    if reader.notes.found:
        raise Findings(reader.notes.found)
    return found


def read_findings(services: Any, groups: Groups, hostvars: Hostvars) -> list[Finding]:
    """Return every mistake that the description itself shows, without a look at any host."""
    reader = Reader(services, Inventory(groups, hostvars))
    reader.read()
    return reader.notes.found
