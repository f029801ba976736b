# SPDX-License-Identifier: GPL-3.0-or-later
"""The topology that is written once (`lvs_services`): read, made canonical, and judged in one place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Callable, NamedTuple

from ._address import parse_host
from ._errors import InvalidValue
from ._finding import Finding, Findings, of_error
from ._ipvs_fields import PROTOCOLS, TUNNEL_CHECKSUMS, TUNNEL_TYPES
from ._ipvs_options import FORWARDING_CHOICES, in_range, parse_server, parse_service
from ._ipvs_rules import settle_server, settle_service

_STATES = {"realserver_state": ("present", "drained", "absent"), "director_state": ("present", "absent")}
# What an option has to be; all but the lists are single values.
_KINDS = {
    "scheduler": "text",
    "scheduler_flags": "list",
    "one_packet": "bool",
    "persistence_timeout": "number",
    "persistence_netmask": "netmask",
    "persistence_engine": "text",
    "weight": "number",
    "upper_threshold": "number",
    "lower_threshold": "number",
    "tunnel_type": "text",
    "tunnel_port": "number",
    "tunnel_checksum": "text",
    "port": "number",
    "state": "text",
}
_SERVICE_OPTIONS = tuple(_KINDS)[:6]
_POOL_OPTIONS = tuple(_KINDS)[6:12]
_SERVER_OPTIONS = (*_POOL_OPTIONS, "port", "state")
_OWN = ("name", "address", "ports", "protocol", "fwmark", "forwarding", "keep_weight", "real_servers", "directors")
_KNOWN = sorted((*_OWN, *_SERVICE_OPTIONS, *_POOL_OPTIONS))


class Server(NamedTuple):
    """One server of a pool.

    `host` is its name in the inventory (empty: a bare address), `address` its first RIP, and `options` those of a
    server of ipvs_table that are given: weight or initial_weight, thresholds, state, port, tunnel_*.
    """

    host: str
    address: str
    options: Mapping[str, Any]


class Service(NamedTuple):
    """One item of lvs_services; `fwmark` is 0 where there is none, and `options` are those of ipvs_service."""

    name: str
    vips: tuple[str, ...]
    ports: tuple[int, ...]
    protocol: str
    fwmark: int
    forwarding: str
    directors: tuple[str, ...]
    servers: tuple[Server, ...]
    options: Mapping[str, Any]


class Topology(NamedTuple):
    """All services, and the own addresses of directors and servers by inventory host name, one of a family at most.

    `absent` are the directors with director_state absent.
    """

    services: tuple[Service, ...]
    dips: Mapping[str, tuple[str, ...]]
    rips: Mapping[str, tuple[str, ...]]
    absent: frozenset[str] = frozenset()


Hostvars = Mapping[str, Mapping[str, Any]]
Groups = Mapping[str, Sequence[str]]


def topology(services: Any, groups: Groups, hostvars: Hostvars) -> Topology:
    """Return the topology that `lvs_services` and the inventory write; raise Findings with all mistakes at once."""
    reader = _Reader(groups, hostvars)
    found = reader.read(services)
    if reader.found:
        raise Findings(reader.found)
    return found


def findings(services: Any, groups: Groups, hostvars: Hostvars) -> list[Finding]:
    """Return every mistake that the description itself shows, without a look at any host."""
    reader = _Reader(groups, hostvars)
    reader.read(services)
    return reader.found


def version(address: str) -> int:
    """Return 4 or 6."""
    return 6 if ":" in address else 4


def rip(service: Service, server: Server, family: int, rips: Mapping[str, Sequence[str]]) -> str:
    """Return the address under which a server serves the VIPs of a family (4, 6); empty when it does not.

    A bare address serves the VIPs of its own family. Only a tunnel can have another family outside than inside.
    """
    own = rips.get(server.host, ()) if server.host else (server.address,)
    for address in own:
        if version(address) == family:
            return address
    if service.forwarding != "tunnel" or not own:
        return ""
    elsewhere = not server.host and version(own[0]) in {version(vip) for vip in service.vips}
    return "" if elsewhere else own[0]


def service_options(service: Service, vip: str, port: int, rips: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Return one service of ipvs_table: of a VIP and port, or of the mark and the VIP's family."""
    family = version(vip)
    options = dict(service.options)
    if "persistence_netmask" in options and _mask_family(options["persistence_netmask"], service.vips) != family:
        del options["persistence_netmask"]
    if service.fwmark:
        key: dict[str, Any] = {"fwmark": service.fwmark, "address_family": f"ipv{family}"}
    else:
        key = {"address": vip, "port": port, "protocol": service.protocol}
    servers = []
    for server in service.servers:
        address = rip(service, server, family, rips)
        if address:
            servers.append({"address": address, "forwarding": service.forwarding, **server.options})
    return {**key, **options, "real_servers": servers}


