# SPDX-License-Identifier: GPL-3.0-or-later
"""The number that a director adds to its priorities: who may become master, and who stays it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import InvalidValue
from ansible_collections.lvs.cluster.plugins.module_utils._gate.client import settle_gate
from ansible_collections.lvs.cluster.plugins.module_utils._gate.model import Gate
from hypothesis import given
from hypothesis import strategies as st

ANCHOR = "169.254.51.51"
OPTIONS = {"path": "/run/lvs-cluster/gate", "anchors": [ANCHOR]}


@pytest.mark.parametrize(
    ("standby", "addresses", "number"),
    [
        (-2, ["192.0.2.2", ANCHOR], 0),
        (-2, ["192.0.2.2"], -2),
        (0, [ANCHOR], 0),
        (0, ["192.0.2.2"], 0),
    ],
)
def test_a_master_has_0_and_a_standby_less(standby: int, addresses: list[str], number: int) -> None:
    assert Gate.from_options({**OPTIONS, "standby": standby}).number(addresses) == number


def test_one_anchor_of_several_makes_a_master() -> None:
    gate = Gate.from_options({**OPTIONS, "anchors": [ANCHOR, "169.254.52.52"], "standby": -2})
    assert gate.number(["169.254.52.52"]) == 0


@given(st.integers(2, 100), st.data())
def test_a_director_that_comes_back_never_takes_the_vips_from_the_master(directors: int, data: Any) -> None:
    """Priorities count down from 254 by the order of directors, and the number of a standby is their number."""
    priorities = [254 - place for place in range(directors)]
    master = data.draw(st.integers(0, directors - 1))
    standbys = [priority - directors for place, priority in enumerate(priorities) if place != master]
    assert all(0 < standby < priorities[master] for standby in standbys)
    # Among themselves the order decides.
    assert standbys == sorted(standbys, reverse=True)


@pytest.mark.parametrize(
    ("change", "about"),
    [
        ({"path": "/etc/gate"}, ("gate.path", "/etc/gate")),
        ({"path": "/run/../etc/gate"}, ("gate.path", "/run/../etc/gate")),
        ({"path": None}, ("gate.path", None)),
        ({"anchors": []}, ("gate.anchors", [])),
        ({"standby": 1}, ("gate.standby", 1)),
        ({"standby": -254}, ("gate.standby", -254)),
    ],
)
def test_refused(change: dict[str, Any], about: Any, error_words: Any) -> None:
    with pytest.raises(InvalidValue) as caught:
        Gate.from_options({**OPTIONS, **change})
    assert error_words(caught.value) == about


def test_the_file_is_written_when_the_number_changes(tmp_path: Path) -> None:
    gate = Gate(str(tmp_path / "run" / "gate"), (ANCHOR,), -2)
    assert settle_gate(gate, []) == f"write -2 to {gate.path}: this director is on standby"
    before = Path(gate.path).stat()
    assert settle_gate(gate, []) == ""
    assert Path(gate.path).stat() == before
    assert settle_gate(gate, [ANCHOR]).endswith("is master")
    assert Path(gate.path).read_text() == "0\n"
    # With this number keepalived begins again, whatever the director was before.
    assert Path(f"{gate.path}.standby").read_text() == "-2\n"
