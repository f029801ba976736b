# SPDX-License-Identifier: GPL-3.0-or-later
"""What the inventory says of its hosts: their own addresses, weights and states, each variable asked for once.

Ansible makes a variable out of its template each time that it is asked for, and there can be hundreds of hosts.
"""

from __future__ import annotations

from typing import Any

from ansible_collections.lvs.cluster.plugins.module_utils._core.address import same_family, version

from .identity import Identity
from .inventory import Groups, Hostvars, Inventory
from .model import DEFAULT_VRID, ENGINES, LAST_VRID, NONE, Failover
from .values import Notes, several

__all__ = ["STATES", "Groups", "Hosts", "Hostvars"]
STATES = {"realserver_state": ("present", "drained", "absent"), "director_state": ("present", "absent")}


class Hosts:
    """The hosts of an inventory; `rips`, `dips` and `failover` are of those that were asked for.

    A default of a role is in no host's variables, so a state that is not there means present.
    """

    def __init__(self, notes: Notes, inventory: Inventory, services: Any) -> None:
        self._notes, self._inventory, self._services = notes, inventory, services
        self._groups, self._hostvars = inventory.groups, inventory.hostvars
        self._identity = Identity(inventory)
        self._members: dict[str, list[str]] = {}
        self.rips: dict[str, tuple[str, ...]] = {}
        self.dips: dict[str, tuple[str, ...]] = {}
        self._states: dict[tuple[str, str], str] = {}
        self._weights: dict[str, int | None] = {}
        self.failover: dict[str, Failover] = {}

    def knows(self, name: str) -> bool:
        """Return whether it is the name of a host or a group."""
        return name in self._hostvars or name in self._groups

    def named(self, name: str) -> list[str]:
        """Return the host of that name, or the hosts of that group; none for a name that is not known."""
        return [name] if name in self._hostvars else [str(host) for host in self._groups.get(name, ())]

    def members(self, role: str) -> list[str]:
        """Return the hosts that have a role (`directors`, `realservers`) and no other lvs_services than this one."""
        if role not in self._members:
            self._members[role] = self._inventory.members_of(self._services, role)
        return self._members[role]

    def group_words(self, role: str) -> str:
        """Return the name of the group of a role, for people."""
        return f"the group {' or '.join(self._inventory.group_names(role))}"

    def identify(self, text: str) -> list[str]:
        """Return the hosts that an address or name stands for: none or one, unless hosts share an address."""
        return self._identity.hosts(text)

    def state(self, host: str, variable: str) -> str:
        """Return the host's realserver_state or director_state."""
        if (host, variable) not in self._states:
            value = self._inventory.own(host).get(variable, "present")
            self._states[host, variable] = self._notes.choice(host, variable, value, STATES[variable])
        return self._states[host, variable]

    def read_failover(self, host: str) -> None:
        """Read how a director decides who has its VIPs."""
        if host in self.failover:
            return
        own = self._inventory.own(host)
        engine = own.get("director_failover") or NONE
        if engine not in ENGINES:
            self._notes.choice(host, "director_failover", engine, ENGINES)
            engine = ""
        vrid = own.get("director_vrid")
        number = DEFAULT_VRID if vrid is None else self._notes.ranged(f"director_vrid of {host}", vrid, 1, LAST_VRID)
        self.failover[host] = Failover(engine, number)

    def weight(self, host: str) -> int | None:
        """Return the host's realserver_weight, or None."""
        if host not in self._weights:
            value = self._inventory.own(host).get("realserver_weight")
            weight = None if value is None else self._notes.kind(host, "realserver_weight", value, "number")
            self._weights[host] = weight
        return self._weights[host]

    def rip(self, host: str) -> str:
        """Return the first of the host's addresses as a real server; empty when it has none."""
        return (self._addresses(host, "realserver_address", self.rips, one_of_a_family=True) or ("",))[0]

    def read_dips(self, host: str) -> None:
        """Read the host's addresses as a director."""
        self._addresses(host, "director_address", self.dips)

    def _addresses(
        self, host: str, variable: str, known: dict[str, tuple[str, ...]], one_of_a_family: bool = False
    ) -> tuple[str, ...]:
        if host in known:
            return known[host]
        subject, value = variable, self._inventory.own(host).get(variable)
        if value is None:
            subject, value = "ansible_host", self._inventory.own(host).get("ansible_host")
        read: list[str] = []
        remedy = f"set {variable} to the host's own address"
        texts = several(host if value is None else value)
        if not texts:
            self._notes.note(host, subject, None, "is empty", remedy)
        for text in texts:
            address = self._notes.address(host, subject, text, remedy, remedy)
            if address in read:
                self._notes.note(host, subject, address, "is listed twice", "keep one")
            elif address and one_of_a_family and any(same_family(address, one) for one in read):
                rule = f"is the second IPv{version(address)} address"
                self._notes.note(host, subject, address, rule, "name one of a family")
            elif address:
                read.append(address)
        known[host] = tuple(read)
        return known[host]
