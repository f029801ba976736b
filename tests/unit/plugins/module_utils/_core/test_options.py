# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks that the options of several modules share."""

from __future__ import annotations

from typing import Any, Callable

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import InvalidValue
from ansible_collections.lvs.cluster.plugins.module_utils._core.options import (
    choice,
    given,
    in_range,
    parse_list,
    parse_mappings,
    parse_wait,
    switch,
)

SPEC: dict[str, Any] = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "scope": {"type": "str", "choices": ["link", "host"]},
    "purge": {"type": "bool", "default": True},
}


def test_given_leaves_out_what_has_no_value() -> None:
    assert given({"a": 0, "b": None, "c": "x"}) == {"a": 0, "c": "x"}
    assert given({"a": 0, "b": None, "c": "x"}, ("b", "c", "d")) == {"c": "x"}
    assert given(None) == {}


def test_an_option_without_a_value_gets_its_default() -> None:
    assert choice({"state": None}, "state", SPEC) == "present"
    assert choice({}, "scope", SPEC) is None
    assert choice({"scope": "host"}, "scope", SPEC) == "host"
    assert switch({"purge": None}, "purge", SPEC) is True
    assert switch({"purge": False}, "purge", SPEC) is False
    assert parse_wait({}, "timeout", 2.0, 60) == 2.0
    assert parse_wait({"timeout": 60}, "timeout", 2.0, 60) == 60


@pytest.mark.parametrize(
    ("parse", "message"),
    [
        (lambda: choice({"scope": "x"}, "scope", SPEC), "scope: 'x' is not a choice; choose from link, host."),
        (lambda: switch({"purge": "yes"}, "purge", SPEC), "purge: 'yes' is neither true nor false; write one of them."),
        (lambda: in_range("port", 0, 1, 9), "port: 0 is out of range; give a number from 1 to 9."),
        (lambda: in_range("port", True, 1, 9), "port: True is out of range; give a number from 1 to 9."),
        (lambda: in_range("port", 1.5, 1, 9), "port: 1.5 is out of range; give a number from 1 to 9."),
        (
            lambda: in_range("wait", 9.5, 1, 9, "seconds"),
            "wait: 9.5 is out of range; give a number from 1 to 9 seconds.",
        ),
        (
            lambda: parse_wait({"t": 0}, "t", 2.0, 60),
            "t: 0 is not above 0 and at most 60 seconds; write one such as 2.",
        ),
        (lambda: parse_list("open", "x", "list each"), "open: 'x' is not a list; list each."),
        (lambda: parse_list("open", [], "list each", 1), "open: [] is not a list with at least one entry; list each."),
        (lambda: parse_mappings("open", [{}, 1], "list each"), "open: 1 is not a dictionary; list each."),
    ],
)
def test_a_value_that_breaks_a_rule(parse: Callable[[], Any], message: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        parse()
    assert str(caught.value) == message


def test_values_that_keep_the_rules() -> None:
    assert in_range("port", 9, 1, 9) == 9
    assert in_range("wait", 0.5, 0, 9, "seconds") == 0.5
    assert parse_list("open", (), "list each") == ()
    assert parse_mappings("open", ({"a": 1},), "list each") == [{"a": 1}]
