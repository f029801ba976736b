# SPDX-License-Identifier: GPL-3.0-or-later
"""What Ansible itself makes of the views: templated and unsafe variables, the roles' defaults, and what is documented of them."""

from __future__ import annotations

import functools
import json
import re

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.lvs.cluster.plugins.filter.topology import FilterModule
from ansible_collections.lvs.cluster.plugins.module_utils._core.protocols import FORWARDING_METHODS, TRANSPORTS
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.model import TUNNEL_CHECKSUMS, TUNNEL_TYPES
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology import reader as topology_reader
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.hosts import STATES
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.values import KINDS
from commands import PROJECT, execute

CHOICES = {
    "protocol": TRANSPORTS,
    "forwarding": FORWARDING_METHODS,
    "tunnel_type": TUNNEL_TYPES,
    "tunnel_checksum": TUNNEL_CHECKSUMS,
}
FILTERS = FilterModule().filters()
INVENTORY = r"""
all:
  vars:
    segment: 192.0.2
    lvs_services:
      - name: web
        address: ["{{ segment }}.30", !unsafe "2001:db8::30"]
        ports: ["{{ 40 + 40 }}"]
        real_servers: "{{ groups['realservers'] }}"
        scheduler: !unsafe wlc
      - {name: mail, address: "{{ segment }}.31", ports: [25, 587], fwmark: "{{ 7 }}", directors: [lb2, lb1], keep_weight: true}
  children:
    directors:
      vars: {director_address: "{{ ansible_host }}", director_interface: eth0}
      hosts:
        lb1: {ansible_host: "{{ segment }}.2"}
        lb2: {ansible_host: "{{ segment }}.3"}
    realservers:
      vars: {realserver_address: ["{{ segment }}.{{ own }}", "2001:db8::{{ own }}"]}
      hosts:
        rs1: {own: 4, realserver_weight: "{{ 2 }}"}
        rs2: {own: 5, realserver_state: drained}
"""
PLAYBOOK = """
- hosts: all
  connection: local
  gather_facts: false
  vars: {{ansible_python_interpreter: "{{{{ ansible_playbook_python }}}}"}}
  vars_files: [{roles}/topology/defaults/main.yml, {roles}/director/defaults/main.yml, {roles}/realserver/defaults/main.yml]
  tasks:
    - ansible.builtin.validate_argument_spec:
        argument_spec: "{{{{ (lookup('file', '{roles}/director/meta/argument_specs.yml') | from_yaml).argument_specs.main.options }}}}"
      when: inventory_hostname in groups['directors']
    - ansible.builtin.validate_argument_spec:
        argument_spec: "{{{{ (lookup('file', '{roles}/realserver/meta/argument_specs.yml') | from_yaml).argument_specs.main.options }}}}"
    - ansible.builtin.copy:
        content: "{{{{ {{{views}}} | to_json }}}}"
        dest: "{folder}/{{{{ inventory_hostname }}}}.json"
        mode: "0600"
"""


def called(name: str) -> str:
    """Return the call of a view as its documentation shows it."""
    told = yaml.safe_load((PROJECT / "plugins" / "filter" / f"{name}.yml").read_text())
    (call,) = re.findall(r"\{\{ (.*) \}\}", told["EXAMPLES"])
    assert call.startswith(f"lvs_services | lvs.cluster.{name}(")
    return call


def played(tmp_path, inventory: str):
    views = ", ".join(f"'{name}': {called(name)}" for name in FILTERS)
    (tmp_path / "hosts.yml").write_text(inventory)
    (tmp_path / "play.yml").write_text(PLAYBOOK.format(roles=PROJECT / "roles", views=views, folder=tmp_path))
    return execute("ansible-playbook", "-i", str(tmp_path / "hosts.yml"), str(tmp_path / "play.yml"), COLUMNS="100000")


