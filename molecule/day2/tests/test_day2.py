# SPDX-License-Identifier: GPL-3.0-or-later
"""What an operator does in the days after, while clients ask without a pause: no request fails, no connection is cut.
Only at the moment of a change of schedulers the kernel itself refuses new ones.
And what goes wrong is told, by its cause, in one sentence each.

The tests go on where the one before them ended. A run of a playbook is what costs, so what can be seen in one run is.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import takewhile
from pathlib import Path

import pytest
from commands import Outcome, execute
from lab_access import ssh_command
from lab_processes import processes
from lab_shell import LabShell

on = LabShell("lab").on
HERE = Path(__file__).parents[1]
VIP = "192.168.91.30"
SERVERS = {"rs1": "192.168.91.4", "rs2": "192.168.91.5"}
# The longest that a load goes on, so that none is left behind when a test breaks off.
LONGEST = 900
WEB = {"name": "web", "address": VIP, "ports": [80], "protocol": "tcp", "forwarding": "direct"}
CHANGED = [
    {**WEB, "scheduler": "wlc", "real_servers": ["rs1", {"host": "rs2", "weight": 3}]},
    {"name": "beside", "address": VIP, "ports": [8080], "scheduler": "rr"},
]
SCHEDULER_CHANGES = 2  # there and back


def playbook(name: str, *arguments: str) -> Outcome:
    """Run a playbook of the collection on the lab."""
    return execute("ansible-playbook", f"lvs.cluster.{name}", "-i", "lab", *arguments)


def well(name: str, *arguments: str) -> str:
    """Run a playbook that must end well, and return what it printed, without its line breaks."""
    run = playbook(name, *arguments)
    assert run.status == 0, run.output
    return " ".join(run.output.split())


def table() -> list[str]:
    """Return the director's table, as ipvsadm reads it."""
    return on("director", "ipvsadm -Sn").splitlines()


def weights() -> dict[str, int]:
    """Return server -> weight of the service of port 80."""
    rows = [line.split() for line in table() if line.startswith(f"-a -t {VIP}:80 ")]
    return {name: int(row[-1]) for row in rows for name, address in SERVERS.items() if row[4] == f"{address}:80"}


def to_mend(*arguments: str) -> list[str]:
    """Return the sentences with which verify fails, one for each thing to mend; none when all is good."""
    run = playbook("verify", *arguments)
    _, told, rest = run.output.partition(" failed:\n")
    assert (run.status != 0) == bool(told), run.output
    return list(takewhile(lambda line: line.startswith("  "), rest.splitlines()))


@contextmanager
def mistake(host: str, made: str, undone: str) -> Iterator[None]:
    """Make a mistake on a host, and undo it afterwards."""
    on(host, made)
    try:
        yield
    finally:
        on(host, undone)


@contextmanager
def frozen(host: str) -> Iterator[None]:
    """Stop a machine: its connections stay open, and nobody answers."""
    (pid,) = [pid for pid, line in processes().items() if "qemu-system" in line.split()[0] and f"/{host}/" in line]
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def status(path: Path) -> dict[str, dict]:
    """Return server -> what the playbook status says of it at port 80, by its file."""
    well("status", "-e", f"status_file={path}")
    (director,) = json.loads(path.read_text())["directors"]
    (web,) = [service for service in director["services"] if service["service"] == f"tcp {VIP}:80"]
    return {server["name"]: server for server in web["servers"]}


@pytest.fixture(scope="module", autouse=True)
def load_script():
    """Put the load on the client."""
    on("client", "cat > /run/load.py", (HERE / "load.py").read_text())


@contextmanager
def load(mode: str) -> Iterator[dict]:
    """Keep the load up; afterwards the dictionary holds what came of it."""
    command = [*ssh_command("client"), f"python3 /run/load.py {VIP} {LONGEST} {mode}"]
    told: dict = {}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield told
        finally:
            told.update(json.loads(process.communicate(timeout=120)[0]))


def failures(told: dict) -> list:
    return [(kind, failure) for kind, one in told.items() for failure in one["failures"]]


def started(host: str) -> str:
    """Return what tells one start of the web server from another."""
    return on(host, "systemctl show nginx.service --property=MainPID,ActiveEnterTimestampMonotonic")


