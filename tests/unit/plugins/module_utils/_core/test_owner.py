# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of clusters: what is taken, and that two of them never call two things the same."""

from __future__ import annotations

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import InvalidValue
from ansible_collections.lvs.cluster.plugins.module_utils._core.owner import (
    LONGEST_OWNER,
    Owner,
    owned_name,
    owner_and_name,
)
from ansible_collections.lvs.cluster.plugins.module_utils._core.paths import PROGRAM, program_path
from ansible_collections.lvs.cluster.plugins.module_utils._firewall.policy import policy_names
from hypothesis import given
from hypothesis import strategies as st

NAMES = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True) | st.sampled_from(
    ["default", "director", "via", "a-b", "a"]
)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, Owner()),
        ({"owner": None, "former_owner": None}, Owner()),
        ({"owner": "web", "former_owner": ""}, Owner("web")),
        ({"owner": "web-2", "former_owner": "default"}, Owner("web-2", "default")),
        ({"owner": "a" * LONGEST_OWNER}, Owner("a" * LONGEST_OWNER)),
    ],
)
def test_owners(options, expected):
    assert Owner.from_options(options) == expected


@pytest.mark.parametrize(
    ("options", "option"),
    [
        *(({"owner": name}, "owner") for name in ("", "Web", "a.b", "a_b", "-a", "a-", "a" * (LONGEST_OWNER + 1), 7.5)),
        ({"former_owner": "Web"}, "former_owner"),
        ({"owner": "web", "former_owner": "web"}, "former_owner"),
        ({"former_owner": "default"}, "former_owner"),
    ],
)
def test_what_is_no_name(options, option, error_words):
    with pytest.raises(InvalidValue) as refusal:
        Owner.from_options(options)
    assert error_words(refusal.value)[0] == option


def test_the_cluster_default_has_the_names_of_before():
    assert (owned_name("default", "director"), program_path("default")) == ("director", PROGRAM)
    assert policy_names("director") == {"in": "lvs-director", "through": "lvs-director_via"}
    assert program_path("web") == "/usr/local/lib/lvs-cluster/web.restore.pyz"


@given(st.tuples(NAMES, NAMES), st.tuples(NAMES, NAMES))
def test_two_declarations_never_have_one_name(one, other):
    labels = owned_name(*one), owned_name(*other)
    assert owner_and_name(labels[0]) == one
    assert (labels[0] == labels[1]) == (one == other)
    policies = [name for label in set(labels) for name in policy_names(label).values()]
    assert len(set(policies)) == len(policies)
    assert all(len(name) <= 17 for label in labels if "." in label for name in policy_names(label).values())


def test_who_owns_what():
    owner = Owner("web", "default")
    assert [owner.owns(name) for name in ("web", "default", "mail")] == [True, True, False]
    assert [Owner("web").owns(name) for name in ("web", "default", "")] == [True, False, False]
    assert (owner.label("director"), owner.former_label("director")) == ("web.director", "director")
    assert Owner("web").former_label("director") == ""