def _mask_family(mask: str, vips: Sequence[str]) -> int:
    """Return the family of VIPs that a mask is for: a dotted one for IPv4; a bare length, where both are, for IPv6."""
    families = {version(vip) for vip in vips}
    return families.pop() if len(families) == 1 else 4 if "." in mask else 6


def _number(value: Any) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return int(value)
    text = str(value).strip() if isinstance(value, str) else ""
    return int(text) if text.isascii() and text.isdigit() else None


def _bool(value: Any) -> bool | None:
    words = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
    return value if isinstance(value, bool) else words.get(value.strip().lower()) if isinstance(value, str) else None


def _text(value: Any) -> str | None:
    return str(value) if isinstance(value, str) else None


def _netmask(value: Any) -> str | None:
    return str(value).strip() if isinstance(value, (str, int)) and not isinstance(value, bool) else None


def _list(value: Any) -> list[Any] | None:
    return list(value) if isinstance(value, Sequence) and not isinstance(value, (str, bytes)) else None


_PARSERS: dict[str, tuple[Callable[[Any], Any], str, str]] = {
    "number": (_number, "is not a whole number", "write digits"),
    "bool": (_bool, "is not a boolean", "write true or false"),
    "text": (_text, "is not a text", "write it as one word"),
    "netmask": (_netmask, "is not a netmask", "write an IPv4 mask or an IPv6 prefix length"),
    "list": (_list, "is not a list", "write it as a list"),
}


