# SPDX-License-Identifier: GPL-3.0-or-later
"""What ipvsadm says of the table, in the words of our options, and the reverse: it shares no code with ours."""

from __future__ import annotations

import shlex

FORWARDING = {"-g": "direct", "-i": "tunnel", "-m": "masquerade"}
CHECKSUMS = {"--tun-nocsum": "none", "--tun-csum": "plain", "--tun-remcsum": "remote"}
SERVICE = {"tcp": "-t", "udp": "-u", "sctp": "--sctp-service"}
# Flags that the kernel keeps and ipvsadm neither prints nor takes.
UNKNOWN_FLAGS = {"sh": ("flag-3",), "mh": ("flag-3",)}


def endpoint(text: str) -> tuple[str, int]:
    """Split ``192.0.2.1:80`` or ``[2001:db8::1]:80``."""
    address, port = text.rsplit(":", 1)
    return address.strip("[]"), int(port)


def joined(address: str, port: int) -> str:
    """Write ``192.0.2.1:80`` or ``[2001:db8::1]:80``."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def key_of(service: dict) -> str:
    """Return the words with which ipvsadm names the service."""
    if "fwmark" in service:
        return f"-f {service['fwmark']}" + (" -6" if service["address_family"] == "ipv6" else "")
    return f"{SERVICE[service['protocol']]} {joined(service['address'], service['port'])}"


def parse_save(text: str) -> dict:
    """Return service -> its settings and servers, of the output of ``ipvsadm -Sn``."""
    table = {}
    for line in text.splitlines():
        words = shlex.split(line)
        service, words = words[1:3], [words[0], *words[3:]]
        if words[1:2] == ["-6"]:
            service, words = [*service, "-6"], [words[0], *words[2:]]
        key = " ".join(service)
        if words[0] == "-A":
            table[key] = {**_service(words[1:]), "servers": {}}
        else:
            address, server = _server(words[1:])
            table[key]["servers"][address] = server
    return table


def _service(words: list[str]) -> dict:
    found = {"scheduler": None, "flags": set(), "persistence": 0, "netmask": None, "engine": None, "one_packet": False}
    rest = iter(words)
    for word in rest:
        if word == "-s":
            found["scheduler"] = next(rest)
        elif word == "-b":
            # Of sh and mh it does not know the third flag: alone, that leaves the option without a value.
            found["flags"] = set(filter(None, next(rest, "").split(",")))
        elif word == "-p":
            found["persistence"] = int(next(rest))
        elif word == "-M":
            found["netmask"] = next(rest)
        elif word in ("--pe", "pe"):
            found["engine"] = next(rest)
        elif word in ("-o", "--ops"):
            found["one_packet"] = True
        else:
            raise ValueError(f"ipvsadm prints {word!r}, which this reading does not know")
    return found


def _server(words: list[str]) -> tuple[tuple[str, int], dict]:
    found = {"tunnel_type": "ipip", "tunnel_port": 0, "tunnel_checksum": "none"}
    rest = iter(words)
    address = ("", 0)
    for word in rest:
        if word == "-r":
            address = endpoint(next(rest))
        elif word in FORWARDING:
            found["forwarding"] = FORWARDING[word]
        elif word == "-w":
            found["weight"] = int(next(rest))
        elif word == "--tun-type":
            found["tunnel_type"] = next(rest)
        elif word == "--tun-port":
            found["tunnel_port"] = int(next(rest))
        elif word in CHECKSUMS:
            found["tunnel_checksum"] = CHECKSUMS[word]
        else:
            raise ValueError(f"ipvsadm prints {word!r}, which this reading does not know")
    return address, found


def expected(services: list[dict]) -> dict:
    """Return what parse_save() has to find of services in the words of our options."""
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
            "engine": service["persistence_engine"] or None,
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


def parse_thresholds(text: str) -> list:
    """Return every server as (address, upper, lower), of the output of ``ipvsadm -Ln --thresholds``."""
    found = []
    for line in text.splitlines():
        words = line.split()
        if words[:1] == ["->"] and words[1] != "RemoteAddress:Port":
            # Remote address, upper and lower threshold, active and inactive connections
            found.append((words[1], int(words[2]), int(words[3])))
    return sorted(found)


def expected_thresholds(services: list[dict]) -> list:
    """Return what parse_thresholds() has to find."""
    return sorted(
        (joined(server["address"], server["port"]), server["upper_threshold"], server["lower_threshold"])
        for service in services
        for server in service["real_servers"]
    )


def writable(services: list[dict]) -> list[dict]:
    """Return the services without what ipvsadm can't write: flags that it does not know, a mask without persistence."""
    found = []
    for service in services:
        host = "255.255.255.255" if ipv4(service) else "128"
        unknown = UNKNOWN_FLAGS.get(service["scheduler"], ())
        mask = service["persistence_netmask"] if service["persistence_timeout"] else host
        flags = [flag for flag in service["scheduler_flags"] if flag not in unknown]
        found.append({**service, "scheduler_flags": flags, "persistence_netmask": mask})
    return found


def ipv4(service: dict) -> bool:
    """Whether this is an IPv4 service."""
    return service.get("address_family") == "ipv4" or "." in service.get("address", "")


def rules(services: list[dict]) -> str:
    """Return the input with which ``ipvsadm --restore`` makes the services."""
    lines = []
    for service in services:
        key = key_of(service)
        words = ["-A", key, "-s", service["scheduler"]]
        words += ["-b", ",".join(service["scheduler_flags"])] if service["scheduler_flags"] else []
        words += ["-o"] if service["one_packet"] else []
        if service["persistence_timeout"]:
            words += ["-p", str(service["persistence_timeout"]), "-M", service["persistence_netmask"]]
        words += ["--pe", service["persistence_engine"]] if service["persistence_engine"] else []
        lines.append(words)
        lines += [["-a", key, *_server_words(server)] for server in service["real_servers"]]
    return "".join(" ".join(words) + "\n" for words in lines)


def _server_words(server: dict) -> list[str]:
    option = {name: word for word, name in FORWARDING.items()}[server["forwarding"]]
    words = ["-r", joined(server["address"], server["port"]), option, "-w", str(server["weight"])]
    words += ["-x", str(server["upper_threshold"]), "-y", str(server["lower_threshold"])]
    if server["forwarding"] == "tunnel":
        words += ["--tun-type", server["tunnel_type"]]
        words += ["--tun-port", str(server["tunnel_port"])] if server["tunnel_port"] else []
        checksum = {name: word for word, name in CHECKSUMS.items()}[server["tunnel_checksum"]]
        words += [checksum] if server["tunnel_type"] != "ipip" else []
    return words
