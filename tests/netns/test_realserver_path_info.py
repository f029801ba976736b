# SPDX-License-Identifier: GPL-3.0-or-later
"""realserver_path_info on a real segment: every verdict, on the director that has the VIP."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._core.address import is_ipv6
from ansible_collections.lvs.cluster.plugins.module_utils._path.services import service_paths
from ansible_collections.lvs.cluster.plugins.modules.realserver_path_info import answer
from netns_hosts import RIGHTS, Namespace, Segment

VIP, VIP6 = "192.0.2.30", "2001:db8::30"
ANY, ANY6 = "0.0.0.0", "::"
PORT = 80
FAMILIES = pytest.mark.parametrize(("vip", "net"), [(VIP, "192.0.2."), (VIP6, "2001:db8::")], ids=["ipv4", "ipv6"])


def service(*servers: str | Mapping[str, Any], vip: str = VIP, **options: Any) -> dict[str, Any]:
    """Return one service as an option; a server that is an address is one of direct routing."""
    items = [{"address": one} if isinstance(one, str) else dict(one) for one in servers]
    return {"address": vip, "port": PORT, **options, "real_servers": items}


def prove(host: Namespace, *services: dict[str, Any], timeout: float = 0.6, **options: Any) -> dict[str, Any]:
    """Ask as the module does, but in this process and not for long."""
    with host.entered():
        return answer({"services": services, "interface": None, "timeout": timeout, "attempts": 2, **options})


def verdicts(result: dict[str, Any]) -> list[str]:
    """Return the words of all paths."""
    return [path["verdict"] for path in result["paths"]]


@contextmanager
def listening(host: Namespace, address: str, port: int = PORT) -> Iterator[None]:
    """Have something listen in a namespace; the kernel accepts for it."""
    with host.entered():
        listener = socket.socket(socket.AF_INET6 if is_ipv6(address) else socket.AF_INET)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if is_ipv6(address):
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((address, port))
        listener.listen()
    with listener:
        yield


@contextmanager
def echoing(host: Namespace, address: str, says: bytes = b"") -> Iterator[None]:
    """Answer datagrams in a namespace with what they say, or with `says`."""
    with host.entered():
        server = socket.socket(socket.AF_INET6 if is_ipv6(address) else socket.AF_INET, socket.SOCK_DGRAM)
        server.bind((address, PORT))
    over = threading.Event()
    server.settimeout(0.05)

    def serve() -> None:
        while not over.is_set():
            try:
                data, peer = server.recvfrom(2000)
            except TimeoutError:
                continue
            server.sendto(says or data, peer)

    thread = threading.Thread(target=serve)
    thread.start()
    with server:
        try:
            yield
        finally:
            over.set()
            thread.join(10)


def half_open(host: Namespace) -> str:
    """Return the connections of a host that are neither listening nor at their end."""
    return host.run("ss", "-Hantu", "state", "syn-recv", "state", "established", "state", "syn-sent")


@pytest.fixture
def cluster(make_segment: Callable[[int], Segment]) -> Segment:
    """Return director (1), four servers (2 to 5) that have the VIPs on lo, and one host that is nobody (6)."""
    segment = make_segment(6)
    segment.host(1).ip(f"addr add {VIP}/32 dev eth0")
    segment.host(1).ip(f"addr add {VIP6}/128 dev eth0 nodad")
    for server in segment.hosts[1:5]:
        server.sysctl("ipv4/conf/all/arp_ignore", 1)
        server.sysctl("ipv4/conf/all/arp_announce", 2)
        server.ip(f"addr add {VIP}/32 dev lo")
        server.ip(f"addr add {VIP6}/128 dev lo nodad")
    return segment


@FAMILIES
def test_good_paths_leave_nothing_half_open(cluster: Segment, vip: str, net: str) -> None:
    with ExitStack() as stack:
        for number in (2, 3, 4):
            stack.enter_context(listening(cluster.host(number), ANY6 if is_ipv6(vip) else ANY))
        result = prove(cluster.host(1), service(f"{net}2", f"{net}3", f"{net}4", vip=vip))
        assert [half_open(host) for host in cluster.hosts[:4]] == ["", "", "", ""]
    assert (result["ok"], verdicts(result)) == (True, ["ok"] * 3)
    macs = [cluster.mac(number) for number in (2, 3, 4)]
    assert [path["mac"] for path in result["paths"]] == [path["answered_by"] for path in result["paths"]] == macs
    assert all(0 <= path["latency_ms"] < 600 for path in result["paths"])
    assert [path["remedy"] for path in result["paths"]] == [""] * 3


@FAMILIES
def test_a_host_that_has_no_vip_can_ask_too(cluster: Segment, vip: str, net: str) -> None:
    """There the kernel hears the answer and resets what it does not know, and the VIP's owner gets that."""
    with listening(cluster.host(2), ANY6 if is_ipv6(vip) else ANY):
        result = prove(cluster.host(6), service(f"{net}2", vip=vip))
        assert half_open(cluster.host(2)) == ""
    assert verdicts(result) == ["ok"]


