# SPDX-License-Identifier: GPL-3.0-or-later
"""The IPVS modules on real kernels: what they tell, keep, refuse and survive."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import ipvsadm
import pytest
import yaml
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.settings import KERNEL_SYSCTLS
from argument_specs import BadOptions
from error_words import PATH, ErrorWords
from ipvs_bad_input import CASES, SAID_BY, TABLE
from kernels import PLUGINS, command, run

WEB = {"address": "192.0.2.30", "port": 80, "scheduler": "rr"}
MARK = {"fwmark": 7, "address_family": "ipv6"}


def counters(kernel, connections: int) -> list[dict]:
    """Return the counters once they tell of so many connections: the kernel adds them up every two seconds."""
    for _ in range(20):
        found = kernel.module("ipvs_info")["counters"]
        if [server["totals"]["connections"] for server in found[0]["real_servers"]] == [connections]:
            return found
        time.sleep(0.5)
    raise AssertionError(found)


def test_a_change_keeps_the_counters(kernel):
    """SET keeps a service, its servers and their connections: a delete and add would begin them anew."""
    kernel.module("ipvs_service", **WEB, real_servers=[{"address": "192.0.2.254", "forwarding": "masquerade"}])
    kernel.ask({"kind": "visited", "address": "192.0.2.30", "visits": 3, "listen": "192.0.2.254"})
    done = kernel.module(
        "ipvs_service", **{**WEB, "scheduler": "wrr"}, real_servers=[{"address": "192.0.2.254", "weight": 9}]
    )
    assert done["operations"] == [
        "change service tcp 192.0.2.30:80: scheduler rr -> wrr",
        "change server 192.0.2.254:80 of tcp 192.0.2.30:80: weight 1 -> 9",
    ]
    counted = counters(kernel, 3)
    assert [service["totals"]["connections"] for service in counted] == [3]
    assert [server["totals"]["connections"] for server in counted[0]["real_servers"]] == [3]


def test_a_table_larger_than_one_send(kernel):
    servers = [{"address": f"192.0.2.{host}"} for host in range(1, 250)]
    services = [{**WEB, "port": port, "real_servers": servers} for port in range(1, 9)]
    done, again, saved = kernel.batch(
        run("ipvs_table", services=services), run("ipvs_table", services=services), command("ipvsadm", "-Sn")
    )
    assert (len(done["operations"]), again["operations"]) == (8 * 250, [])
    assert sum(len(service["servers"]) for service in ipvsadm.parse_save(saved).values()) == 8 * 249


def test_info_tells_what_ipvsadm_tells(kernel):
    """Timeouts, sync daemon, version and counters, against ipvsadm's own words."""
    kernel.module("ipvs_service", **WEB, real_servers=[{"address": "192.0.2.254", "forwarding": "masquerade"}])
    kernel.ask({"kind": "visited", "address": "192.0.2.30", "visits": 5, "listen": "192.0.2.254"})
    counters(kernel, 5)
    kernel.command("ipvsadm", "--set", "1234", "56", "78")
    daemon = (
        "--mcast-interface lan0 --syncid 7 --sync-maxlen 1400 --mcast-group 224.0.0.99 --mcast-port 9000 --mcast-ttl 3"
    )
    kernel.command("ipvsadm", "--start-daemon", "master", *daemon.split())
    info, listed, timeouts, stats = kernel.batch(
        run("ipvs_info"),
        command("ipvsadm", "-ln"),
        command("ipvsadm", "-l", "--timeout"),
        command("ipvsadm", "-ln", "--stats", "--exact"),
    )
    kernel.command("ipvsadm", "--stop-daemon", "master")
    kernel.command("ipvsadm", "--set", "900", "120", "300")
    assert f"IP Virtual Server version {info['version']} (size={info['table_size']})" in listed
    assert timeouts.split()[-3:] == [str(info["timeouts"][name]) for name in ("tcp", "tcp_fin", "udp")]
    assert info["timeouts"] == {"tcp": 1234, "tcp_fin": 56, "udp": 78}
    assert info["sync_daemons"] == [
        {
            "state": "master",
            "interface": "lan0",
            "sync_id": 7,
            "max_length": 1400,
            "group": "224.0.0.99",
            "port": 9000,
            "ttl": 3,
        }
    ]
    (service,) = info["counters"]
    names = ("connections", "packets_in", "packets_out", "bytes_in", "bytes_out")
    (line,) = (line.split() for line in stats.splitlines() if line.startswith("TCP"))
    assert line[2:] == [str(service["totals"][name]) for name in names]
    assert service["totals"]["connections"] == 5
    assert service["real_servers"][0]["connections"].keys() == {"active", "inactive", "persistent"}
    assert kernel.module("ipvs_info")["sync_daemons"] == []


