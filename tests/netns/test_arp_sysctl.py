# SPDX-License-Identifier: GPL-3.0-or-later
"""arp_sysctl against a real kernel: what it writes, who answers for a VIP then, what a boot would make of it."""

from __future__ import annotations

import ctypes
import json
import os
import random
import re
import shutil
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._core.paths import DROP_IN
from ansible_collections.lvs.cluster.plugins.module_utils._sysctl.files import BOOT_DIRECTORIES, next_boot
from ansible_collections.lvs.cluster.plugins.module_utils._sysctl.model import SETTINGS, Kernel, Pair, satisfies
from commands import PROJECT
from forked import call, run_module
from netns_hosts import LIMIT, Namespace, with_libraries

CONF = "/proc/sys/net/ipv4/conf"
SYSTEMD_SYSCTL = next(
    (path for path in map(Path, ("/usr/lib/systemd/systemd-sysctl", "/lib/systemd/systemd-sysctl")) if path.exists()),
    None,
)
# A user's own namespace has one user (tests/as_root.py).
ALONE = sum(int(line.split()[2]) for line in Path("/proc/self/uid_map").read_text().splitlines()) == 1
NOBODY = 65534
CLONE_NEWNET, CLONE_NEWNS, MS_REC, MS_PRIVATE = 0x40000000, 0x00020000, 0x4000, 1 << 18

# Each `ip netns exec` has mounts of its own: these directories stand in for the machine's, which stay untouched.
MOUNTS = 'mount --bind "$1" /etc/sysctl.d; mount --bind "$2" /var/lib; shift 2; exec "$@"'


