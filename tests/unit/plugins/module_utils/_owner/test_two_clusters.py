# SPDX-License-Identifier: GPL-3.0-or-later
"""Two clusters on one host, kept from two inventories: whatever one of them declares next, the other's is as it was.

The host is in memory: its VIPs, table and neighbours as the plans simulate them, and the files of its declarations.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import InvalidValue
from ansible_collections.lvs.cluster.plugins.module_utils._core.owner import Owner, owner_and_name
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.model import Table
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.operations import simulate as simulate_table
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.options import parse_service, parse_services
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.plan import plan_services
from ansible_collections.lvs.cluster.plugins.module_utils._neighbor.model import CurrentNeighbors
from ansible_collections.lvs.cluster.plugins.module_utils._neighbor.options import WantedNeighbors
from ansible_collections.lvs.cluster.plugins.module_utils._neighbor.plan import plan_neighbors
from ansible_collections.lvs.cluster.plugins.module_utils._neighbor.plan import simulate as simulate_neighbors
from ansible_collections.lvs.cluster.plugins.module_utils._owner.declarations import Declaration
from ansible_collections.lvs.cluster.plugins.module_utils._owner.services import settle_services, without_claimed
from ansible_collections.lvs.cluster.plugins.module_utils._owner.vips import settle_neighbors, settle_vips
from ansible_collections.lvs.cluster.plugins.module_utils._parts.declaration import Declared, declare
from ansible_collections.lvs.cluster.plugins.module_utils._parts.ownership import refuse_claimed
from ansible_collections.lvs.cluster.plugins.module_utils._parts.ownership import without_claimed as spared
from ansible_collections.lvs.cluster.plugins.module_utils._parts.stale import find_stale
from ansible_collections.lvs.cluster.plugins.module_utils._restore.plan import wanted_files
from ansible_collections.lvs.cluster.plugins.module_utils._rtnetlink.model import Link
from ansible_collections.lvs.cluster.plugins.module_utils._vip.model import CurrentVips
from ansible_collections.lvs.cluster.plugins.module_utils._vip.operations import simulate as simulate_vips
from ansible_collections.lvs.cluster.plugins.module_utils._vip.options import VipSpec
from ansible_collections.lvs.cluster.plugins.module_utils._vip.plan import plan_vips
from hypothesis import given
from hypothesis import strategies as st

LINKS = {
    "lo": Link("lo", "", True, False, loopback=True),
    "lan0": Link("lan0", "", True, True, mac="52:54:00:00:00:01"),
}
DEVICES = {"lo": {}, "lan0": {}, "dummy7": {"kind": "dummy"}}
OWNERS = (Owner(), Owner("web"))
MAC = "52:54:00:00:00:03"


@dataclass
class Host:
    """A host in memory, and what the roles do there in their order."""

    vips: CurrentVips = field(default_factory=lambda: CurrentVips(LINKS, ()))
    table: Table = field(default_factory=dict)
    neighbors: CurrentNeighbors = field(default_factory=lambda: CurrentNeighbors(LINKS, (), {}))
    files: dict[str, bytes] = field(default_factory=dict)

    def others(self, owner: Owner, name: str = "") -> list[Declaration]:
        """Return the declarations of others; with a name those of the owner's other names too."""
        found = [Declaration(*owner_and_name(label), json.loads(data)) for label, data in self.files.items()]
        return [one for one in found if not owner.owns(one.owner) or (name and one.name != name)]

    def run(self, owner: Owner, purge: bool = False, **parts: Any) -> list[str]:
        """Declare, as a director and a gateway do: nothing before the check, and what is stale at the end."""
        declared = declare({"name": "director", "owner": owner.name, **parts})
        others = self.others(owner)
        refuse_claimed(declared, owner, others)
        self._services([{**one, "purge": True} for one in parts["services"]], owner, purge)
        for item in parts["vips"]:
            self._vips(item, owner)
        for item in parts["neighbors"]:
            self._neighbors(item, owner)
        words = self._remove_stale(declared, owner)
        files = wanted_files(declared, "python3", "checksum")
        self.files[declared.label] = next(one.data for one in files if one.path == declared.state)
        return words

    def attempt(self, owner: Owner, step: str, wanted: dict[str, Any]) -> str:
        """Take one step, and return why it was refused, if it was."""
        try:
            if step == "teardown":
                self.teardown(owner)
            elif step == "absent":
                self.absent(owner, **wanted)
            else:
                self.run(owner, purge=step == "purge", **wanted)
        except InvalidValue as error:
            return str(error)
        return ""

    def teardown(self, owner: Owner, name: str = "director") -> None:
        """Remove all that an owner declares, and what its inventory names besides."""
        self._remove_stale(Declared(name, owner=owner.name), owner)
        self.files.pop(owner.label(name), None)

    def absent(self, owner: Owner, **parts: Any) -> None:
        """Remove what an inventory names, whoever declared it."""
        self._services([{**one, "state": "absent"} for one in parts["services"]], owner, False)
        for item in parts["vips"]:
            self._vips({**item, "state": "absent"}, owner)
        for item in parts["neighbors"]:
            self._neighbors({**item, "state": "absent"}, owner)

    def _remove_stale(self, declared: Declared, owner: Owner) -> list[str]:
        stale = find_stale(self.files.get(declared.label), declared)
        stale, words = spared(stale, owner, self.others(owner, declared.name))
        for item in stale.get("vips", ()):
            self._vips(item, owner)
        self._services(stale.get("services", ()), owner, False)
        for item in stale.get("neighbors", ()):
            self._neighbors(item, owner)
        return words

    def _vips(self, item: Any, owner: Owner) -> None:
        spec, _words = settle_vips(VipSpec.from_options(item), owner, self.others(owner))
        for operation in plan_vips(self.vips, spec).operations:
            self.vips = simulate_vips(self.vips, operation)

    def _services(self, items: Any, owner: Owner, purge: bool) -> None:
        wanted, _words = settle_services(parse_services(items), owner, self.others(owner))
        table, _claimed = without_claimed(self.table, self.others(owner))
        plan = plan_services(table if purge else self.table, wanted, purge)
        self.table = simulate_table(self.table, plan.operations)

    def _neighbors(self, item: Any, owner: Owner) -> None:
        wanted, _words = settle_neighbors(WantedNeighbors.from_options(item), owner, self.others(owner))
        for operation in plan_neighbors(self.neighbors, wanted).operations:
            self.neighbors = simulate_neighbors(self.neighbors, operation)

    def of(self, owner: Owner) -> dict[str, Any]:
        """Return all that an owner declares as the host has it, and its file."""
        data = self.files.get(owner.label("director"))
        state = json.loads(data) if data else {}
        specs = [VipSpec.from_options(item) for item in state.get("vips", ())]
        places = {(spec.interface, vip.address) for spec in specs for vip in spec.vips}
        keys = [parse_service(item).key for item in state.get("services", ())]
        wanted = [WantedNeighbors.from_options(item) for item in state.get("neighbors", ())]
        entries = {(one.interface, each.address) for one in wanted for each in one.neighbors}
        return {
            "file": data,
            "vips": {place: [h for h in self.vips.held if (h.interface, h.address) == place] for place in places},
            "devices": {spec.interface: link for spec in specs if (link := self.vips.links.get(spec.interface))},
            "services": {key: self.table.get(key) for key in keys},
            "neighbors": {place: self.neighbors.entry(*place) for place in entries},
        }

    def whole(self, owner: Owner) -> bool:
        """Return whether all that an owner declares is there."""
        found = self.of(owner)
        return all(all(found[part].values()) for part in ("vips", "devices", "services", "neighbors"))


