# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the servers of IPVS services are probed: at their own ports, at those of their mark, or where prove_ports says."""

from __future__ import annotations

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._path.services import (
    proving_ends,
    service_ends,
    service_paths,
)

VIP, VIP6 = "192.0.2.30", "2001:db8::30"
RS1, RS2 = {"address": "192.0.2.4"}, {"address": "192.0.2.5"}
FTP = {"fwmark": 21, "address_family": "ipv4", "real_servers": [RS1]}
MARKS = [
    {"address": VIP, "ports": [21, "40000-40100"], "protocol": "tcp", "mark": 21},
    {"address": VIP, "ports": [5060, "10000-20000"], "protocol": "udp", "mark": 21},
    {"address": VIP6, "ports": [21], "protocol": "tcp", "mark": 21},
    {"address": "192.0.2.31", "ports": [], "protocol": "tcp", "mark": 22},
]
OF_FTP = {"service": {"fwmark": 21, "address_family": "ipv4"}, "address": VIP, "ports": [21]}


def plain(port, protocol=None):
    return {"address": VIP, "port": port, "protocol": protocol, "real_servers": [RS1]}


def proves(service, *ports, address=VIP):
    return {"service": service, "address": address, "ports": list(ports)}


@pytest.mark.parametrize(
    ("service", "prove_ports", "ends"),
    [
        (plain(80), [], [(VIP, 80, "tcp")]),
        (plain(80), [proves(plain(81), 82)], [(VIP, 80, "tcp")]),
        (plain(80), [proves(plain(80), 81, 82)], [(VIP, 81, "tcp"), (VIP, 82, "tcp")]),
        (plain(80), [proves({"address": VIP, "port": 80, "protocol": "udp"}, 81)], [(VIP, 80, "tcp")]),
        (plain(80), [proves(plain(80))], []),
        # Of UDP nothing is proved, and the path says so.
        (plain(53, "udp"), [], [(VIP, 53, "udp")]),
        (plain(53, "udp"), [proves(plain(53, "udp"), 53)], [(VIP, 53, "tcp"), (VIP, 53, "udp")]),
        (FTP, [], [(VIP, 21, "tcp"), (VIP, 40000, "tcp"), (VIP, 5060, "udp")]),
        (FTP, [OF_FTP], [(VIP, 21, "tcp"), (VIP, 5060, "udp")]),
        (FTP, [OF_FTP, proves(FTP, 21, address="192.0.2.32")], [(VIP, 21, "tcp"), ("192.0.2.32", 21, "tcp"), (VIP, 5060, "udp")]),
        ({**FTP, "address_family": "ipv6"}, [OF_FTP], [(VIP6, 21, "tcp")]),
        ({"fwmark": 22}, [], []),
        ({"fwmark": 22}, [proves({"fwmark": 22}, 80, address="192.0.2.31")], [("192.0.2.31", 80, "tcp")]),
    ],
)  # fmt: skip
def test_where_a_service_is_probed(service, prove_ports, ends):
    assert service_ends(service, MARKS, proving_ends(prove_ports)) == ends


def test_what_proves_several_services_is_probed_once_on_each_server():
    services = [plain(554), {**plain(6970), "real_servers": [RS1, RS2]}, {**plain(6971), "real_servers": [RS2]}]
    found = service_paths(services, [], [proves(service, 554) for service in services])
    assert found == [{"address": VIP, "port": 554, "protocol": "tcp", "real_servers": [RS1, RS2]}]


def test_servers_that_leave_are_not_probed():
    left = [{**RS1, "state": "absent"}]
    assert service_paths([{**FTP, "real_servers": left}, {**FTP, "state": "absent"}], MARKS, [OF_FTP]) == []
