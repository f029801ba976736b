# SPDX-License-Identifier: GPL-3.0-or-later
"""The declarations of a host: whose they are, by their files."""

from __future__ import annotations

import json

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import LvsError
from ansible_collections.lvs.cluster.plugins.module_utils._core.owner import Owner
from ansible_collections.lvs.cluster.plugins.module_utils._owner.declarations import (
    labels,
    read_declaration,
    read_others,
    read_siblings,
)
from ansible_collections.lvs.cluster.plugins.module_utils._owner.summary import Summary, read_summaries

# The file of a director as release 1.0.0 wrote it, which knew of no owners
OF_1_0_0 = """\
{
  "arp_filters": [],
  "firewall": [
    {
      "backend": "auto",
      "marks": [],
      "name": "director",
      "open": [
        {
          "address": "192.0.2.30",
          "port": 80,
          "protocol": "tcp"
        }
      ],
      "untracked": true
    }
  ],
  "neighbors": [],
  "services": [
    {
      "address": "192.0.2.30",
      "port": 80,
      "protocol": "tcp",
      "purge": true,
      "real_servers": [
        {
          "address": "192.0.2.4",
          "forwarding": "direct",
          "weight": 1
        }
      ],
      "scheduler": "rr"
    }
  ],
  "timeouts": {},
  "vips": [
    {
      "addresses": [
        "192.0.2.30"
      ],
      "interface": "lan0"
    }
  ]
}
"""


@pytest.fixture
def disk(tmp_path):
    """Return a function that writes a file of /etc/lvs-cluster below a root, which it returns."""
    directory = tmp_path / "etc/lvs-cluster"
    directory.mkdir(parents=True)

    def write(name, content):
        text = content if isinstance(content, str) else json.dumps(content)
        (directory / name).write_text(text)
        return str(tmp_path)

    return write


def test_a_file_of_1_0_0_is_of_the_cluster_default(disk):
    root = disk("director.json", OF_1_0_0)
    (other,) = read_others(Owner("web"), root)
    assert (other.owner, other.name, other.state["vips"][0]["interface"]) == ("default", "director", "lan0")
    assert read_others(Owner(), root) == []
    assert read_others(Owner("web", "default"), root) == []
    assert read_summaries(root) == (Summary("default", "director", ("192.0.2.30",), ("tcp 192.0.2.30:80",)),)


def test_each_owner_sees_the_others(disk):
    root = disk("director.json", {"owner": "default"})
    for name in ("web.director", "web.realserver", "mail.realserver"):
        disk(f"{name}.json", {"owner": name.partition(".")[0]})
    disk("director.json.bak", "{")
    disk(".director.json.x1", "{")
    assert labels(root) == ["director", "mail.realserver", "web.director", "web.realserver"]
    assert [(one.owner, one.name) for one in read_others(Owner("web"), root)] == [
        ("default", "director"),
        ("mail", "realserver"),
    ]
    assert [one.name for one in read_siblings(Owner("web"), "director", root)] == ["realserver"]


def test_no_directory_is_no_declaration(tmp_path):
    assert read_others(Owner(), str(tmp_path)) == []
    assert read_summaries(str(tmp_path)) == ()


@pytest.mark.parametrize("content", ["{", "[]", "7", {"owner": "mail"}])
def test_what_cannot_be_read_of_another_cluster_ends_the_run(disk, content, error_words):
    root = disk("web.director.json", content)
    with pytest.raises(LvsError) as refusal:
        read_others(Owner(), root)
    error_words(refusal.value)
    # Its own run writes it again, and a check tells of it.
    assert read_others(Owner("web"), root) == []
    assert [bool(one.problem) for one in read_summaries(root)] == [True]
    assert read_siblings(Owner("web"), "realserver", root) == []


def test_a_file_with_another_owner_in_it_is_refused(disk, error_words):
    root = disk("director.json", {"owner": "web"})
    with pytest.raises(LvsError) as refusal:
        read_declaration("director", root)
    error_words(refusal.value)