def test_views_in_a_playbook(tmp_path):
    run = played(tmp_path, INVENTORY)
    assert run.status == 0, run.output
    seen = {host: json.loads((tmp_path / f"{host}.json").read_text()) for host in ("lb1", "lb2", "rs1", "rs2")}
    vips = ["192.0.2.30", "2001:db8::30"]
    for host, own in seen.items():
        assert own["cluster_vips"] == [*vips, "192.0.2.31"]
        assert own["cluster_dips"] == ["192.0.2.2", "192.0.2.3"]
        assert len(own["cluster_openings"]) == 4
        assert own["realserver_vips"] == ([*vips, "192.0.2.31"] if host.startswith("rs") else [])
        assert (own["realserver_tunnels"], own["director_forwarding"]) == ([], 0)
        assert own["realserver_arp_source"] == {"rs1": "192.0.2.4", "rs2": "192.0.2.5"}.get(host, "")
        assert own["realserver_openings"] == (own["cluster_openings"] if host.startswith("rs") else [])
        assert own["director_openings"] == (own["cluster_openings"] if host.startswith("lb") else [])
    lb1, lb2 = seen["lb1"], seen["lb2"]
    assert (lb1["director_vips"], lb1["director_standby_vips"]) == (vips, ["192.0.2.31"])
    assert (lb2["director_vips"], lb2["director_standby_vips"]) == (["192.0.2.31"], vips)
    assert lb1["director_services"] == lb2["director_services"]
    assert lb1["director_marks"] == [{"address": "192.0.2.31", "mark": 7, "ports": [25, 587], "protocol": "tcp"}]
    four, six, mail = lb1["director_services"]
    assert six == {
        "address": "2001:db8::30",
        "port": 80,
        "protocol": "tcp",
        "scheduler": "wlc",
        "real_servers": [
            {"address": "2001:db8::4", "forwarding": "direct", "state": "present", "weight": 2},
            {"address": "2001:db8::5", "forwarding": "direct", "state": "drained"},
        ],
    }
    assert four["real_servers"][0]["address"] == "192.0.2.4"
    assert (mail["fwmark"], mail["address_family"]) == (7, "ipv4")
    assert [server["initial_weight"] for server in mail["real_servers"]] == [2, 1]


def test_ranges_protocols_and_sources_in_a_playbook(tmp_path):
    """The roles' argument specs take them, also from templates."""
    taken = (
        "ports: ['{{ 20 + 5 }}', 40000-40010], protocol: [tcp, udp], prove_ports: [40000], sources: ['{{ segment }}.9']"
    )
    run = played(tmp_path, INVENTORY.replace("ports: [25, 587]", taken))
    assert run.status == 0, run.output
    lb1 = json.loads((tmp_path / "lb1.json").read_text())
    assert [(one["protocol"], one["ports"]) for one in lb1["director_marks"]] == [
        ("tcp", [25, "40000-40010"]),
        ("udp", [25, "40000-40010"]),
    ]
    assert lb1["director_prove_ports"] == [
        {"service": {"fwmark": 7, "address_family": "ipv4"}, "address": "192.0.2.31", "ports": [40000]}
    ]
    assert {one.get("source") for one in lb1["director_openings"]} == {None, "192.0.2.9"}


def test_mistakes_in_a_playbook(tmp_path):
    run = played(tmp_path, INVENTORY.replace("ports: [25, 587]", "ports: [0], colour: red"))
    assert run.status != 0
    assert "lvs_services (mail).ports: '0' is out of range; give a number from 1 to 65535." in run.output
    assert "lvs_services (mail): 'colour' is not an option; " in run.output


def test_a_filter_says_all_that_is_wrong():
    with pytest.raises(AnsibleFilterError, match=r"(?s)'name' is missing; give it name\..*\.directors is empty; "):
        FILTERS["cluster_vips"]([{"address": "192.0.2.30", "ports": [80], "real_servers": []}], {}, {})


@functools.cache
def specified(role: str) -> dict:
    """Return the options of a role, as it documents and checks them."""
    return yaml.safe_load((PROJECT / "roles" / role / "meta" / "argument_specs.yml").read_text())["argument_specs"][
        "main"
    ]["options"]


