# SPDX-License-Identifier: GPL-3.0-or-later
"""A third reading: pyroute2's own IPVS, where it is right (it knows neither IPv6 prefixes nor the order of tunnel ports)."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pyroute2
import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._core.address import is_ipv6
from ipvs_strategies import relocated, some, tables
from kernels import HERE, run
from test_tables import options_of

TABLES = 25
PACKAGE, SCRIPT = "/run/lvs-cluster-pyroute2.zip", "/run/lvs-cluster-pyroute2.py"
FAMILY = {"ipv4": 2, "ipv6": 10}
PROTOCOL = {"tcp": 6, "udp": 17, "sctp": 132}
FORWARDING = {"masquerade": 0, "tunnel": 2, "direct": 3}
TUNNEL = {"ipip": 0, "gue": 1, "gre": 2}
CHECKSUM = {"none": 0, "plain": 1, "remote": 2}


def packed() -> bytes:
    """Return the pyroute2 of this environment as one zip; the hosts' own has no IPVS."""
    home, content = Path(pyroute2.__file__).parent, io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(home.rglob("*.py")):
            archive.write(path, path.relative_to(home.parent))
    return content.getvalue()


def expected(service: dict) -> dict:
    """Return what pyroute2 has to find of a service."""
    values = {"SCHED_NAME": service["scheduler"]}
    if service["persistence_timeout"]:
        values["TIMEOUT"] = service["persistence_timeout"]
    if service["persistence_engine"]:
        values["PE_NAME"] = service["persistence_engine"]
    if "fwmark" in service:
        return {**values, "AF": FAMILY[service["address_family"]], "FWMARK": service["fwmark"]}
    family = "ipv6" if is_ipv6(service["address"]) else "ipv4"
    if family == "ipv4":
        values["NETMASK"] = service["persistence_netmask"]
    protocol = PROTOCOL[service["protocol"]]
    return {**values, "AF": FAMILY[family], "PROTOCOL": protocol, "ADDR": service["address"], "PORT": service["port"]}


def expected_server(server: dict) -> dict:
    """Return what pyroute2 has to find of a server."""
    return {
        "ADDR": server["address"],
        "PORT": server["port"],
        "FWD_METHOD": FORWARDING[server["forwarding"]],
        "WEIGHT": server["weight"],
        "U_THRESH": server["upper_threshold"],
        "L_THRESH": server["lower_threshold"],
        "TUN_TYPE": TUNNEL[server.get("tunnel_type", "ipip")],
        "TUN_FLAGS": CHECKSUM[server.get("tunnel_checksum", "none")],
    }


def within(wanted: dict, found: dict, prefix: str) -> bool:
    """Whether all that is wanted was found."""
    return all(found.get(prefix + name) == value for name, value in wanted.items())


@pytest.mark.thorough
def test_pyroute2_reads_what_we_write(kernel, count):
    wanted = [
        service for block, table in enumerate(some(tables(), TABLES)) for service in options_of(relocated(table, block))
    ]
    script = (HERE / "pyroute2_reading.py").read_bytes()
    kernel.batch(
        {"kind": "receive", "path": PACKAGE, "hex": packed().hex()},
        {"kind": "receive", "path": SCRIPT, "hex": script.hex()},
        run("ipvs_table", services=wanted, purge=True),
    )
    found = json.loads(kernel.command("python3", SCRIPT, PACKAGE))
    assert len(found) == len(wanted)
    for service in wanted:
        same = [servers for attributes, servers in found if within(expected(service), attributes, "IPVS_SVC_ATTR_")]
        assert len(same) == 1, service
        if same[0] is not None:
            assert len(same[0]) == len(service["real_servers"])
            for server in service["real_servers"]:
                alike = [one for one in same[0] if within(expected_server(server), one, "IPVS_DEST_ATTR_")]
                assert len(alike) == 1, (server, same[0])
    count("tables written by us, read by pyroute2", TABLES)