@dataclass
class Server(Namespace):
    """A namespace with an /etc/sysctl.d and a /var/lib of its own, below `files`."""

    files: Path = Path()

    @property
    def directories(self) -> list[Path]:
        return [self.files / "sysctl.d", self.files / "lib"]

    def contents(self) -> list[Path]:
        return [path for directory in self.directories for path in directory.rglob("*")]

    def privately(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command that sees these directories."""
        return subprocess.run(
            ["ip", "netns", "exec", self.name, "sh", "-ec", MOUNTS, "sh", *map(str, self.directories), *command],
            env=with_libraries(),
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )

    def arp_sysctl(self, check_mode: bool = False, read_only: Sequence[str] = (), user: int = 0, **options):
        """Run the module as Ansible would; return its answer, failed or not."""
        options["_ansible_check_mode"] = check_mode
        mounts = list(zip(map(str, self.directories), ("/etc/sysctl.d", "/var/lib")))
        path = with_libraries()["PYTHONPATH"]
        return run_module(self.name, "arp_sysctl", options, mounts, path, LIMIT, read_only=read_only, user=user)


@pytest.fixture
def server(make_namespace, tmp_path):
    """A real server: 192.0.2.4 on eth0, and a device with a dot in its name that has no address."""
    one = Server(make_namespace().name, tmp_path)
    for directory in one.directories:
        directory.mkdir()
    one.ip("link add name eth0 type veth peer name peer0")
    one.ip("link add name eth0.100 type veth peer name peer1")
    one.ip("address add 192.0.2.4/24 dev eth0")
    for name in ("eth0", "peer0"):
        one.ip(f"link set {name} up")
    return one


def number_in(path):
    """Return what a sysctl says, with no object made on the way: an emulated processor reads thousands of them here."""
    file = os.open(path, os.O_RDONLY)
    try:
        return int(os.read(file, 32))
    finally:
        os.close(file)


def values(server, *keys):
    with server.entered():
        return {
            f"{name}/{key}": number_in(f"{CONF}/{name}/{key}") for name in os.listdir(CONF) for key in keys or SETTINGS
        }


def answers(client, device, address):
    """Send one ARP request for an address; return the MAC that answers within a second, or ""."""
    asked, source = socket.inet_aton(address), socket.inet_aton("192.0.2.6")
    with client.entered():
        link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0806))
    with link:
        link.bind((device, 0))
        own = link.getsockname()[4]
        header = struct.pack("!HHHBBH", 0x0806, 1, 0x0800, 6, 4, 1)
        link.send(b"\xff" * 6 + own + header + own + source + bytes(6) + asked)
        end = time.monotonic() + 1
        while (left := end - time.monotonic()) > 0:
            link.settimeout(left)
            try:
                frame = link.recv(64)
            except OSError:  # on Python 3.9 a timeout is no TimeoutError
                break
            if frame[20:22] == b"\x00\x02" and frame[28:32] == asked:
                return frame[22:28].hex(":")
    return ""


def test_a_run_does_what_check_mode_said_and_absent_undoes_it(server):
    before = values(server)
    options = {"arp_ignore": 1, "arp_announce": 2, "interfaces": ["all", "default", "lo", "eth0.100"]}
    rehearsed = server.arp_sysctl(check_mode=True, **options)
    assert values(server) == before
    assert server.contents() == []
    done = server.arp_sysctl(**options)
    for part in ("operations", "diff", "effective", "persisted"):
        assert rehearsed[part] == done[part]
    assert done["effective"]["eth0"] == {"arp_ignore": 1, "arp_announce": 2}
    now = values(server)
    assert [now[f"{name}/arp_ignore"] for name in ("all", "default", "lo", "eth0.100", "eth0")] == [1, 1, 1, 1, 0]
    drop_in = server.directories[0] / Path(DROP_IN).name
    assert "net/ipv4/conf/eth0.100/arp_announce = 2\n" in drop_in.read_text()
    assert drop_in.stat().st_mode & 0o777 == 0o644
    again = server.arp_sysctl(**options)
    assert (again["changed"], again["operations"]) == (False, [])
    undone = server.arp_sysctl(state="absent", interfaces=options["interfaces"])
    assert undone["changed"]
    assert values(server) == before
    assert not drop_in.exists()
    assert not server.arp_sysctl(state="absent", interfaces=options["interfaces"])["changed"]


def test_forwarding_of_all_leaves_accept_redirects_and_is_undone(server):
    before = values(server)
    done = server.arp_sysctl(interfaces=["all"], forwarding=1)
    assert not done.get("failed"), done
    now = values(server)
    assert {now[name] for name in now if name.endswith("/forwarding")} == {1}
    assert now["all/accept_redirects"] == 1
    server.arp_sysctl(interfaces=["all"], state="absent")
    assert values(server) == before


def test_what_would_not_act_changes_nothing(server):
    before = values(server)
    for check_mode in (True, False):
        answer = server.arp_sysctl(check_mode=check_mode, send_redirects=0)
        assert answer["failed"]
        assert "eth0 (own value 1, in effect 1)" in answer["msg"]
    assert values(server) == before
    assert server.contents() == []
    warned = server.arp_sysctl(send_redirects=0, on_ineffective="warn")
    assert warned["effective"]["eth0"] == {"send_redirects": 1}
    assert warned["effective"]["lo"] == {"send_redirects": 0}


def test_only_a_request_for_its_own_address_is_answered(server, make_namespace):
    client = make_namespace()
    server.ip(f"link set peer0 netns {client.name}")
    client.ip("link set peer0 up")
    server.ip("address add 192.0.2.30/32 dev lo")
    (device,) = server.json("link show dev eth0")
    mac, rip, vip = device["address"], "192.0.2.4", "192.0.2.30"
    assert [answers(client, "peer0", address) for address in (rip, vip)] == [mac, mac]
    server.arp_sysctl(arp_ignore=1, arp_announce=2)
    assert [answers(client, "peer0", address) for address in (rip, vip)] == [mac, ""]
    server.arp_sysctl(state="absent")
    assert answers(client, "peer0", vip) == mac


def conf(namespace, name, key, value):
    with namespace.entered():
        Path(CONF, name, key).write_text(f"{value}\n")


@pytest.mark.parametrize("value", [0, 1, 2, 3, 8])
def test_what_is_stricter_answers_less(server, make_namespace, value):
    """`satisfies` says what the kernel does: for a VIP on lo, of both scopes, and for the server's own address."""
    client = make_namespace()
    server.ip(f"link set peer0 netns {client.name}")
    client.ip("link set peer0 up")
    server.ip("address add 192.0.2.30/32 dev lo")
    server.ip("address add 192.0.2.31/32 dev lo scope host")
    conf(server, "all", "arp_ignore", value)
    answered = [bool(answers(client, "peer0", address)) for address in ("192.0.2.4", "192.0.2.30", "192.0.2.31")]
    expected = {0: [True, True, True], 3: [True, True, False], 8: [False, False, False]}
    assert answered == expected.get(value, [True, False, False])
    assert satisfies("arp_ignore", value, 1) == (not answered[1])


@pytest.mark.parametrize("value", [2, 8])
@pytest.mark.parametrize("name", ["all", "eth0"])
def test_a_stricter_value_stays_now_and_at_boot(server, make_namespace, name, value):
    client = make_namespace()
    server.ip(f"link set peer0 netns {client.name}")
    client.ip("link set peer0 up")
    server.ip("address add 192.0.2.30/32 dev lo")
    conf(server, name, "arp_ignore", value)
    (server.directories[0] / "50-admin.conf").write_text(f"net.ipv4.conf.{name}.arp_ignore = {value}\n")
    before = values(server)
    done = server.arp_sysctl(arp_ignore=1, arp_announce=2)
    assert not done.get("failed"), done
    told = [{"name": "net/ipv4/conf/all/arp_ignore", "value": value, "asked": 1}] if name == "all" else []
    assert done["stricter"] == told
    assert done["effective"]["eth0"]["arp_ignore"] == value
    assert not done.get("warnings")
    assert values(server)[f"{name}/arp_ignore"] == value
    assert answers(client, "peer0", "192.0.2.30") == ""
    assert not server.arp_sysctl(arp_ignore=1, arp_announce=2)["changed"]
    if SYSTEMD_SYSCTL is not None:
        server.privately(str(SYSTEMD_SYSCTL), "--prefix=/net/ipv4/conf")
        assert values(server)[f"{name}/arp_ignore"] == value
    server.arp_sysctl(state="absent")
    assert values(server) == before


def test_a_router_stays_one(server):
    """What the role director runs, on a host that routes by a file of its administrator, which 1.0.0 overruled."""
    router = server.directories[0] / "30-router.conf"
    router.write_text("net.ipv4.ip_forward = 1\n")
    conf(server, "all", "forwarding", 1)
    before = values(server, "forwarding", "accept_redirects")
    interfaces = {"interfaces": ["all", "default", "eth0"], "effective_on": ["eth0"]}
    role = {**interfaces, "send_redirects": 0, "restore": ["forwarding"]}
    assert not server.arp_sysctl(**role).get("failed")
    assert values(server, "forwarding", "accept_redirects") == before
    server.arp_sysctl(**interfaces, send_redirects=0, forwarding=0)  # as 1.0.0
    assert set(values(server, "forwarding").values()) == {0}
    assert server.arp_sysctl(**role)["changed"]
    assert values(server, "forwarding", "accept_redirects") == before
    assert "forwarding" not in (server.directories[0] / Path(DROP_IN).name).read_text()
    assert not server.arp_sysctl(**role)["changed"]
    if SYSTEMD_SYSCTL is not None:
        server.privately(str(SYSTEMD_SYSCTL), "--prefix=/net/ipv4")
        assert set(values(server, "forwarding").values()) == {1}


def director(server, tmp_path, forwarding="direct", *arguments, **variables):
    """Run the step director_sysctl of the role in the namespace; return how many tasks changed something."""
    services = [{"name": "web", "address": "192.0.2.30", "ports": [80], "forwarding": forwarding, "real_servers": []}]
    host = {"ansible_host": "192.0.2.4", "ansible_connection": "local", "director_interface": "eth0", **variables}
    host["ansible_python_interpreter"] = sys.executable
    inventory = {"directors": {"hosts": {"lb1": host}, "vars": {"lvs_services": services}}}
    files = {
        "hosts.json": inventory,
        "play.yml": [{"hosts": "directors", "gather_facts": False, "roles": ["lvs.cluster.director"]}],
    }
    for name, content in files.items():
        (tmp_path / name).write_text(json.dumps(content))
    play = [
        "ansible-playbook",
        "-i",
        str(tmp_path / "hosts.json"),
        str(tmp_path / "play.yml"),
        "--tags",
        "director_sysctl",
    ]
    done = server.privately("env", f"ANSIBLE_CONFIG={PROJECT}/ansible.cfg", "ANSIBLE_NOCOLOR=1", *play, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return int(re.search(r"changed=(\d+)", done.stdout).group(1))


CONTROLLER = pytest.mark.skipif(not shutil.which("ansible-playbook"), reason="this machine has no ansible-playbook")


@CONTROLLER
def test_the_role_director_leaves_routing_alone_unless_it_is_told(server, tmp_path):
    conf(server, "all", "forwarding", 1)
    assert director(server, tmp_path) == 1
    assert set(values(server, "forwarding").values()) == {1}
    assert values(server, "send_redirects")["eth0/send_redirects"] == 0
    # As 1.0.0 did on every director.
    server.arp_sysctl(interfaces=["all", "default", "eth0"], effective_on=["eth0"], forwarding=0, send_redirects=0)
    assert director(server, tmp_path, "direct", "--check") == 1
    assert set(values(server, "forwarding").values()) == {0}
    assert [director(server, tmp_path) for _ in range(2)] == [1, 0]
    assert set(values(server, "forwarding").values()) == {1}
    assert director(server, tmp_path, director_forwarding=0) == 1
    assert set(values(server, "forwarding").values()) == {0}


@CONTROLLER
def test_masquerade_routes_as_long_as_it_is_declared(server, tmp_path):
    before = values(server, "forwarding")
    assert director(server, tmp_path, "masquerade") == 1
    assert set(values(server, "forwarding").values()) == {1}
    assert [director(server, tmp_path) for _ in range(2)] == [1, 0]
    assert values(server, "forwarding") == before


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"interfaces": ["eth7"], "arp_ignore": 1}, "interfaces: 'eth7' is no interface of this host"),
        ({"arp_ignore": 4}, "value of arp_ignore must be one of: 0, 1, 2, 3, 8, got: 4"),
        ({"arp_announce": -1}, "value of arp_announce must be one of: 0, 1, 2, got: -1"),
        ({"rp_filter": "x"}, "argument 'rp_filter' is of type"),
        ({"interfaces": ["a/b"], "arp_ignore": 1}, "interfaces: 'a/b' can't be the name of an interface"),
        ({}, "state: 'present' declares no setting"),
        ({"arp_ignore": 1, "persist": "/tmp/x.conf"}, "persist: '/tmp/x.conf' is not a file that is read at boot"),
    ],
)
def test_bad_input_is_one_sentence_and_changes_nothing(server, options, text):
    before = values(server)
    answer = server.arp_sysctl(**options)
    assert answer["failed"]
    assert answer["msg"].startswith(text)
    assert "exception" not in answer
    assert values(server) == before


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize(
    ("circumstances", "text"),
    [
        pytest.param(
            {"user": NOBODY},
            "cannot be written: Permission denied; run the task as root (become: true).",
            marks=pytest.mark.skipif(ALONE, reason="in this user namespace there is nobody but root"),
        ),
        ({"read_only": ["/etc/sysctl.d"]}, "is read-only here"),
        ({"read_only": ["/proc/sys"]}, "is read-only here"),
    ],
)
def test_what_may_not_be_written_is_said_before_anything_is(server, circumstances, text, check_mode):
    before = values(server)
    answer = server.arp_sysctl(check_mode=check_mode, **circumstances, arp_ignore=1)
    assert answer["failed"]
    assert text in answer["msg"]
    assert values(server) == before
    assert server.contents() == []


