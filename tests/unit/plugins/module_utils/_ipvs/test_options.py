# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of IPVS at the door: what is canonical; what is refused stands in test_ipvs_bad_input."""

from __future__ import annotations

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.describe import flag_words
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.model import ServiceKey
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.options import parse_service

WEB = {"address": "192.168.91.30", "port": 80}


@pytest.mark.parametrize(
    ("options", "key"),
    [
        (WEB, ServiceKey("ipv4", "tcp", "192.168.91.30", 80)),
        ({"address": " 2001:DB8:0::1 ", "port": 53, "protocol": "udp"}, ServiceKey("ipv6", "udp", "2001:db8::1", 53)),
        ({"fwmark": 7}, ServiceKey("ipv4", fwmark=7)),
        ({"fwmark": 7, "address_family": "ipv6"}, ServiceKey("ipv6", fwmark=7)),
    ],
)
def test_identity(options, key):
    assert parse_service(options).key == key


@pytest.mark.parametrize(
    ("options", "netmask"),
    [
        ({**WEB, "persistence_netmask": "24"}, "255.255.255.0"),
        ({**WEB, "persistence_netmask": "255.255.0.0"}, "255.255.0.0"),
        ({"address": "2001:db8::1", "port": 80, "persistence_netmask": "64"}, "64"),
    ],
)
def test_netmask(options, netmask):
    assert parse_service(options).given["persistence_netmask"] == netmask


def test_flag_names_per_scheduler():
    assert flag_words("sh") == ("sh-fallback", "sh-port", "flag-3")
    assert flag_words("mh") == ("mh-fallback", "mh-port", "flag-3")
    assert flag_words("rr") == ("flag-1", "flag-2", "flag-3")
