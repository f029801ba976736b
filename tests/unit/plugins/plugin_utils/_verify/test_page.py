# SPDX-License-Identifier: GPL-3.0-or-later
"""verify's page and its drawing: well formed, and nothing in them but words, whatever is shown."""

from __future__ import annotations

import copy
import re
import xml.etree.ElementTree as ET

from ansible_collections.lvs.cluster.plugins.plugin_utils._roles.argument_specs import role_defaults
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.finding import Finding
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.reader import read_topology
from ansible_collections.lvs.cluster.plugins.plugin_utils._verify.desired import declare
from ansible_collections.lvs.cluster.plugins.plugin_utils._verify.drawing import Card, draw
from ansible_collections.lvs.cluster.plugins.plugin_utils._verify.model import Check, Seen
from ansible_collections.lvs.cluster.plugins.plugin_utils._verify.page import render
from hypothesis import given
from hypothesis import strategies as st
from verified_hosts import ADDRESSES, GROUPS, SERVICES, good_cluster, judge

DEFAULTS = role_defaults("director", "realserver", "gateway")


def test_everything_is_escaped() -> None:
    hosts = good_cluster()
    evil = "<b>\"&'</b>"
    visited = copy.deepcopy(hosts["client"]["__verify_visits"]["services"][0])
    hosts["client"]["__verify_visits"]["services"] = [{**visited, "service": f"{evil}:80", "servers": {evil: 12}}]
    assert evil not in judge(hosts)["html"]


def test_every_text_of_the_page_is_escaped() -> None:
    evil = "<b>\"&'</b>"
    read = read_topology(SERVICES, GROUPS, {one: {"ansible_host": address} for one, address in ADDRESSES.items()})
    service = read.services[0]._replace(
        name=evil, vips=(evil,), protocols=(evil,), forwarding=evil, options={"scheduler": evil}, directors=(evil,)
    )
    topology = read._replace(services=(service,), dips={evil: (evil,)}, rips={evil: (evil,)})
    visits = {evil: [{"service": evil, "failed": 0, "servers": {evil: 1}, "visits": [{}]}]}
    seen = Seen(topology, declare(read, GROUPS, {}, DEFAULTS), visits=visits)
    finding = Finding(evil, evil, evil, evil, evil)
    checks = [Check(evil, evil, evil, state, finding) for state in (True, False, None)]
    page = render(seen, checks, evil)
    assert evil not in page
    # Name, target and settings of the service, what to do, the topic, and host, text and remedy of each check
    assert page.partition("</svg>")[2].count("&lt;b&gt;") >= 3 + 1 + 1 + 3 * len(checks)


texts = st.text(max_size=30)
names = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn", "Co")), max_size=20)
drawn = st.builds(
    Card,
    names,
    st.sampled_from(["client", "director", "standby", "server"]),
    st.lists(names, max_size=4).map(tuple),
    st.booleans(),
    names,
    st.none() | st.tuples(st.floats(0, 1), names),
    st.sampled_from([None, True, False]),
    st.booleans(),
    st.booleans(),
)


@given(hosts=st.lists(drawn, max_size=8))
def test_any_topology_can_be_drawn(hosts: list[Card]) -> None:
    root = ET.fromstring(draw(hosts))
    cards = [one for one in root if "card" in one.get("class", "")]
    assert len(cards) == len(hosts)
    bottom = 0.0
    for card in cards:
        assert float(card.get("y", "")) > bottom
        bottom = float(card.get("y", "")) + float(card.get("height", ""))
    assert bottom <= float(root.get("viewBox", "").split()[3])


@given(host=texts, text=texts)
def test_any_words_can_be_shown(host: str, text: str) -> None:
    read = read_topology(SERVICES, GROUPS, {one: {"ansible_host": address} for one, address in ADDRESSES.items()})
    seen = Seen(read, declare(read, GROUPS, {}, DEFAULTS))
    page = render(seen, [Check("Who serves", host, text, False)], text)
    body = page.partition("<main>")[2]
    assert "<" not in re.sub(
        r"</?(main|section|h2|svg|defs|marker|path|rect|text|ul|ol|li|p|b|span|br|div|body|html)\b[^<>]*>", "", body
    )