def test_a_later_file_is_named_and_really_wins(server):
    """The warning foretells what systemd-sysctl then does."""
    later = server.directories[0] / "99-zzz.conf"
    later.write_text("net.ipv4.conf.all.arp_ignore = 0\n")
    answer = server.arp_sysctl(arp_ignore=1)
    texts = [text if isinstance(text, str) else text["event"]["msg"] for text in answer["warnings"]]
    assert texts == [
        "/etc/sysctl.d/99-zzz.conf, line 1, sets net/ipv4/conf/all/arp_ignore to 0 where 1 is asked for "
        "(at the next boot); change or remove that line."
    ]
    if SYSTEMD_SYSCTL is None:
        pytest.skip("no systemd-sysctl on this machine")
    server.privately(str(SYSTEMD_SYSCTL), "--prefix=/net/ipv4/conf")
    assert values(server, "arp_ignore")["all/arp_ignore"] == 0
    later.unlink()
    server.privately(str(SYSTEMD_SYSCTL), "--prefix=/net/ipv4/conf")
    assert values(server, "arp_ignore")["all/arp_ignore"] == 1


def test_the_drop_in_reaches_an_interface_that_appears_after_boot(server):
    """As udev's 99-systemd.rules does for a new device, dots in its name included."""
    if SYSTEMD_SYSCTL is None:
        pytest.skip("no systemd-sysctl on this machine")
    server.arp_sysctl(interfaces=["eth0.100"], arp_announce=2, rp_filter=2)
    server.ip("link del eth0.100")
    server.ip("link add name eth0.100 type veth peer name peer1")
    assert values(server, "arp_announce")["eth0.100/arp_announce"] == 0
    assert server.privately(str(SYSTEMD_SYSCTL), "--prefix=/net/ipv4/conf/eth0.100").returncode == 0
    now = values(server, "arp_announce", "rp_filter")
    assert (now["eth0.100/arp_announce"], now["eth0.100/rp_filter"]) == (2, 2)