def test_servers_are_restarted_in_turn_and_no_request_fails():
    before = {host: started(host) for host in SERVERS}
    with load("short") as told:
        shown = well("rolling", "-e", f"rolling_tasks={HERE}/tasks/restart.yml")
    assert failures(told) == [], f"{failures(told)}\n{shown}"
    for kind in ("fresh", "kept"):
        assert told[kind]["requests"] > 20
        assert told[kind]["servers"].keys() == SERVERS.keys()
    for host in SERVERS:
        assert started(host) != before[host]
        assert f"{host}: drained, and restored after the tasks" in shown
    assert weights() == {"rs1": 1, "rs2": 1}


def test_the_first_that_fails_ends_it_and_stays_drained():
    before = started("rs2")
    run = playbook("rolling", "-e", "rolling_tasks=molecule/day2/tasks/fails.yml")
    assert run.status != 0
    shown = " ".join(run.output.split())
    assert "rs1 stays drained, since this failed: Install the wrong release" in shown
    assert "lvs.cluster.restore -e servers=rs1" in shown
    assert "rs2: drained" not in shown
    assert (weights(), started("rs2")) == ({"rs1": 0, "rs2": 1}, before)


def test_the_last_that_serves_is_not_drained():
    run = playbook("drain", "-e", "servers=rs2")
    assert run.status != 0
    assert f"would leave nobody to serve tcp {VIP}:80" in " ".join(run.output.split())
    assert weights() == {"rs1": 0, "rs2": 1}


def test_the_cluster_is_changed_and_no_connection_is_cut(tmp_path):
    """Scheduler, weights, and a service beside it; a drain by hand stays, until it is restored; then all as it was.

    Of the servers of the new service one listens. The other one gets no clients, and the run fails for it.
    """
    changed = tmp_path / "changed.json"
    changed.write_text(json.dumps({"lvs_services": CHANGED}))
    with load("long") as told:
        run = playbook("site", "--limit", "directors", "-e", f"@{changed}")
        assert run.status != 0
        shown = " ".join(run.output.split())
        assert "stays so, whatever weight is declared; lvs.cluster.restore gives it its weight back" in shown
        assert f"So {SERVERS['rs2']}:8080 gets no clients of tcp {VIP}:8080 yet." in shown
        assert f"rs2: path of: 'tcp {VIP}:8080' is refused by this server: nothing listens there on port 8080" in shown
        assert table() == [
            f"-A -t {VIP}:80 -s wlc",
            f"-a -t {VIP}:80 -r {SERVERS['rs1']}:80 -g -w 0",
            f"-a -t {VIP}:80 -r {SERVERS['rs2']}:80 -g -w 3",
            f"-A -t {VIP}:8080 -s rr",
            f"-a -t {VIP}:8080 -r {SERVERS['rs1']}:8080 -g -w 1",
        ]
        drained = status(tmp_path / "status.json")["rs1"]["drained"]
        assert (drained["former_weight"], drained["declared"]) == (1, False)
        well("restore", "-e", "servers=rs1")
        well("site", "--limit", "directors")
        assert f"-A -t {VIP}:8080 -s rr" not in table()
        assert weights() == {"rs1": 1, "rs2": 1}
    # A service has no scheduler while the kernel changes it (ip_vs_edit_service in ip_vs_ctl.c): of each kind of client
    # one may be refused at each of the two changes, and no more. Weights and other services cost nothing.
    lost = failures(told)
    assert all("ConnectionRefused" in failure["error"] for _kind, failure in lost), lost
    assert all(sum(one == kind for one, _ in lost) <= SCHEDULER_CHANGES for kind in told), lost
    assert told["long"]["connections"] == 1
    assert told["long"]["requests"] > 20
    assert told["fresh"]["servers"].keys() == SERVERS.keys()


def test_the_load_sees_a_restart_without_a_drain():
    """The proof can fail."""
    with load("long") as told:
        for host in SERVERS:
            on(host, "systemctl stop nginx.service; sleep 5; systemctl start nginx.service")
    assert [kind for kind, _ in failures(told) if kind == "fresh"]
    assert told["long"]["connections"] > 1
    assert [kind for kind, _ in failures(told) if kind == "long"]