def parts(vips: Any, ports: Any, neighbors: Any) -> dict[str, Any]:
    """Return the parts of a declaration: VIPs by device, services, neighbours."""
    devices = {device: [vip for vip in vips if vips[vip] == device] for device in DEVICES}
    return {
        "vips": [
            {"interface": device, "addresses": addresses, **DEVICES[device]}
            for device, addresses in devices.items()
            if addresses
        ],
        "services": [{"address": vip, "port": port, "real_servers": [{"address": "192.0.2.4"}]} for vip, port in ports],
        "neighbors": [
            {"interface": "lan0", "neighbors": [{"address": vip, "mac": MAC} for vip in neighbors]}
        ] if neighbors else [],
    }  # fmt: skip


VIPS = st.integers(30, 34).map("192.0.2.{}".format)
PARTS = st.builds(
    parts,
    st.dictionaries(VIPS, st.sampled_from(sorted(DEVICES)), max_size=3),
    st.lists(st.tuples(VIPS, st.sampled_from([80, 443])), max_size=3, unique=True),
    st.lists(VIPS, max_size=2, unique=True),
)
EDITS = st.lists(
    st.tuples(st.sampled_from(OWNERS), st.sampled_from(["run", "purge", "teardown", "absent"]), PARTS), max_size=8
)


@given(EDITS)
def test_no_run_changes_what_the_other_declares(edits):
    host = Host()
    for owner, step, wanted in edits:
        other = next(one for one in OWNERS if one != owner)
        before = host.of(other)
        everything = (host.vips, host.table, host.neighbors, dict(host.files))
        refusal = host.attempt(owner, step, wanted)
        if refusal:
            # Nothing was changed before it, and it has both names.
            assert (host.vips, host.table, host.neighbors, host.files) == everything
            assert {owner.name, other.name} <= set(re.findall(r"cluster (\w+)", refusal))
        elif step in ("run", "purge"):
            assert host.whole(owner)
        after = host.of(other)
        # A device that the other has lost comes back for this one.
        after["devices"] = {name: link for name, link in after["devices"].items() if name in before["devices"]}
        assert after == before


@given(PARTS, PARTS)
def test_nothing_is_left_when_both_are_gone(one, other):
    host = Host()
    for owner, wanted in zip(OWNERS, (one, other)):
        host.attempt(owner, "run", wanted)
    for owner in OWNERS:
        host.teardown(owner)
    assert (host.vips, host.table, host.neighbors.entries, host.files) == (CurrentVips(LINKS, ()), {}, (), {})


def test_a_vip_that_moves_to_the_other_cluster_is_not_taken_away_as_former():
    """A real server keeps former VIPs until directors have forgotten them: by then another cluster may have one."""
    host = Host()
    host.run(OWNERS[0], **parts({"192.0.2.30": "lo", "192.0.2.31": "lo"}, [], []))
    before = host.files["director"]
    host.run(OWNERS[0], **parts({"192.0.2.31": "lo"}, [], []))
    host.run(OWNERS[1], **parts({"192.0.2.30": "lo"}, [], []))
    host.files["director"] = before  # what a run that died before its end leaves
    words = host.run(OWNERS[0], **parts({"192.0.2.31": "lo"}, [], []))
    assert host.whole(OWNERS[1])
    assert words == ["192.0.2.30 on lo stays, since cluster web (declaration director) declares it on this host."]


@pytest.mark.parametrize("same", [OWNERS[0], OWNERS[1]])
def test_what_another_declaration_of_the_same_owner_has_stays_too(same):
    host = Host()
    wanted = parts({"192.0.2.30": "lo"}, [], [])
    host.run(same, **wanted)
    host.files[same.label("extra")] = host.files[same.label("director")]
    host.teardown(same)
    assert [held.address for held in host.vips.held] == ["192.0.2.30"]