# --- the model against the kernel ------------------------------------------------------------------------------------


def in_a_namespace_of_its_own(task):
    """Run `task` in a forked child with fresh network and mount namespaces; return what it returns (JSON-able)."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        status = 1
        try:
            call("unshare", CLONE_NEWNET | CLONE_NEWNS)
            call("mount", b"none", b"/", None, ctypes.c_ulong(MS_REC | MS_PRIVATE), None)
            os.write(writing, json.dumps(task()).encode())
            status = 0
        finally:
            os._exit(status)
    os.close(writing)
    with os.fdopen(reading) as source:
        answer = source.read()
    assert os.waitpid(child, 0)[1] == 0
    return json.loads(answer)


def set_up():
    """Interfaces lo (up), one (with an address), two (never had one)."""
    batch = "link set lo up\nlink add name one type veth peer name two\naddress add 192.0.2.4/24 dev one\n"
    subprocess.run(["ip", "-batch", "-"], input=batch, text=True, check=True)


NAMES = ("lo", "one", "two")
TARGETS = ("all", "default", *NAMES)


def read_all():
    return {f"{name} {key}": number_in(f"{CONF}/{name}/{key}") for name in TARGETS for key in SETTINGS}


def as_pairs(readings):
    return {Pair(*name.split()): value for name, value in readings.items()}


@pytest.mark.parametrize("seed", range(12))
def test_the_kernel_does_what_the_model_says(seed):
    chance = random.Random(seed)
    writes = []
    for _ in range(60):
        key = chance.choice(["forwarding", "accept_redirects", *SETTINGS])
        writes.append((chance.choice(TARGETS), key, chance.choice(SETTINGS[key].values)))

    def task():
        set_up()
        seen = [read_all()]
        for target, key, value in writes:
            Path(CONF, target, key).write_text(f"{value}\n")
            seen.append(read_all())
        return seen

    seen = [as_pairs(readings) for readings in in_a_namespace_of_its_own(task)]
    model = Kernel(seen[0], NAMES, [Pair("two", key) for key in SETTINGS])
    for (target, key, value), real in zip(writes, seen[1:]):
        model.write(Pair(target, key), value)
        assert model.values == real, (target, key, value)


LINES = [
    "net.ipv4.conf.{target}.{key} = {value}",
    "net/ipv4/conf/{target}/{key}={value}",
    "-net.ipv4.conf.{target}.{key} = {value}",
    "net.ipv4.conf.*.{key} = {value}",
    "net/ipv4/conf/[ot]*/{key} = {value}",
    "-net.ipv4.conf.{target}.{key}",
    "net.ipv4.ip_forward = {switch}",
    "# net.ipv4.conf.all.{key} = {value}",
]


@pytest.mark.skipif(SYSTEMD_SYSCTL is None, reason="no systemd-sysctl on this machine")
@pytest.mark.parametrize("seed", range(25))
def test_systemd_sysctl_does_what_the_forecast_says(seed):
    chance = random.Random(seed)
    keys = chance.sample(list(SETTINGS), 3)
    files = {}
    for directory in BOOT_DIRECTORIES[:4]:
        for name in chance.sample(["10-a.conf", "50-b.conf", "99-c.conf", "ignored.txt"], 2):
            texts = []
            for _ in range(chance.randrange(4)):
                key = chance.choice(keys)
                value = chance.choice(SETTINGS[key].values)
                words = {"target": chance.choice(TARGETS), "key": key, "value": value, "switch": chance.randrange(2)}
                texts.append(chance.choice(LINES).format(**words))
            files[f"{directory}/{name}"] = "\n".join(texts) + "\n"

    def task():
        set_up()
        for directory in BOOT_DIRECTORIES:
            if os.path.isdir(directory) and not os.path.ismount(directory):
                call("mount", b"lvs-test", directory.encode(), b"tmpfs", ctypes.c_ulong(0), None)
        for path, text in files.items():
            if not os.path.isdir(os.path.dirname(path)):
                continue
            Path(path).write_text(text)
        done = subprocess.run([SYSTEMD_SYSCTL], capture_output=True, text=True, timeout=20)
        return {**read_all(), "stderr": done.stderr}

    real = in_a_namespace_of_its_own(task)
    stderr = real.pop("stderr")
    there = {path: text for path, text in files.items() if os.path.isdir(os.path.dirname(path))}
    # `one` has its address already, unlike at a boot: name it as an interface with its own values.
    forecast, _origins = next_boot(there, NAMES, pinned=("lo", "one"))
    assert forecast.values == as_pairs(real), (there, stderr)
