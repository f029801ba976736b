# SPDX-License-Identifier: GPL-3.0-or-later
"""What the roles' variables make of the networks of a host, without a host."""

from __future__ import annotations

import json
from typing import Any

import pytest
from commands import PROJECT, execute

VIP, OTHER = "192.0.2.30", "198.51.100.30"
REPORT = {
    "facts": {
        "interfaces": [
            {"name": "eth0", "mac": "02:00:00:00:00:01", "up": True, "addresses": ["192.0.2.3/24"], "arp": True},
            {"name": "eth1", "mac": "02:00:00:00:00:02", "up": True, "addresses": ["198.51.100.3/24"], "arp": True},
        ]
    }
}
SERVICES = [
    {"name": "web", "address": VIP, "ports": [80], "directors": ["one", "two"]},
    {"name": "mail", "address": OTHER, "ports": [25], "directors": ["two", "one"]},
]


# By name: the role, its variables that are set, and those to be read.
DIRECTOR = ["_director_vip_devices", "_director_standby_devices", "_director_interfaces"]
YIELDED = ["_director_yielded_devices", "_director_interfaces"]
# The host was a director of the second service, and is not any more.
LEFT = (
    "{{ (lvs_services[:1] + [lvs_services[1] | combine({'directors': ['two']})]) "
    "| lvs.cluster.host_view(groups, hostvars, 'one') }}"
)
TABLE = ["_director_ipvs_services", "_director_withheld_services"]
SERVER = ["_realserver_may_answer", "_realserver_boot_devices"]
OWN = {"address": OTHER, "port": 25, "real_servers": []}
BOTH = [VIP, "2001:db8::30"]
CASES: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "by network": ("director", {}, DIRECTOR),
    "one for all": ("director", {"director_vip_interface": "eth1"}, DIRECTOR),
    "one by name": ("director", {"director_vip_interface": {VIP: "dummy0"}}, DIRECTOR),
    "no network": ("director", {"lvs_host_report": {"facts": {"interfaces": []}}}, DIRECTOR),
    "no VIPs": ("director", {"director_vips": [], "director_standby_vips": []}, DIRECTOR),
    "stands by": ("director", {}, YIELDED),
    "was a director": ("director", {"_topology_view": LEFT}, YIELDED),
    "VIPs of its own": ("director", {"director_vips": []}, YIELDED),
    "table": ("director", {}, TABLE),
    "own table": ("director", {"director_services": [OWN]}, TABLE),
    "sysctl": ("realserver", {"realserver_vips": BOTH}, SERVER),
    "arptables": ("realserver", {"realserver_vips": [VIP], "realserver_arp_mode": "arptables"}, SERVER),
    "arptables, IPv6": ("realserver", {"realserver_vips": BOTH, "realserver_arp_mode": "arptables"}, SERVER),
    "none": ("realserver", {"realserver_vips": BOTH, "realserver_arp_mode": "none"}, SERVER),
}


@pytest.fixture(scope="module", name="found")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Return the variables of each case, from one run with a play for each on a host of its own."""
    directory = tmp_path_factory.mktemp("roles")
    inventory = {
        "all": {
            "vars": {
                "lvs_services": SERVICES,
                "ansible_connection": "local",
                "ansible_python_interpreter": "{{ ansible_playbook_python }}",
            },
            "children": {
                "directors": {"hosts": {"one": {"ansible_host": "192.0.2.3"}, "two": {"ansible_host": "192.0.2.2"}}},
                "realservers": {"hosts": {"one": {}}},
                "cases": {"hosts": {f"case{number}": {} for number in range(len(CASES))}},
            },
        }
    }
    (directory / "hosts.json").write_text(json.dumps(inventory))
    plays = []
    for number, (role, variables, names) in enumerate(CASES.values()):
        folder = PROJECT / "roles" / role
        view = "{{ lvs_services | lvs.cluster.host_view(groups, hostvars, 'one') }}"
        given = {"lvs_host_report": REPORT, "director_interface": "eth0", "_topology_view": view, **variables}
        values = ", ".join(f"'{name}': {name}" for name in names)
        written = {"content": "{{ {" + values + "} | to_json }}", "dest": f"{directory}/{number}.json", "mode": "0600"}
        files = [str(folder / kind / "main.yml") for kind in ("defaults", "vars")]
        tasks = [{"ansible.builtin.set_fact": given}, {"ansible.builtin.copy": written}]
        plays.append({"hosts": f"case{number}", "gather_facts": False, "vars_files": files, "tasks": tasks})
    (directory / "play.json").write_text(json.dumps(plays))
    run = execute("ansible-playbook", str(directory / "play.json"), "-i", str(directory / "hosts.json"))
    assert run.status == 0, run.output
    return {name: json.loads((directory / f"{number}.json").read_text()) for number, name in enumerate(CASES)}


@pytest.mark.parametrize(
    ("case", "vips", "standby", "interfaces"),
    [
        ("by network", {"eth0": [VIP]}, {"eth1": [OTHER]}, ["eth0", "eth1"]),
        ("one for all", {"eth1": [VIP]}, {"eth1": [OTHER]}, ["eth0", "eth1"]),
        ("one by name", {"dummy0": [VIP]}, {"eth1": [OTHER]}, ["eth0", "dummy0", "eth1"]),
        ("no network", {"eth0": [VIP]}, {"eth0": [OTHER]}, ["eth0"]),
        ("no VIPs", {}, {}, ["eth0"]),
    ],
)
def test_the_interfaces_of_a_director(
    found: dict[str, dict[str, Any]], case: str, vips: Any, standby: Any, interfaces: list[str]
) -> None:
    one = found[case]
    assert {each["interface"]: each["addresses"] for each in one["_director_vip_devices"]} == vips
    assert {each["interface"]: each["addresses"] for each in one["_director_standby_devices"]} == standby
    assert one["_director_interfaces"] == interfaces


@pytest.mark.parametrize(
    ("case", "interfaces"),
    [("stands by", ["eth0", "eth1"]), ("was a director", ["eth0"]), ("VIPs of its own", ["eth0", "eth1"])],
)
def test_the_vips_that_a_director_releases(found: dict[str, dict[str, Any]], case: str, interfaces: list[str]) -> None:
    """Also of a service that does not name it any more, whose interface is then no longer its own."""
    one = found[case]
    assert {each["interface"]: each["addresses"] for each in one["_director_yielded_devices"]} == {"eth1": [OTHER]}
    assert one["_director_interfaces"] == interfaces


def test_a_director_that_serves_has_the_services_of_its_own_vips(found: dict[str, dict[str, Any]]) -> None:
    """And none of those for which it stands by, whatever an earlier run left; its own variable is left as it is."""
    table = found["table"]
    assert [one["address"] for one in table["_director_ipvs_services"]] == [VIP]
    assert [(one["address"], one["state"]) for one in table["_director_withheld_services"]] == [(OTHER, "absent")]
    assert found["own table"]["_director_withheld_services"] == []


@pytest.mark.parametrize(
    ("case", "announce"), [("sysctl", None), ("arptables", 0), ("arptables, IPv6", None), ("none", 0)]
)
def test_what_keeps_the_vips_of_a_server_out_of_arp(
    found: dict[str, dict[str, Any]], case: str, announce: int | None
) -> None:
    """Where it is not the device, the boot announces nothing either."""
    assert found[case]["_realserver_may_answer"] == (announce == 0)
    assert [one.get("announce") for one in found[case]["_realserver_boot_devices"]] == [announce]
