# SPDX-License-Identifier: GPL-3.0-or-later
"""IPVS on a real kernel: what we write ipvsadm reads the same, and what ipvsadm writes we read the same."""

from __future__ import annotations

import ipvsadm
import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs_options import service_options
from hypothesis import HealthCheck, given, settings
from ipvs_strategies import tables

WEB = {"address": "192.0.2.30", "port": 80, "scheduler": "rr"}
OPTION = {"tcp": "-t", "udp": "-u", "sctp": "--sctp-service"}
# Flags that the kernel keeps and ipvsadm does not print.
UNKNOWN_FLAGS = {"sh": ("flag-3",), "mh": ("flag-3",)}
# One example costs half a second where the kernel is emulated.
random_tables = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def key_of(service: dict) -> str:
    """Return the words with which ipvsadm names the service."""
    if "fwmark" in service:
        return f"-f {service['fwmark']}" + (" -6" if service["address_family"] == "ipv6" else "")
    address = f"[{service['address']}]" if ":" in service["address"] else service["address"]
    return f"{OPTION[service['protocol']]} {address}:{service['port']}"


def as_ipvsadm_reads(services: list[dict]) -> dict:
    """Return what ipvsadm's reading of these services has to be."""
    table = {}
    for service in services:
        persistent = service["persistence_timeout"]
        host = service["persistence_netmask"] in ("255.255.255.255", "128")
        table[key_of(service)] = {
            "scheduler": service["scheduler"],
            "flags": {
                flag for flag in service["scheduler_flags"] if flag not in UNKNOWN_FLAGS.get(service["scheduler"], ())
            },
            "persistence": persistent,
            # ipvsadm shows a mask only of a persistent service, and only when it is not that of one host.
            "netmask": service["persistence_netmask"] if persistent and not host else None,
            "engine": None,
            "one_packet": service["one_packet"],
            "servers": {
                (server["address"], server["port"]): {
                    "forwarding": server["forwarding"],
                    "weight": server["weight"],
                    "tunnel_type": server.get("tunnel_type", "ipip"),
                    "tunnel_port": server.get("tunnel_port", 0),
                    "tunnel_checksum": server.get("tunnel_checksum", "none"),
                }
                for server in service["real_servers"]
            },
        }
    return table


@given(tables())
@random_tables
def test_ipvsadm_reads_what_we_write(kernel, table):
    kernel.run("ipvsadm", "--clear")
    services = [service_options(key, *state) for key, state in table.items()]
    done = kernel.apply(*services)
    assert "error" not in done
    assert done["second_run"] == []
    assert done["read"] == done["after"] == {"services": services}
    assert ipvsadm.parse_save(kernel.run("ipvsadm", "-Sn")) == as_ipvsadm_reads(services)
    for service in services:
        shown = ipvsadm.parse_thresholds(kernel.run("ipvsadm", "-Ln", "--thresholds", *key_of(service).split()))
        assert shown == {
            (server["address"], server["port"]): (server["upper_threshold"], server["lower_threshold"])
            for server in service["real_servers"]
        }


@given(tables(), tables())
@random_tables
def test_any_table_becomes_any_other(kernel, before, after):
    kernel.run("ipvsadm", "--clear")
    assert "error" not in kernel.apply(*(service_options(key, *state) for key, state in before.items()))
    wanted = [{**service_options(key, *state), "purge": True} for key, state in after.items()]
    wanted += [{**service_options(key, *state), "state": "absent"} for key, state in before.items() if key not in after]
    done = kernel.apply(*wanted)
    assert "error" not in done
    assert done["second_run"] == []
    services = [service_options(key, *state) for key, state in after.items()]
    assert ipvsadm.parse_save(kernel.run("ipvsadm", "-Sn")) == as_ipvsadm_reads(services)


def test_we_read_what_ipvsadm_writes(kernel):
    kernel.run(
        "ipvsadm",
        "--restore",
        stdin="-A -t 192.0.2.30:80 -s sh -b sh-port\n"
        "-a -t 192.0.2.30:80 -r 192.0.2.4:80 -g -w 7 -x 10 -y 5\n"
        "-A -f 7 -6 -s wlc -p 300 -M 64\n",
    )
    web, mark = {"address": "192.0.2.30", "port": 80}, {"fwmark": 7, "address_family": "ipv6"}
    read = kernel.apply(web, mark)
    assert read["operations"] == []
    first, second = read["read"]["services"]
    assert (first["scheduler"], first["scheduler_flags"]) == ("sh", ["sh-port"])
    assert first["real_servers"] == [
        {
            "address": "192.0.2.4",
            "port": 80,
            "forwarding": "direct",
            "weight": 7,
            "upper_threshold": 10,
            "lower_threshold": 5,
        }
    ]
    assert (second["persistence_timeout"], second["persistence_netmask"]) == (300, "64")


def test_a_change_keeps_the_connections_counters(kernel):
    """SET keeps the service and its counters: a delete and add would begin them anew."""
    kernel.apply({**WEB, "real_servers": [{"address": "192.0.2.4"}]})
    done = kernel.apply({**WEB, "scheduler": "wrr", "real_servers": [{"address": "192.0.2.4", "weight": 9}]})
    assert done["operations"] == [
        "change service tcp 192.0.2.30:80: scheduler rr -> wrr",
        "change server 192.0.2.4:80 of tcp 192.0.2.30:80: weight 1 -> 9",
    ]


def test_a_table_larger_than_one_send(kernel):
    servers = [{"address": f"192.0.2.{host}"} for host in range(1, 250)]
    services = [{**WEB, "port": port, "real_servers": servers} for port in range(1, 9)]
    done = kernel.apply(*services)
    assert "error" not in done
    assert done["second_run"] == []
    saved = ipvsadm.parse_save(kernel.run("ipvsadm", "-Sn"))
    assert sum(len(service["servers"]) for service in saved.values()) == 8 * 249


@pytest.mark.parametrize(
    ("service", "message"),
    [
        (
            {**WEB, "scheduler": "round"},
            "scheduler: 'round' is not in this kernel (no module ip_vs_round); choose from dh, ",
        ),
        (
            {**WEB, "persistence_timeout": 60, "persistence_engine": "sop"},
            "The kernel refused to add service tcp 192.0.2.30:80 (scheduler rr): it has no scheduler rr or no persistence "
            "engine sop; install that module, or name another.",
        ),
        (
            {**WEB, "real_servers": [{"address": "192.0.2.255"}]},
            "The kernel refused to add server 192.0.2.255:80 to tcp 192.0.2.30:80 (direct, weight 1): 192.0.2.255 is not an "
            "address that this host can reach; check it and the routes.",
        ),
    ],
)
def test_refusals_of_the_kernel(kernel, service, message):
    assert kernel.apply(service)["error"].startswith(message)
