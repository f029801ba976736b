# SPDX-License-Identifier: GPL-3.0-or-later
"""A host in two clusters, on a real kernel: what a run of one of them leaves of the other's VIPs, rules and files."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import InvalidValue
from ansible_collections.lvs.cluster.plugins.module_utils._restore import rename, run
from ansible_collections.lvs.cluster.plugins.module_utils._restore.client import checksum_of
from argument_specs import validated
from netns_firewall import DEFAULT_DROP, VIP, listed, load
from netns_hosts import Namespace
from netns_vips import addresses_by_device
from restore_declarations import root

__all__ = ["root"]
OTHER_VIP, RIP = "192.0.2.31", "192.0.2.2"
PROGRAM = b"program"
TUNNEL = {"address": "192.0.2.4", "protocol": "ipip", "direction": "out"}


class Cluster:
    """One cluster's runs on the host, as the roles do them: a device that both make, a filter, openings, a declaration."""

    def __init__(self, host: Namespace, root: Path, owner: str, vip: str, mark: int) -> None:
        self.host, self.owner, self.vip, self.mark = host, owner, vip, mark
        self.former_owner = ""
        self.device = {"interface": "lo"}
        source = root / "transferred"
        source.write_bytes(PROGRAM)
        self._program = {"checksum": checksum_of(PROGRAM), "source": str(source)}

    def run(self, module: str, **options: Any) -> Any:
        """Run a module in this process, and return its plan."""
        loaded = importlib.import_module(f"ansible_collections.lvs.cluster.plugins.modules.{module}")
        owner = {"owner": self.owner, "former_owner": self.former_owner}
        with self.host.entered():
            run = loaded.make_run(validated(module, {**owner, **options}))
            if run.plan.changed:
                run.apply()
        return run.plan

    @property
    def devices(self) -> dict[str, Any]:
        return {**self.device, "addresses": [self.vip]}

    @property
    def filter(self) -> dict[str, Any]:
        return {"name": "x", "addresses": [self.vip], "source_address": RIP}

    @property
    def firewall(self) -> dict[str, Any]:
        # Both send to one server through a tunnel.
        marks = [{"address": self.vip, "ports": [80], "mark": self.mark}]
        return {"name": "x", "open": [{"address": self.vip, "port": 80}, TUNNEL], "marks": marks}

    def declare(self, state: str = "present", **parts: Any) -> Any:
        return self.run("boot_restore", name="x", former="remove", state=state, program=self._program, **parts)

    def configure(self) -> list[Any]:
        """Return the plans of one run of all steps."""
        parts = {"vips": [self.devices], "arp_filters": [self.filter], "firewall": [self.firewall]}
        return [
            self.run("vip_arp_filter", **self.filter),
            self.run("vip_firewall", **self.firewall),
            self.run("vip_iface", **self.devices),
            self.declare(**parts),
        ]

    def remove(self, *vips: str) -> list[Any]:
        """Remove the cluster, and VIPs that its inventory names besides."""
        return [
            self.declare("absent"),
            self.run("vip_iface", **{**self.devices, "addresses": [self.vip, *vips]}, state="absent"),
            self.run("vip_firewall", name="x", state="absent"),
            self.run("vip_arp_filter", name="x", state="absent"),
        ]


@pytest.fixture
def host(make_segment: Callable[[int], Any], nftables_binding: Path) -> Namespace:
    """Return a host that drops what nobody opened, in both directions."""
    found: Namespace = make_segment(2).host(2)
    load(
        found,
        DEFAULT_DROP + "table inet leaving { chain leaving { type filter hook output priority 0; policy drop;\n }\n}",
    )
    return found


@pytest.fixture
def clusters(host: Namespace, root: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Cluster, Cluster]:
    """Return two clusters; which Python a boot starts is no matter of this test, whose libraries a boot would not see."""
    for module in (rename, run):
        monkeypatch.setattr(module, "choose_interpreter", lambda _libraries: "/usr/bin/python3")
    return Cluster(host, root, "default", VIP, 7), Cluster(host, root, "web", OTHER_VIP, 8)


