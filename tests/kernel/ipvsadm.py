# SPDX-License-Identifier: GPL-3.0-or-later
"""What ipvsadm says of the table, in the words of our options: a reading that shares no code with ours."""

from __future__ import annotations

import shlex

FORWARDING = {"-g": "direct", "-i": "tunnel", "-m": "masquerade"}
CHECKSUMS = {"--tun-nocsum": "none", "--tun-csum": "plain", "--tun-remcsum": "remote"}


def endpoint(text: str) -> tuple[str, int]:
    """Split ``192.0.2.1:80`` or ``[2001:db8::1]:80``."""
    address, port = text.rsplit(":", 1)
    return address.strip("[]"), int(port)


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
        elif word == "--pe":
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


def parse_thresholds(text: str) -> dict:
    """Return server -> (upper, lower), of the output of ``ipvsadm -Ln --thresholds``."""
    found = {}
    for line in text.splitlines():
        words = line.split()
        if words[:1] == ["->"] and words[1] != "RemoteAddress:Port":
            # Remote address, upper and lower threshold, active and inactive connections
            found[endpoint(words[1])] = (int(words[2]), int(words[3]))
    return found