@FAMILIES
def test_nobody_answers_for_the_address(cluster: Segment, vip: str, net: str) -> None:
    result = prove(cluster.host(1), service(f"{net}77", vip=vip))
    assert (result["ok"], verdicts(result)) == (False, ["no_mac"])
    how = "neighbour discovery" if is_ipv6(vip) else "ARP"
    assert (
        f"nobody answers {how} for its address {net}77 on eth0; bring the server up" in result["paths"][0]["sentence"]
    )


def test_behind_a_gateway(cluster: Segment) -> None:
    result = prove(cluster.host(1), service("203.0.113.9"))
    assert verdicts(result) == ["off_segment"]
    assert "is on no network of this host" in result["paths"][0]["rule"]
    cluster.host(1).ip("route add default via 192.0.2.6")
    result = prove(cluster.host(1), service("203.0.113.9"))
    assert "203.0.113.9 is behind the gateway 192.0.2.6" in result["paths"][0]["rule"]


def test_ports_that_need_not_listen(cluster: Segment) -> None:
    """As those of passive FTP: one port proves a mark, and by itself each of the others would keep the server back."""
    proof = [{"service": {"fwmark": 21, "address_family": "ipv4"}, "address": VIP, "ports": [21]}]
    marked = {"fwmark": 21, "address_family": "ipv4", "real_servers": [{"address": "192.0.2.2"}]}
    marks = [
        {"address": VIP, "ports": [21, 40000, "41000-41100"], "protocol": protocol, "mark": 21}
        for protocol in ("tcp", "udp")
    ]
    with listening(cluster.host(2), ANY, 21):
        result = prove(cluster.host(1), *service_paths([marked], marks, proof))
        without = prove(cluster.host(1), *service_paths([marked], marks))
    # Of UDP nothing is proved, and it keeps nobody back.
    assert (result["ok"], verdicts(result)) == (True, ["ok", "unproven"])
    assert (without["ok"], verdicts(without)) == (False, ["ok", "refused", "refused", "unproven"])
    assert verdicts(prove(cluster.host(1), *service_paths([marked], marks, proof))) == ["refused", "unproven"]


@FAMILIES
def test_nobody_listens(cluster: Segment, vip: str, net: str) -> None:
    result = prove(cluster.host(1), service(f"{net}2", vip=vip))
    assert verdicts(result) == ["refused"]
    assert f"neither on {vip} nor on {net}2" in result["paths"][0]["rule"]


@FAMILIES
def test_only_the_own_address_is_listened_on(cluster: Segment, vip: str, net: str) -> None:
    with listening(cluster.host(2), f"{net}2"), listening(cluster.host(3), vip):
        result = prove(cluster.host(1), service(f"{net}2", f"{net}3", vip=vip))
        assert half_open(cluster.host(2)) == ""
    assert verdicts(result) == ["rip_only", "ok"]
    assert f"let it listen on all addresses, or on {vip} too." in result["paths"][0]["sentence"]