def test_info_about_some_services(kernel):
    kernel.module("ipvs_table", services=[WEB, MARK])
    asked = kernel.module("ipvs_info", services=[MARK, {"address": "192.0.2.31", "port": 80}])
    assert [service.get("fwmark") for service in asked["services"]] == [7]
    assert [service["service"] for service in asked["counters"]] == ["fwmark 7 (ipv6)"]


def test_timeouts(kernel):
    """Those that are named are set, the others stay; check mode writes nothing."""
    kernel.command("ipvsadm", "--set", "900", "120", "300")
    asked = {"services": [], "timeouts": {"tcp": 3600, "udp": 60}}
    rehearsed, listed = kernel.batch(
        {**run("ipvs_table", **asked), "check": True}, command("ipvsadm", "-l", "--timeout")
    )
    assert (rehearsed["writes"], listed.split()[-3:]) == (0, ["900", "120", "300"])
    done, listed, again = kernel.batch(
        run("ipvs_table", **asked), command("ipvsadm", "-l", "--timeout"), run("ipvs_table", **asked)
    )
    kernel.command("ipvsadm", "--set", "900", "120", "300")
    assert done["operations"] == rehearsed["operations"] == ["change timeouts: tcp 900 -> 3600, udp 300 -> 60"]
    assert listed.split()[-3:] == ["3600", "120", "60"]
    assert (again["operations"], again["writes"]) == ([], 0)


def test_sysctls(kernel):
    """Those that are named are set, the others stay; check mode writes nothing."""
    read = command("sysctl", "-n", *(f"net.ipv4.vs.{name}" for name in KERNEL_SYSCTLS))
    asked = {"services": [], "sysctls": {"conn_reuse_mode": 2, "expire_quiescent_template": 1}}
    first, rehearsed, untouched, done, after, again, info = kernel.batch(
        read,
        {**run("ipvs_table", **asked), "check": True},
        read,
        run("ipvs_table", **asked),
        read,
        run("ipvs_table", **asked),
        run("ipvs_info"),
    )
    kernel.module("ipvs_table", services=[], sysctls=KERNEL_SYSCTLS)
    assert first.split() == untouched.split() == [str(value) for value in KERNEL_SYSCTLS.values()]
    assert (
        done["operations"]
        == rehearsed["operations"]
        == ["change sysctls: conn_reuse_mode 1 -> 2, expire_quiescent_template 0 -> 1"]
    )
    assert after.split() == ["2", "0", "1"]
    assert again["operations"] == []
    assert info["sysctls"] == {"conn_reuse_mode": 2, "expire_nodest_conn": 0, "expire_quiescent_template": 1}


def test_sysctls_come_back_at_boot(kernel):
    """Also where no service is declared."""
    booted = kernel.ask({"kind": "booted", "state": {"services": [], "sysctls": {"conn_reuse_mode": 2}}})
    value = kernel.command("sysctl", "-n", "net.ipv4.vs.conn_reuse_mode")
    kernel.module("ipvs_table", services=[], sysctls=KERNEL_SYSCTLS)
    assert (booted, value.strip()) == (0, "2")