def test_servers_that_died_are_told(tmp_path):
    """One lost its web server, one left the network: status and verify say so."""
    link = mistake("rs2", "ip link set lan0 down", "ip link set lan0 up")
    with mistake("rs1", "systemctl stop nginx.service", "systemctl start nginx.service"), link:
        servers = status(tmp_path / "status.json")
        assert {name: server["path"]["verdict"] for name, server in servers.items()} == {
            "rs1": "refused",
            "rs2": "no_mac",
        }
        assert SERVERS["rs2"] in servers["rs2"]["path"]["sentence"]
        first, second = to_mend()
    assert f"rs1: path of: 'tcp {VIP}:80' is refused by this server: nothing listens there on port 80" in first
    # systemd-networkd takes the address away from a link that is down.
    assert f"rs2: RIP: '{SERVERS['rs2']}' is on no interface of this host, which has 10.0.2.15/24 on mgmt0" in second
    assert "lan0, which is down; " in second


def test_a_forgotten_vip_and_undone_sysctls_are_named():
    sysctls = " ".join(
        f"net.ipv4.conf.{one}.arp_{key}=0" for one in ("all", "lan0", "lo") for key in ("ignore", "announce")
    )
    undone = mistake("rs1", f"sysctl -qw {sysctls}", "systemctl restart systemd-sysctl.service")
    unit = "lvs-cluster-realserver.service"
    forgotten = mistake("rs2", f"systemctl stop {unit}; ip address del {VIP}/32 dev lo", f"systemctl start {unit}")
    with undone, forgotten:
        told = to_mend()
    assert told == [
        "  rs1: sysctls in effect on lan0: 'arp_ignore 0, arp_announce 0' have to be arp_ignore 1, arp_announce 2, "
        "else this host answers ARP for the VIPs, as only the director may; run lvs.cluster.site for this host, and "
        "find what undid it (sysctl.d, another program).",
        f"  rs2: VIP: '{VIP}' is missing on this host, which has to have it on lo to serve it; run lvs.cluster.site, "
        "or the role lvs.cluster.realserver, for this host.",
    ]


def test_a_unit_from_before_an_upgrade_is_named_and_replaced():
    """It starts an interpreter that is no more: nothing would come back at boot, though all is well now."""
    unit = "lvs-cluster-realserver.service"
    change = f"sed -i 's,^ExecStart=[^ ]*,ExecStart=/usr/bin/python3.1,' /etc/systemd/system/{unit}"
    on("rs2", f"{change}; systemctl daemon-reload")
    assert to_mend() == [
        f"  rs2: unit: '{unit}' starts /usr/bin/python3.1, which does not exist, so that nothing comes back after a "
        "reboot; run lvs.cluster.site for this host."
    ]
    only = ("--limit", "rs2", "--tags", "realserver_persist")
    for changed in (2, 0):  # the file, and the unit that runs
        run = playbook("site", *only)
        assert (run.status, run.changed()) == (0, {"rs2": changed}), run.output
    assert to_mend() == []


def test_what_the_administrator_set_stays(tmp_path):
    """The director routes for other reasons, and a server is quieter than it has to be."""
    router, quiet = ("net.ipv4.ip_forward", 1), ("net.ipv4.conf.all.arp_ignore", 2)
    with ExitStack() as stack:
        for host, (key, value) in (("director", router), ("rs1", quiet)):
            file = "/etc/sysctl.d/50-admin.conf"
            made = f"echo {key}={value} > {file}; sysctl -qw {key}={value}"
            stack.enter_context(mistake(host, made, f"rm {file}; sysctl -qw {key}=0"))
        for changes in (True, False):
            run = playbook("site")
            assert run.status == 0, run.output
            # The server's file of sysctls takes the stricter value over.
            assert bool(run.changed()["rs1"]) == changes, run.output
            assert run.changed()["director"] == 0, run.output
        for host, (key, value) in (("director", router), ("rs1", quiet)):
            assert (
                on(host, f"sysctl -n {key}; systemctl restart systemd-sysctl.service; sysctl -n {key}").split()
                == [str(value)] * 2
            )
    well("site")
    assert on("rs1", "sysctl -n net.ipv4.conf.all.arp_ignore").strip() == "1"