@FAMILIES
def test_vip_is_missing(cluster: Segment, vip: str, net: str) -> None:
    cluster.host(2).ip(f"addr del {vip} dev lo")
    with listening(cluster.host(2), ANY6 if is_ipv6(vip) else ANY):
        result = prove(cluster.host(1), service(f"{net}2", vip=vip))
    assert verdicts(result) == ["silent"]
    rule = result["paths"][0]["rule"]
    assert "there answers: the VIP is missing there" in rule


@FAMILIES
def test_vip_is_missing_and_the_server_routes(cluster: Segment, vip: str, net: str) -> None:
    server = cluster.host(2)
    server.ip(f"addr del {vip} dev lo")
    for family, name in (("ipv4", "forwarding"), ("ipv6", "forwarding"), ("ipv4", "send_redirects")):
        server.sysctl(f"{family}/conf/all/{name}", 1 if name == "forwarding" else 0)
    server.sysctl("ipv4/conf/eth0/send_redirects", 0)
    result = prove(cluster.host(1), service(f"{net}2", vip=vip))
    assert verdicts(result) == ["returned"]


@FAMILIES
def test_packet_filter(cluster: Segment, vip: str, net: str) -> None:
    for number, what in ((2, "drop"), (3, "reject with icmpx admin-prohibited"), (4, "reject with tcp reset")):
        cluster.host(number).run("nft", "add table inet t")
        cluster.host(number).run("nft", "add chain inet t in { type filter hook input priority 0; }")
        cluster.host(number).run("nft", f"add rule inet t in tcp dport {PORT} {what}")
    with ExitStack() as stack:
        for number in (2, 3, 4):
            stack.enter_context(listening(cluster.host(number), ANY6 if is_ipv6(vip) else ANY))
        result = prove(cluster.host(1), service(f"{net}2", f"{net}3", f"{net}4", vip=vip))
    assert verdicts(result) == ["filtered", "rejected", "refused"]
    assert (
        f"let the packet filter there accept tcp {'[' + vip + ']' if ':' in vip else vip}:80."
        in result["paths"][0]["sentence"]
    )


def test_reverse_path_filter(cluster: Segment) -> None:
    """The server takes what comes from the director for forged, ARP too, when its route there is another one."""
    server = cluster.host(2)
    cluster.host(1).ip(f"neigh replace 192.0.2.2 lladdr {cluster.mac(2)} dev eth0 nud permanent")
    server.ip("link add other type veth peer name end")
    for device in ("other", "end"):
        server.ip(f"link set {device} up")
    server.ip("route add 192.0.2.1/32 dev other")
    server.sysctl("ipv4/conf/eth0/rp_filter", 1)
    with listening(server, ANY):
        result = prove(cluster.host(1), service("192.0.2.2"))
    assert verdicts(result) == ["silent"]
    assert "rp_filter" in result["paths"][0]["sentence"]


@FAMILIES
def test_answer_from_elsewhere(make_segment: Callable[[int], Segment], cluster: Segment, vip: str, net: str) -> None:
    """The server's answers leave by another device of its, on the same segment."""
    server, other = cluster.host(2), "02:00:00:00:00:99"
    server.ip(f"link add link eth0 name eth1 address {other} type macvlan mode bridge")
    server.ip("link set eth1 up")
    if is_ipv6(vip):
        server.ip("addr add 2001:db8::92/64 dev eth1 nodad")
        server.ip("route add 2001:db8::1/128 dev eth1")
    else:
        server.ip("addr add 192.0.2.92/32 dev eth1")
        server.ip("route add 192.0.2.1/32 dev eth1")
    for name in ("all", "eth0", "eth1"):
        server.sysctl(f"ipv4/conf/{name}/rp_filter", 0)
    with listening(server, ANY6 if is_ipv6(vip) else ANY):
        result = prove(cluster.host(1), service(f"{net}2", vip=vip))
        assert half_open(server) == ""
    assert verdicts(result) == ["elsewhere"]
    assert (result["paths"][0]["mac"], result["paths"][0]["answered_by"]) == (cluster.mac(2), other)