def test_bad_input_changes_nothing(kernel):
    """Every case is refused on the real kernel as it is without one, and the table stays as it was."""
    kernel.module("ipvs_table", services=TABLE)
    before = kernel.command("ipvsadm", "-Sn")
    requests = []
    for case in CASES:
        with contextlib.suppress(BadOptions):  # which case that is, and its words, is tested without a kernel
            requests.append((case, run(case.module, **case.options)))
    assert len(requests) >= 40
    answers = kernel.batch(*(request for _, request in requests))
    words = ErrorWords(PATH).stored
    for (case, _), answer in zip(requests, answers):
        assert ([answer.get("msg")], answer["writes"]) == (words[f"{SAID_BY}[{case.name}]"], 0), case.name
    assert kernel.command("ipvsadm", "-Sn") == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {**WEB, "scheduler": "round"},
            "scheduler: 'round' is not in this kernel (no module ip_vs_round); choose from dh, ",
        ),
        (
            {**WEB, "port": 5060, "protocol": "udp", "persistence_timeout": 60, "persistence_engine": "sop"},
            "The kernel refused to add service udp 192.0.2.30:5060 (scheduler rr): it has no scheduler rr or no persistence "
            "engine sop; install that module, or name another.",
        ),
        (
            {**WEB, "real_servers": [{"address": "192.0.2.255"}]},
            "The kernel refused to add server 192.0.2.255:80 to tcp 192.0.2.30:80 (direct, weight 1): 192.0.2.255 is not a "
            "unicast address that this host has a route to; check the address and the routes.",
        ),
    ],
)
def test_refusals_of_the_kernel(kernel, options, message):
    assert kernel.module("ipvs_service", **options)["msg"].startswith(message)


def test_without_the_right_to(kernel):
    kernel.module("ipvs_service", **WEB)
    before = kernel.command("ipvsadm", "-Sn")
    for request in (run("ipvs_service", **WEB, state="absent"), run("ipvs_info")):
        answer = kernel.ask({**request, "kind": "unprivileged"})
        assert answer["msg"].startswith("The task is not allowed to read the ")
        assert answer["msg"].endswith(": this needs CAP_NET_ADMIN; run the task as root (become: true).")
    assert kernel.command("ipvsadm", "-Sn") == before


def test_without_ipvs_in_the_kernel(kernel):
    answer = kernel.ask({**run("ipvs_service", **WEB), "kind": "without_ipvs"})
    assert answer["msg"] == (
        "The kernel has no IPVS and cannot load the module ip_vs; if `modprobe ip_vs` finds no module, install the "
        "distribution's full kernel; if module loading is disabled, load ip_vs at boot."
    )
    assert "msg" not in kernel.module("ipvs_service", **WEB)


def test_ipvs_is_loaded_where_it_is_not_yet(kernel):
    answer = kernel.ask({**run("ipvs_service", **WEB), "kind": "unloaded"})
    assert answer["changed"], answer
    assert f"-A -t {WEB['address']}:{WEB['port']}" in kernel.command("ipvsadm", "-Sn")


def examples() -> list[tuple[str, dict]]:
    """Return module and options of every example in the documentation of the IPVS modules."""
    found = []
    for path in sorted(Path(PLUGINS / "modules").glob("ipvs_*.py")):
        text = path.read_text().split('EXAMPLES = r"""')[1].split('"""')[0]
        found += [(path.stem, task[f"lvs.cluster.{path.stem}"] or {}) for task in yaml.safe_load(text)]
    return found


def test_examples_of_the_documentation(kernel, record_property):
    """Each does what it says, and nothing when it is run again."""
    kernel.module("ipvs_service", **WEB, real_servers=[{"address": f"192.0.2.{last}"} for last in (4, 5)])
    saved = kernel.module("ipvs_info")
    for words in ("add eth0 type dummy", "set eth0 up"):
        kernel.command("ip", "link", *words.split())
    for name, options in examples():
        options = {
            option: saved[value.strip("{} ").split(".")[1]] if isinstance(value, str) and "saved." in value else value
            for option, value in options.items()
        }
        done, again = kernel.batch(run(name, **options), run(name, **options))
        assert "msg" not in done, (name, options)
        assert again["operations"] == [], (name, options)
    kernel.command("ip", "link", "del", "eth0")
    record_property(f"examples run on {kernel.name}", len(examples()))
