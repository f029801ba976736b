# SPDX-License-Identifier: GPL-3.0-or-later
"""The restoring program: what it does when one part fails."""

from __future__ import annotations

import json

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import LvsError
from ansible_collections.lvs.cluster.plugins.module_utils._gate.model import Gate
from ansible_collections.lvs.cluster.plugins.module_utils._parts import handlers as restore_handlers
from ansible_collections.lvs.cluster.plugins.module_utils._restore import main as restore


def test_no_vip_without_its_arp_filter(monkeypatch, tmp_path, capsys):
    done = []

    def refuse(_items, _state):
        raise LvsError("nftables", None, "refused", "see why")

    monkeypatch.setitem(restore_handlers.HANDLERS, "arp_filters", refuse)
    parts = ("services", "vips", "neighbors")
    for part in parts:
        monkeypatch.setitem(restore_handlers.HANDLERS, part, lambda _items, _state, part=part: done.append(part) or [])
    (tmp_path / "state.json").write_text(json.dumps({part: [{}] for part in ("arp_filters", *parts)}))
    assert restore.main([str(tmp_path / "state.json")]) == 1
    assert done == ["services", "neighbors"]
    assert capsys.readouterr().err.splitlines() == [
        "nftables refused; see why.",
        "VIPs are left out, since they can't be kept out of ARP.",
    ]


def test_early_there_is_nothing_that_needs_the_network(monkeypatch, tmp_path):
    """The filter comes first, and it ends: another unit stays."""
    done = []
    for part in restore_handlers.HANDLERS:
        monkeypatch.setitem(
            restore_handlers.HANDLERS, part, lambda items, _state, part=part: done.append((part, items)) or []
        )
    quiet = [{"interface": "lo", "addresses": ["192.0.2.30"]}, {"interface": "tunl0", "kind": "ipip", "addresses": []}]
    network = [{"interface": "lan0", "addresses": ["192.0.2.31"]}]
    rest = {"arp_filters": [{"name": "x"}], "firewall": [{"name": "x"}], "neighbors": [{"interface": "lan0"}]}
    state = tmp_path / "state.json"
    state.write_text(json.dumps({"vips": [*network, *quiet], **rest}))
    assert restore.main(["--early", str(state)]) == 0
    assert done == [("arp_filters", rest["arp_filters"]), ("vips", quiet)]
    done.clear()
    state.write_text(json.dumps({"vips": network, **rest}))
    assert restore.main(["--early", str(state)]) == 0
    assert done == [("arp_filters", ()), ("vips", ())]
    assert restore.main(["--early", str(tmp_path / "gone.json")]) == 0


@pytest.mark.parametrize(("failing", "numbers"), [(False, ["-2\n"]), (True, [])])
def test_a_director_takes_vips_by_failover_once_everything_is_restored(monkeypatch, tmp_path, failing, numbers):
    """Without a table it would be a master that serves nobody."""

    def services(_items, _state):
        if failing:
            raise LvsError("IPVS", None, "is not there", "load it")
        return []

    gate = Gate(str(tmp_path / "gate"), ("169.254.51.51",), -2)
    monkeypatch.setitem(restore_handlers.HANDLERS, "services", services)
    monkeypatch.setattr(Gate, "from_options", classmethod(lambda _cls, _options: gate))
    state = tmp_path / "state.json"
    state.write_text(json.dumps({"services": [{}], "gate": {"path": "/run/lvs-cluster/gate"}}))
    assert restore.main([str(state)]) == int(failing)
    assert [path.read_text() for path in tmp_path.glob("gate")] == numbers