@FAMILIES
def test_udp_is_proved_by_its_answer(cluster: Segment, vip: str, net: str) -> None:
    servers = [f"{net}{number}" for number in (2, 3, 4)]
    with echoing(cluster.host(2), vip), echoing(cluster.host(3), vip, b"pang"):
        result = prove(cluster.host(1), service(*servers, vip=vip, protocol="udp", payload="ping", expect="in"))
    assert verdicts(result) == ["ok", "wrong_answer", "refused"]
    assert "answers with 'pang' (4 bytes), where b'in' is expected" in result["paths"][1]["rule"]
    result = prove(cluster.host(1), service(*servers, vip=vip, protocol="udp"))
    assert (result["ok"], verdicts(result)) == (True, ["unproven"] * 3)


def test_udp_without_an_answer(cluster: Segment) -> None:
    cluster.host(3).ip(f"addr del {VIP} dev lo")
    with cluster.host(2).entered():
        mute = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        mute.bind((ANY, PORT))
    with mute:
        question = service("192.0.2.2", "192.0.2.3", protocol="udp", payload_hex="00ff")
        assert verdicts(prove(cluster.host(1), question)) == ["filtered", "silent"]


def test_the_director_itself(cluster: Segment) -> None:
    assert verdicts(prove(cluster.host(1), service("192.0.2.1"))) == ["refused"]
    for address in (ANY, VIP):
        with listening(cluster.host(1), address):
            assert verdicts(prove(cluster.host(1), service("192.0.2.1"))) == ["local"]


def test_static_neighbour_is_where_ipvs_sends_to(cluster: Segment) -> None:
    cluster.host(1).ip(f"neigh replace 192.0.2.2 lladdr {cluster.mac(3)} dev eth0 nud permanent")
    with listening(cluster.host(3), ANY):
        result = prove(cluster.host(1), service("192.0.2.2"))
    assert (verdicts(result), result["paths"][0]["mac"]) == (["ok"], cluster.mac(3))


def test_masquerade_is_a_plain_connection(cluster: Segment) -> None:
    with listening(cluster.host(2), ANY, 8080), echoing(cluster.host(2), ANY):
        servers = [{"address": f"192.0.2.{n}", "port": 8080, "forwarding": "masquerade"} for n in (2, 3, 77)]
        mapped = [{"address": f"192.0.2.{n}", "port": PORT, "forwarding": "masquerade"} for n in (2, 3)]
        result = prove(
            cluster.host(1), service(*servers), service(*mapped, protocol="udp", payload="hi", expect="hi"), timeout=1
        )
    assert verdicts(result) == ["ok", "refused", "silent", "ok", "refused"]


TUNNELS = {
    "ipip": ({"tunnel_type": "ipip"}, "ip link add t0 type ipip local 192.0.2.{n}"),
    "gre": ({"tunnel_type": "gre"}, "ip link add t0 type gre local 192.0.2.{n}"),
    "gue": (
        {"tunnel_type": "gue", "tunnel_port": 6080},
        "ip fou add port 6080 gue && ip link add t0 type ipip local 192.0.2.{n}",
    ),
}


def made(host: Namespace, line: str) -> None:
    """Make a tunnel device; a kernel that has none of its kind skips the test."""
    failure = host.attempt(line)
    if failure:
        pytest.skip(f"this kernel refuses: {line} ({failure})")