class _Reader:
    """Reads a topology, and goes on after a mistake; `found` are the mistakes."""

    def __init__(self, groups: Groups, hostvars: Hostvars) -> None:
        self.groups, self.hostvars = groups, hostvars
        self.found: list[Finding] = []
        self.rips: dict[str, tuple[str, ...]] = {}
        self.dips: dict[str, tuple[str, ...]] = {}
        self.own: dict[str, Mapping[str, Any]] = {}
        self.states: dict[tuple[str, str], str] = {}
        self.weights: dict[str, Any] = {}

    def read(self, services: Any) -> Topology:
        """Return what could be read; it is whole when nothing was found."""
        items = self.kind("", "lvs_services", services, "list") or []
        read = [service for number, item in enumerate(items) if (service := self.service(number, item))]
        self.cross(read)
        absent = frozenset(host for host in self.dips if self.state(host, "director_state") == "absent")
        return Topology(tuple(read), self.dips, self.rips, absent)

    def note(self, host: str, subject: str, value: Any, rule: str, remedy: str) -> None:
        finding = Finding(host, subject, "" if value is None else str(value), rule, remedy)
        if finding not in self.found:
            self.found.append(finding)

    def kind(self, host: str, subject: str, value: Any, kind: str) -> Any:
        """Return the value as what it has to be; note one that is not, and return None."""
        parse, rule, remedy = _PARSERS[kind]
        parsed = parse(value)
        if parsed is None:
            self.note(host, subject, value, rule, remedy)
        return parsed

    def choice(self, host: str, subject: str, value: Any, choices: Iterable[str]) -> str:
        """Return the word, or the first choice for one that is none."""
        allowed = tuple(choices)
        if value not in allowed:
            self.note(host, subject, value, "is not known", f"choose from {', '.join(allowed)}")
            return allowed[0]
        return str(value)

    def options(self, host: str, where: str, given: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
        """Return the options of these names, each as what it has to be."""
        read = {}
        for name in names:
            if given.get(name) is not None:
                value = self.kind(host, f"{where}.{name}", given[name], _KINDS[name])
                if value is not None:
                    read[name] = value
        return read

    def vars(self, host: str) -> Mapping[str, Any]:
        """Return a host's variables, asked for once."""
        if host not in self.own:
            self.own[host] = self.hostvars[host] if host in self.hostvars else {}  # noqa: SIM401
        return self.own[host]

    def state(self, host: str, variable: str) -> str:
        if (host, variable) not in self.states:
            value = self.vars(host).get(variable, "present")
            self.states[host, variable] = self.choice(host, variable, value, _STATES[variable])
        return self.states[host, variable]

    def weight(self, host: str) -> Any:
        """Return the host's realserver_weight, or None."""
        if host not in self.weights:
            value = self.vars(host).get("realserver_weight")
            self.weights[host] = None if value is None else self.kind(host, "realserver_weight", value, "number")
        return self.weights[host]

    def addresses(self, host: str, variable: str, known: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
        """Return the host's own addresses, one of a family at most."""
        if host in known:
            return known[host]
        subject, value = variable, self.vars(host).get(variable)
        if value is None:
            subject, value = "ansible_host", self.vars(host).get("ansible_host")
        if value is None:
            value = host
        read: dict[int, str] = {}
        for text in [value] if isinstance(value, str) else _list(value) or [value]:
            try:
                address = parse_host(text, subject)
            except InvalidValue as error:
                self.note(host, subject, text, error.rule, f"set {variable} to the host's own address")
                continue
            if address.is_loopback:
                self.note(host, subject, text, "is a loopback address", f"set {variable} to the host's own address")
            elif address.version in read:
                self.note(host, subject, address, f"is the second IPv{address.version} address", "name one of a family")
            else:
                read[address.version] = str(address)
        known[host] = tuple(read.values())
        return known[host]

    def service(self, number: int, item: Any) -> Service | None:
        """Return one item of lvs_services."""
        where = f"lvs_services[{number}]"
        if not isinstance(item, Mapping):
            self.note("", where, item, "is not a service", "write name, address and ports")
            return None
        name = str(item.get("name") or "")
        where = f"lvs_services ({name})" if name else where
        for option in item:
            if option not in _KNOWN:
                self.note("", where, option, "is not an option", f"choose from {', '.join(_KNOWN)}")
        for option in ("name", "address", *(() if item.get("fwmark") is not None else ("ports",))):
            if item.get(option) in (None, "", [], ()):
                self.note("", where, option, "is missing", f"give it {option}")
        mark = 0
        if item.get("fwmark") is not None:
            mark = self.ranged(f"{where}.fwmark", item["fwmark"], 1, 0xFFFFFFFF)
        forwarding = self.choice("", f"{where}.forwarding", item.get("forwarding", "direct"), FORWARDING_CHOICES)
        service = Service(
            name,
            self.vips(where, item.get("address")),
            self.ports(where, item.get("ports")),
            self.choice("", f"{where}.protocol", item.get("protocol", "tcp"), PROTOCOLS),
            mark,
            forwarding,
            self.directors(where, item),
            (),
            self.options("", where, item, _SERVICE_OPTIONS),
        )
        service = service._replace(servers=self.pool(where, item))
        self.judge(where, service)
        return service

    def ranged(self, subject: str, value: Any, lowest: int, highest: int) -> int:
        """Return the number, or 0 for one that is none or out of range."""
        number = self.kind("", subject, value, "number")
        try:
            return 0 if number is None else in_range(subject, number, lowest, highest)
        except InvalidValue as error:
            self.found.append(of_error("", error))
            return 0

    def vips(self, where: str, value: Any) -> tuple[str, ...]:
        read: list[str] = []
        for text in () if value is None else [value] if isinstance(value, str) else _list(value) or [value]:
            try:
                address = parse_host(text, f"{where}.address")
            except InvalidValue as error:
                self.found.append(of_error("", error))
                continue
            if address.is_loopback:
                self.note("", f"{where}.address", text, "is a loopback address", "name an address that clients reach")
            elif str(address) in read:
                self.note("", f"{where}.address", address, "is listed twice", "keep one")
            else:
                read.append(str(address))
        return tuple(read)

    def ports(self, where: str, value: Any) -> tuple[int, ...]:
        values = () if value is None else self.kind("", f"{where}.ports", value, "list") or ()
        read = [self.ranged(f"{where}.ports", port, 1, 65535) for port in values]
        for port in dict.fromkeys(port for port in read if port and read.count(port) > 1):
            self.note("", f"{where}.ports", port, "is listed twice", "keep one")
        return tuple(port for port in dict.fromkeys(read) if port)

    def hosts(self, subject: str, name: str) -> list[str]:
        """Return the hosts that a name of the inventory means; none when it is not known."""
        if name in self.hostvars:
            return [name]
        return [str(host) for host in self.groups.get(name, ())]

    def directors(self, where: str, item: Mapping[str, Any]) -> tuple[str, ...]:
        subject, given = f"{where}.directors", item.get("directors")
        if given is None:
            read = [str(host) for host in self.groups.get("directors", ())]
            if not read:
                self.note("", subject, None, "is empty", "put a host into the group directors, or name directors")
        else:
            read = []
            for name in self.kind("", subject, given, "list") or ():
                if str(name) not in self.hostvars and str(name) not in self.groups:
                    remedy = "write it as it stands in the inventory"
                    self.note("", subject, name, "is neither a host nor a group of the inventory", remedy)
                read += self.hosts(subject, str(name))
        for host in read:
            self.addresses(host, "director_address", self.dips)
            self.state(host, "director_state")
        return tuple(dict.fromkeys(read))

    def pool(self, where: str, item: Mapping[str, Any]) -> tuple[Server, ...]:
        subject, given = f"{where}.real_servers", item.get("real_servers")
        defaults = self.options("", where, item, _POOL_OPTIONS)
        keep = self.kind("", f"{where}.keep_weight", item.get("keep_weight", False), "bool")
        entries = ["realservers"] if given is None else self.kind("", subject, given, "list") or []
        read: list[Server] = []
        for entry in entries:
            read += self.entry(subject, entry, defaults, bool(keep), given is None)
        if entries and not read:
            self.note("", subject, None, "is empty", "put a host into its group, or write real_servers: []")
        # Two hosts with one address are another mistake, which cross_hosts() tells.
        seen: dict[str, str] = {}
        for server in read:
            name = server.host or server.address
            if name in seen or (
                seen.get(server.address, server.host) != server.host and not (server.host and seen[server.address])
            ):
                self.note("", subject, name, "is listed twice", "keep one entry for each server")
            seen.update({name: server.host, server.address: server.host})
        return tuple(read)

    def entry(
        self, subject: str, entry: Any, defaults: Mapping[str, Any], keep: bool, is_default: bool
    ) -> list[Server]:
        """Return the servers that one entry of real_servers means."""
        own: Mapping[str, Any] = {}
        bare = False
        if isinstance(entry, Mapping):
            own = entry
            for option in entry:
                if option not in ("host", "address", *_SERVER_OPTIONS):
                    choices = ", ".join(sorted(("host", "address", *_SERVER_OPTIONS)))
                    self.note("", subject, option, "is not an option of a server", f"choose from {choices}")
            if ("host" in entry) == ("address" in entry):
                self.note("", subject, dict(entry), "names not exactly one server", "give it either host or address")
                return []
            bare = "address" in entry
            entry = entry["address" if bare else "host"]
        name = str(entry)
        hosts = [] if bare else self.hosts(subject, name)
        if hosts:
            return [self.server(subject, host, "", own, defaults, keep) for host in hosts]
        if is_default or (not bare and name in self.groups):
            return []
        try:
            address = parse_host(name, subject)
        except InvalidValue as error:
            rule = error.rule
            if not bare and rule == "is not an IP address":
                rule = "is neither a host nor a group of the inventory, nor an IP address"
            self.note("", subject, name, rule, "write it as it stands in the inventory, or name the server's address")
            return []
        if address.is_loopback:
            self.note("", subject, name, "is a loopback address", "name the server's own address")
        return [self.server(subject, "", str(address), own, defaults, keep)]

    def server(
        self, subject: str, host: str, address: str, own: Mapping[str, Any], defaults: Mapping[str, Any], keep: bool
    ) -> Server:
        """Return one server; its own options win over the host's, and those over the pool's."""
        of_host: dict[str, Any] = {}
        if host:
            address = (self.addresses(host, "realserver_address", self.rips) or ("",))[0]
            of_host = {"weight": self.weight(host), "state": self.state(host, "realserver_state")}
            of_host = {name: value for name, value in of_host.items() if value is not None}
        options = {"weight": 1, "state": "present", **defaults, **of_host}
        options.update(self.options("", f"{subject} ({host or address})", own, _SERVER_OPTIONS))
        options["state"] = self.choice(host, f"{subject}.state", options["state"], _STATES["realserver_state"])
        weight = options.pop("weight")
        if options["state"] != "drained":
            options["initial_weight" if keep else "weight"] = weight
        elif keep:
            options["initial_weight"] = weight
        return Server(host, address, options)

    def judge(self, where: str, service: Service) -> None:
        """Note what the rules of the modules say of the service and of each server, once for each family."""
        families = {version(vip): vip for vip in reversed(service.vips)}
        for vip in families.values():
            options = service_options(service, vip, service.ports[0] if service.ports else 1, self.rips)
            try:
                wanted = parse_service({**options, "real_servers": None})
                settle_service(wanted.key, wanted.given, None)
            except InvalidValue as error:
                self.note("", f"{where}.{error.option.split(' of ')[0]}", error.value, error.rule, error.remedy)
                continue
            for server in options["real_servers"]:
                self.judge_server(where, service, wanted.key, server)
        for server in service.servers if families else ():
            served = [family for family in families if rip(service, server, family, self.rips)]
            missing = [] if not server.host and served else [family for family in families if family not in served]
            for family in missing if server.address else ():
                needed = f"which forwarding {service.forwarding} needs"
                rule = f"has no IPv{family} address for VIP {families[family]}, {needed}"
                remedy = "give realserver_address one of each family" if server.host else "name one of the VIP's family"
                self.note(server.host, f"{where}.real_servers", server.host or server.address, rule, remedy)

    def judge_server(self, where: str, service: Service, key: Any, options: Mapping[str, Any]) -> None:
        owners = [one for one in service.servers if options["address"] in (one.address, *self.rips.get(one.host, ()))]
        name = owners[0].host if owners else ""
        try:
            for option, choices in (("tunnel_type", TUNNEL_TYPES), ("tunnel_checksum", TUNNEL_CHECKSUMS)):
                if option in options and options[option] not in choices:
                    raise InvalidValue(option, options[option], "is not known", f"choose from {', '.join(choices)}")
            wanted = parse_server(options, key)
            settle_server(key, wanted.key, wanted.given, None)
        except InvalidValue as error:
            subject = f"{where}.{error.option.split(' of ')[0]} of server {options['address']}"
            self.note(name, subject, error.value, error.rule, error.remedy)

    def cross(self, services: Sequence[Service]) -> None:
        """Note what contradicts between services, or between hosts."""
        names: set[str] = set()
        taken: dict[Any, str] = {}
        directors: dict[str, Service] = {}
        for service in services:
            where = f"lvs_services ({service.name})"
            if service.name and service.name in names:
                self.note("", "lvs_services.name", service.name, "is there twice", "name each service differently")
            names.add(service.name)
            keys: list[Any] = [(vip, port, service.protocol) for vip in service.vips for port in service.ports]
            if service.fwmark:
                keys = [(service.fwmark, family) for family in sorted({version(vip) for vip in service.vips})]
            for key in keys:
                if key in taken:
                    text = f"{key[0]} port {key[1]}/{key[2]}" if len(key) == 3 else f"fwmark {key[0]} (IPv{key[1]})"
                    remedy = "leave it to one of the two"
                    self.note("", where, text, f"is that of service {taken[key]} too", remedy)
                taken.setdefault(key, service.name)
            for vip in service.vips:
                other = directors.setdefault(vip, service)
                if other.directors != service.directors:
                    rule = f"has other directors in service {other.name}"
                    self.note("", where, vip, rule, "give each service of a VIP the same directors in the same order")
        self.cross_hosts(services)

    def cross_hosts(self, services: Sequence[Service]) -> None:
        owners: dict[str, str] = {}
        for variable, known in (("director_address", self.dips), ("realserver_address", self.rips)):
            for host, addresses in known.items():
                for address in addresses:
                    owner = owners.setdefault(address, host)
                    if owner != host:
                        remedy = "give each host an address of its own"
                        self.note(host, variable, address, f"is the address of {owner} too", remedy)
        for service in services:
            for vip in service.vips:
                if vip in owners:
                    rule = f"is the own address of host {owners[vip]}"
                    remedy = "choose a VIP that no host has for itself"
                    self.note("", f"lvs_services ({service.name}).address", vip, rule, remedy)