def everything(host: Namespace, root: Path) -> dict[str, Any]:
    """Return addresses, rules and files."""
    files = {
        str(path.relative_to(root)): path for path in root.rglob("*") if path.is_file() and path.name != "transferred"
    }
    addresses = {name: sorted(found) for name, found in addresses_by_device(host).items()}
    return {
        "addresses": addresses,
        "rules": rules(host),
        "files": {name: path.read_text() for name, path in files.items()},
    }


def rules(host: Namespace) -> list[str]:
    """Return tables, chains and rules in words that do not depend on handles."""
    items = (item for item in listed(host)["nftables"] if "metainfo" not in item)
    return sorted(json.dumps(without_handles(item), sort_keys=True) for item in items)


def without_handles(item: Any) -> Any:
    if isinstance(item, dict):
        return {name: without_handles(value) for name, value in item.items() if name != "handle"}
    return [without_handles(one) for one in item] if isinstance(item, list) else item


def device(host: Namespace, kind: str) -> dict[str, str]:
    """Return the options of a device for VIPs; skip the test where this kernel has none of that kind."""
    if not kind:
        return {"interface": "lo"}
    failure = host.attempt(f"ip link add probe0 type {kind} && ip link del probe0")
    if failure:
        pytest.skip(f"this kernel has no device of kind {kind}: {failure}")
    return {"interface": "vip7", "kind": kind}


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("kind", ["", "dummy"])
def test_each_cluster_comes_and_goes_without_the_other(
    host: Namespace, root: Path, clusters: tuple[Cluster, Cluster], first: int, kind: str
) -> None:
    one, other = clusters[first], clusters[1 - first]
    one.device = other.device = device(host, kind)
    name = one.device["interface"]
    before = everything(host, root)
    one.configure()
    alone = everything(host, root)
    other.configure()
    both = everything(host, root)
    assert [plan.words for plan in (*one.configure(), *other.configure())] == [[]] * 8
    # An inventory that names a VIP of the other by mistake, and says so.
    plans = other.remove(one.vip)
    assert (
        f"{one.vip} on {name} stays, since cluster {one.owner} (declaration x) declares it on this host."
        in plans[1].warnings
    )
    assert everything(host, root) == alone
    other.configure()
    assert everything(host, root) == both
    one.remove()
    vips = {f"{vip}/32" for vip in (VIP, OTHER_VIP)}
    assert addresses_by_device(host)[name].keys() & vips == {f"{other.vip}/32"}
    other.remove()
    assert everything(host, root) == before


def test_what_both_declare_is_refused_before_any_change(
    host: Namespace, root: Path, clusters: tuple[Cluster, Cluster]
) -> None:
    one, other = clusters
    one.configure()
    before = everything(host, root)
    other.vip = VIP
    steps: list[Callable[[], Any]] = [
        lambda: other.run("vip_arp_filter", **other.filter),
        lambda: other.run("vip_firewall", **other.firewall),
        lambda: other.run("vip_iface", **other.devices),
        lambda: other.declare(vips=[other.devices]),
    ]
    for step in steps:
        with pytest.raises(InvalidValue, match="cluster web, and on this host by cluster default"):
            step()
    assert everything(host, root) == before


def test_a_cluster_that_is_renamed_is_the_same_cluster(
    host: Namespace, root: Path, clusters: tuple[Cluster, Cluster]
) -> None:
    former, renamed = clusters
    former.configure()
    former_addresses = addresses_by_device(host)
    renamed.vip, renamed.mark, renamed.former_owner = former.vip, former.mark, "default"
    plan = renamed.run("boot_restore", name="x", state="renamed", program=renamed._program)
    assert plan.results["former_unit"] == "lvs-cluster-x.service"
    renamed.configure()
    assert [plan.words for plan in renamed.configure()] == [[]] * 4
    assert addresses_by_device(host) == former_addresses
    found = everything(host, root)
    renamed.former_owner = ""
    renamed.remove()
    former.remove()
    renamed.configure()
    # As if it had never had another name.
    assert everything(host, root) == found