@pytest.mark.parametrize("kind", TUNNELS)
def test_through_a_tunnel(cluster: Segment, kind: str) -> None:
    options, commands = TUNNELS[kind]
    for number in (2, 3):
        server = cluster.host(number)
        made(server, commands.format(n=number))
        server.ip("link set t0 up")
        server.ip(f"addr del {VIP} dev lo")
        server.sysctl("ipv4/conf/all/rp_filter", 0)
        server.sysctl("ipv4/conf/t0/rp_filter", 0)
    cluster.host(2).ip(f"addr add {VIP}/32 dev t0")
    servers = [{"address": f"192.0.2.{n}", "forwarding": "tunnel", **options} for n in (2, 3, 4)]
    with ExitStack() as stack:
        for number in (2, 3, 4):
            stack.enter_context(listening(cluster.host(number), ANY))
        result = prove(cluster.host(1), service(*servers))
        assert half_open(cluster.host(2)) == ""
    assert verdicts(result) == ["ok", "silent", "no_tunnel"], result["summary"]
    assert result["paths"][0]["answered_by"] == cluster.mac(2)


def test_ipv6_vip_through_an_ipv4_tunnel(cluster: Segment) -> None:
    server = cluster.host(2)
    made(server, "ip link add s0 type sit local 192.0.2.2")
    server.ip("link set s0 up")
    with listening(server, VIP6):
        result = prove(cluster.host(1), service({"address": "192.0.2.2", "forwarding": "tunnel"}, vip=VIP6))
    assert verdicts(result) == ["ok"], result["summary"]


def test_answer_by_a_router(cluster: Segment, make_namespace: Callable[[], Namespace]) -> None:
    """A tunnel's server may be anywhere: question and answer go through a router."""
    router, far = cluster.host(6), make_namespace()
    router.ip(f"link add far type veth peer name eth0 netns {far.name}")
    router.sysctl("ipv4/conf/all/forwarding", 1)
    for host, device, address in ((router, "far", "198.51.100.1/24"), (far, "eth0", "198.51.100.2/24")):
        host.ip(f"link set {device} up")
        host.ip(f"addr add {address} dev {device}")
    far.ip("route add default via 198.51.100.1")
    made(far, "ip link add t0 type ipip local 198.51.100.2")
    far.ip("link set t0 up")
    far.ip(f"addr add {VIP}/32 dev t0")
    for name in ("all", "t0"):
        far.sysctl(f"ipv4/conf/{name}/rp_filter", 0)
    cluster.host(1).ip("route add default via 192.0.2.6")
    with listening(far, ANY):
        result = prove(cluster.host(1), service({"address": "198.51.100.2", "forwarding": "tunnel"}))
    assert (verdicts(result), result["paths"][0]["answered_by"]) == (["ok"], cluster.mac(6))


def test_many_at_once_wait_once(cluster: Segment) -> None:
    """However many are silent, the wait is one; and other traffic of the director does not disturb."""
    servers = [f"192.0.2.{number}" for number in (2, 3)]
    many = [service(*servers, port=port) for port in range(1000, 1200)]
    for number in (2, 3):
        cluster.host(number).ip(f"addr del {VIP} dev lo")
    start = time.monotonic()
    result = prove(cluster.host(1), *many, service("192.0.2.4"), timeout=1)
    assert time.monotonic() - start < 15
    assert verdicts(result) == ["silent"] * 400 + ["refused"]


def test_module(cluster: Segment) -> None:
    with listening(cluster.host(2), ANY):
        options = {"services": [service("192.0.2.2", "192.0.2.3")], "timeout": 0.5}
        result = cluster.host(1).module("realserver_path_info", check=True, **options)
    assert (result["changed"], result["ok"], verdicts(result)) == (False, False, ["ok", "refused"])
    assert result["operations"] == []
    assert result["summary"][0].startswith(f"tcp {VIP}:80  192.0.2.2:80  ok  {cluster.mac(2)}  ")


def test_not_permitted(cluster: Segment) -> None:
    result = cluster.host(1).module("realserver_path_info", lacking=RIGHTS, services=[service("192.0.2.2")])
    assert result["failed"]
    assert "this needs CAP_NET_RAW; run the task as root (become: true)." in result["msg"]