def test_what_is_documented_of_a_service_is_what_is_read():
    told = specified("director")["lvs_services"]["options"]
    assert sorted(told) == sorted(topology_reader.KNOWN)
    types = {"text": "str", "netmask": "str", "number": "int", "bool": "bool", "list": "list"}
    for name, kind in KINDS.items():
        if name in told:
            assert told[name]["type"] == types[kind], name
    for name, choices in CHOICES.items():
        assert told[name]["choices"] == list(choices), name
    assert specified("realserver")["realserver_state"]["choices"] == list(STATES["realserver_state"])
    assert specified("director")["director_state"]["choices"] == list(STATES["director_state"])


ROLES = sorted(path.parent.parent.name for path in PROJECT.glob("roles/*/meta/argument_specs.yml"))


@pytest.mark.parametrize("role", ROLES)
def test_defaults_of_a_role_are_as_documented(role):
    """Options of the spec and defaults of the role are the same on both sides; a default from lvs_services is told in words."""
    defaults = yaml.safe_load((PROJECT / "roles" / role / "defaults" / "main.yml").read_text())
    options = specified(role)
    views = {name for name, value in defaults.items() if str(value).startswith("{{ _topology_view.")}
    told = {name: option["default"] for name, option in options.items() if "default" in option}
    assert told == {name: value for name, value in defaults.items() if name not in views}
    for name in views:
        assert "By default " in " ".join(options[name]["description"]), name
    without = options.keys() - defaults.keys()
    # Those that all roles share have no default of one role. Without director_forwarding the role leaves that sysctl to
    # others, which no value of it says; so it is with the length of a message, and other options stand for the rest.
    shared = {"lvs_services", "lvs_cluster_name", "lvs_cluster_formerly", "director_forwarding"}
    shared |= {"director_sync_interface", "director_sync_id", "director_sync_max_length"}
    assert {name for name in without if not options[name].get("required")} <= shared


def test_every_role_but_the_internal_one_has_a_spec():
    assert ROLES == ["director", "gateway", "lab", "realserver", "webserver"]
    internal = {path.name for path in (PROJECT / "roles").iterdir() if path.is_dir()} - set(ROLES)
    assert internal == {"topology"}
    assert "\nInternal. " in (PROJECT / "roles" / "topology" / "README.md").read_text()


def test_the_whole_view_has_each_part(tmp_path):
    """Each filter for a host is a part of host_view by the same name, and the fact of the roles is the same view."""
    run = played(tmp_path, INVENTORY)
    assert run.status == 0, run.output
    for host, vips in (("lb1", "this_host another"), ("lb2", "another this_host"), ("rs1", "another another")):
        own = json.loads((tmp_path / f"{host}.json").read_text())
        view = own["host_view"]
        assert {name: view[name] for name in FILTERS if name != "host_view"} == {
            name: own[name] for name in FILTERS if name != "host_view"
        }
        web, mail = vips.split()
        assert view["owners"] == {
            "192.0.2.30": {"owner": web, "director": "lb1"},
            "2001:db8::30": {"owner": web, "director": "lb1"},
            "192.0.2.31": {"owner": mail, "director": "lb2"},
        }
        assert view["roles"] == (["director"] if host.startswith("lb") else ["realserver"])
        # A service by a mark is proved at the first of its ports alone.
        assert view["client_services"] == [
            {"address": one["address"], "port": one["port"]} for one in view["cluster_openings"] if one["port"] != 587
        ]


def test_a_view_without_the_mistakes():
    services = [{"name": "web", "address": "192.0.2.0/24", "ports": [80]}]
    with pytest.raises(AnsibleFilterError, match=r"192\.0\.2\.0/24"):
        FILTERS["host_view"](services, {}, {}, "lb1")
    view = FILTERS["host_view"](services, {"directors": ["lb1"]}, {}, "lb1", True)
    assert (view["preflight_addresses"], view["owners"], view["roles"]) == ([], {}, ["director"])