def test_a_program_that_assigns_the_vip_too_is_named_before_anything_is_changed():
    """keepalived with VRRP alone, by its configuration; the process is a stand-in of its name."""
    configuration = "/etc/keepalived/keepalived.conf"
    text = f"vrrp_instance a {{\n virtual_ipaddress {{\n  {VIP}/24 dev lan0\n }}\n}}"
    made = (
        f"mkdir -p /etc/keepalived; printf '{text}\n' > {configuration}; "
        "systemd-run -q --unit=stand-in bash -c 'exec -a keepalived sleep 900'"
    )
    with mistake("director", made, "systemctl stop stand-in.service; rm -r /etc/keepalived"):
        run = playbook("site")
        assert run.status != 0
        shown = " ".join(run.output.split())
        assert f"director: VIP: '{VIP}' is assigned by keepalived too (virtual_ipaddress in {configuration})" in shown
        assert all(changed == 0 for changed in run.changed().values())
        other = text.replace(VIP, "192.168.91.77")
        on("director", f"printf '{other}\n' > {configuration}")
        well("preflight")


def test_a_web_server_on_the_rip_and_a_wrong_network_are_named():
    site, restart = "/etc/nginx/conf.d/lvs-demo.conf", "systemctl restart nginx.service"
    own = SERVERS["rs1"]
    bound = mistake(
        "rs1",
        f"cp {site} /run/site.conf; sed -i -e '/\\[::\\]/d' -e 's/listen 80 /listen {own}:80 /' {site}; {restart}",
        f"cp /run/site.conf {site}; {restart}",
    )
    # With the broadcast address that it has had.
    add, remove = "ip address add {}/24 broadcast + dev lan0", "ip address del {}/24 dev lan0"
    right, wrong = SERVERS["rs2"], "192.168.92.5"
    moved = mistake(
        "rs2",
        f"{remove.format(right)}; {add.format(wrong)}",
        f"{remove.format(wrong)}; {add.format(right)}",
    )
    with bound, moved:
        told = to_mend()
    assert told == [
        f"  rs1: path of: 'tcp {VIP}:80' is refused by this server: the service there listens only on the server's own "
        f"address {own}:80; let it listen on all addresses, or on {VIP} too.",
        f"  rs2: RIP: '{right}' is on no interface of this host, which has 10.0.2.15/24 on mgmt0, {wrong}/24 on lan0; "
        "give it an address on the director's segment, or correct realserver_address.",
    ]
    assert to_mend() == []


def test_a_client_that_sends_elsewhere_is_named():
    way = f"{VIP}/32 via 10.0.2.2 dev mgmt0"
    with mistake("client", f"ip route add {way}", f"ip route del {way}"):
        told = to_mend()
    assert told == [
        f"  client: route to: '{VIP}' leaves through mgmt0, not through a segment of the cluster (lan0); "
        f"add a route to {VIP} through lan0, or remove the host from the group of the clients."
    ]
    assert to_mend() == []


OTHER_VIP = "192.168.91.31"
MAIL = [{"name": "mail", "address": OTHER_VIP, "ports": [80], "scheduler": "rr"}]
# All that a cluster has on a host, but for counters, times, and what several clusters have in common.
HAS = (
    "ls /etc/lvs-cluster /usr/local/lib/lvs-cluster; cat /etc/lvs-cluster/*.json; ip -o address; nft -s list ruleset; "
    "sysctl -a --pattern 'ipv4.conf.*(arp_ignore|arp_announce|send_redirects|forwarding)'; "
    "cat /etc/sysctl.d/99-zz-lvs-cluster.conf; systemctl is-active 'lvs-cluster-*'; ! command -v ipvsadm || ipvsadm -Sn"
)


@pytest.fixture
def mail(tmp_path) -> list[str]:
    """Return the arguments that stand for the inventory of another cluster, which has the same hosts."""
    path = tmp_path / "mail.json"
    path.write_text(json.dumps({"lvs_cluster_name": "mail", "lvs_services": MAIL}))
    return ["-e", f"@{path}"]


def changes(shown: str) -> set[str]:
    """Return how many changes a run tells of, of all hosts."""
    return {word for word in shown.split() if word.startswith("changed=")}


