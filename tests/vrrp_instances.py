# SPDX-License-Identifier: GPL-3.0-or-later
"""VRRP instances as options, for tests: one director's of two, and random ones."""

from __future__ import annotations

from typing import Any

from ansible_collections.lvs.cluster.plugins.module_utils._core.options import LONGEST_NAME
from hypothesis import strategies as st

VIP, VIP6, SOURCE, PEER = "192.0.2.30", "2001:db8::30", "192.0.2.1", "192.0.2.2"
GATE = {"path": "/run/lvs-cluster-vrrp/gate"}


def instance(**changes: Any) -> dict[str, Any]:
    """Return the options of the instance `web` on a host of a segment of the tests."""
    return {
        "name": "web",
        "vrid": 51,
        "interface": "eth0",
        "priority": 254,
        "source_address": SOURCE,
        "peers": [PEER],
        "vips": [{"address": VIP}, {"address": VIP6}],
        **changes,
    }


_WORD = "abcXYZ019_"
_NAMES = st.builds(str.__add__, st.sampled_from("abcXYZ019"), st.text(_WORD + ".-", max_size=31))
_DEVICES = st.builds(str.__add__, st.sampled_from(_WORD), st.text(_WORD + ".@-", max_size=LONGEST_NAME - 1))
_VIPS = st.one_of(
    st.integers(1, 65000).map(lambda number: f"198.51.{number >> 8}.{number & 255}"),
    st.integers(1, 65000).map(lambda number: f"2001:db8::1:{number:x}"),
)
_PEERS = st.integers(2, 200).map(lambda number: f"192.0.2.{number}")


@st.composite
def instance_lists(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Return the options of valid instances."""
    names = draw(st.lists(_NAMES, min_size=1, max_size=4, unique=True))
    vrids = draw(st.lists(st.integers(1, 255), min_size=len(names), max_size=len(names), unique=True))
    addresses = draw(st.lists(_VIPS, min_size=len(names), max_size=12, unique=True))
    made = []
    for number, (name, vrid) in enumerate(zip(names, vrids)):
        vmac, interface = draw(st.booleans()), draw(_DEVICES)
        places = st.none() if vmac else st.none() | _DEVICES
        made.append(
            instance(
                name=name,
                vrid=vrid,
                interface=interface,
                vmac=vmac,
                priority=draw(st.integers(1, 254)),
                peers=draw(st.lists(_PEERS, max_size=3, unique=True)),
                vips=[{"address": vip, "interface": draw(places)} for vip in addresses[number :: len(names)]],
                advert_interval=draw(st.integers(1, 4095)) / 100,
                garp_refresh=draw(st.integers(0, 3600)),
            )
        )
    return made