def has() -> dict[str, list[str]]:
    """Return what clusters have on each host, without the remaining lifetimes of addresses."""
    return {host: on(host, HAS).splitlines() for host in ("director", *SERVERS)}


def test_another_cluster_on_the_same_hosts_comes_and_goes(mail):
    well("site")
    before = has()
    with load("short") as told:
        shown = well("site", *mail)
        assert f"cluster default (declaration director) has VIP {VIP}, tcp {VIP}:80 here; this run leaves it" in shown
        assert f"-A -t {OTHER_VIP}:80 -s rr" in table()
        assert weights() == {"rs1": 1, "rs2": 1}
        # Each of the two has nothing to change.
        for arguments in ([], mail):
            assert changes(well("site", *arguments)) == {"changed=0"}
        well("drain", "-e", "servers=rs1", *mail)
        assert weights() == {"rs1": 1, "rs2": 1}
        well("restore", "-e", "servers=rs1", *mail)
        # A purge of one keeps the services of the other.
        well("site", "-e", "director_purge=true", "--limit", "directors")
        assert f"-A -t {OTHER_VIP}:80 -s rr" in table()
        well("teardown", *mail)
    assert has() == before
    assert failures(told) == []


def test_what_two_clusters_declare_is_refused_and_a_cluster_is_renamed():
    before = has()
    refused = playbook("site", "-e", "lvs_cluster_name=mail")
    assert refused.status != 0
    assert "set lvs_cluster_formerly: default for the next run" in " ".join(refused.output.split())
    assert has() == before
    with load("long") as told:
        well("site", "-e", "lvs_cluster_name=mail", "-e", "lvs_cluster_formerly=default")
        assert changes(well("site", "-e", "lvs_cluster_name=mail")) == {"changed=0"}
        assert on("director", "ls /etc/lvs-cluster").split() == ["mail.director.json"]
        well("site", "-e", "lvs_cluster_formerly=mail")
    assert failures(told) == []
    assert told["long"]["connections"] == 1
    assert has() == before


def test_a_standby_director_that_is_a_real_server_too_sends_nothing_back(tmp_path):
    """With the service in its table it would balance what the active director sends to it once more."""

    def inventory(**variables: str) -> list[str]:
        path = tmp_path / "more.json"
        path.write_text(json.dumps({"directors": {"hosts": {"rs1": variables}}}))
        return ["-i", str(path)]

    before = has()
    with load("short") as told:
        well("site", *inventory())
        assert changes(well("site", *inventory())) == {"changed=0"}
    assert failures(told) == []
    assert told["fresh"]["servers"].keys() == SERVERS.keys()
    assert weights() == {"rs1": 1, "rs2": 1}
    assert on("rs1", "ipvsadm -Sn") == ""
    with mistake("rs1", f"ipvsadm -A -t {VIP}:80 -s rr", f"ipvsadm -D -t {VIP}:80"):
        (named,) = to_mend(*inventory())
        assert f"rs1: service: 'tcp {VIP}:80' is in the table of this host, which is a real server of it" in named
    well("site", *inventory(director_state="absent"))
    assert has() == before


def test_a_server_that_is_frozen_leaves_when_it_is_declared_absent(tmp_path):
    """It blocks no run for ever, and no run at all once it is declared absent. When it is back, so is all."""
    absent = tmp_path / "absent.json"
    absent.write_text(json.dumps({"realservers": {"hosts": {"rs2": {"realserver_state": "absent"}}}}))
    with frozen("rs2"):
        run = playbook("site")
        shown = " ".join(run.output.split())
        assert run.status != 0
        assert "rs2: host could not be reached (" in shown
        assert "make it reachable, declare realserver_state: drained or absent, or exclude it with" in shown
        assert weights() == {"rs1": 1, "rs2": 1}
        shown = well("site", "-i", str(absent))
        assert "it is declared absent, so the run continues without it" in shown
        assert f"rs2: was not reached, and may still have VIPs ({VIP})" in shown
        assert weights() == {"rs1": 1}
    assert VIP in on("rs2", "ip -4 -o address show dev lo")
    well("site", "-i", str(absent))
    assert VIP not in on("rs2", "ip -4 -o address show dev lo")
    well("site")
    assert weights() == {"rs1": 1, "rs2": 1}
    assert to_mend() == []
