# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of sysctl.d files: names, lines, merging, order, and what the next boot makes of them."""

from __future__ import annotations

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import LvsError
from ansible_collections.lvs.cluster.plugins.module_utils._core.paths import DROP_IN
from ansible_collections.lvs.cluster.plugins.module_utils._sysctl.checks import defeated_at_boot
from ansible_collections.lvs.cluster.plugins.module_utils._sysctl.files import (
    HEADER,
    boot_order,
    declared,
    next_boot,
    normalise,
    render,
)
from ansible_collections.lvs.cluster.plugins.module_utils._sysctl.model import SETTINGS, Former, Pair, Request
from ansible_collections.lvs.cluster.plugins.module_utils._sysctl.saved import dump, load
from hypothesis import given
from hypothesis import strategies as st

PAIRS = st.builds(Pair, st.sampled_from(["all", "default", "lo", "eth0", "eth0.100"]), st.sampled_from(list(SETTINGS)))
SETTINGS_OF_A_FILE = st.dictionaries(PAIRS, st.sampled_from(["0", "1", "2"]))
FOREIGN = st.lists(
    st.sampled_from(["# a comment", "; another", "", "kernel.panic = 5", "-net.ipv4.conf.all.rp_filter", "vm/x=1"])
)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("net.ipv4.conf.all.arp_ignore", "net/ipv4/conf/all/arp_ignore"),
        ("net/ipv4/conf/eth0.100/arp_ignore", "net/ipv4/conf/eth0.100/arp_ignore"),
        ("net.ipv4.conf.eth0/100.arp_ignore", "net/ipv4/conf/eth0.100/arp_ignore"),
        ("/net/ipv4/conf/eth0/rp_filter", "net/ipv4/conf/eth0/rp_filter"),
        ("hostname", "hostname"),
    ],
)
def test_names_are_read_by_their_first_separator(name, expected):
    assert normalise(name) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("net.ipv4.conf.all.arp_ignore=1", {Pair("all", "arp_ignore"): "1"}),
        (" - net/ipv4/conf/all/arp_ignore =  1 ", {Pair("all", "arp_ignore"): "1"}),
        ("net.ipv4.ip_forward = 1", {Pair("all", "forwarding"): "1"}),
        ("# net.ipv4.ip_forward = 1", {}),
        ("-net.ipv4.conf.all.rp_filter", {}),
        ("net.ipv4.conf.all.rp_filter", {}),
        ("net.ipv4.conf.all.tag = 1", {}),
        ("net.ipv6.conf.all.forwarding = 1", {}),
        ("net.ipv4.conf.all.arp_ignore = 0\nnet.ipv4.conf.all.arp_ignore = 2", {Pair("all", "arp_ignore"): "2"}),
    ],
)
def test_our_settings_are_found_in_a_file(line, expected):
    assert declared(line) == expected


@given(SETTINGS_OF_A_FILE, SETTINGS_OF_A_FILE, FOREIGN)
def test_merging_keeps_what_others_wrote_and_is_stable(first, second, foreign):
    start = "\n".join([*foreign, *(f"{pair.path.replace('/', '.')}=7" for pair in first if "." not in pair.target)])
    once = render(start, {**first, **second})
    again = render(once or "", {**first, **second})
    assert once == again
    assert declared(once or "") == {**first, **second}
    kept = [line for line in (once or "").splitlines() if line in foreign and line]
    assert kept == [line for line in foreign if line] or not once


@given(SETTINGS_OF_A_FILE, FOREIGN)
def test_taking_everything_out_leaves_the_lines_of_others_or_no_file(settings, foreign):
    left = render(render("".join(f"{line}\n" for line in foreign), settings) or "", {})
    if any(foreign):
        assert left is not None
        assert left.splitlines() == foreign
        assert not set(HEADER) & set(left.splitlines())
    else:
        assert left is None


def test_lines_stand_in_the_order_in_which_the_kernel_must_get_them():
    text = render("", dict.fromkeys(map(Pair._make, [
        ("eth0.100", "arp_ignore"), ("default", "arp_ignore"), ("all", "accept_redirects"),
        ("all", "arp_ignore"), ("eth0", "forwarding"), ("all", "forwarding"),
    ]), "1"))  # fmt: skip
    assert text is not None
    assert text.splitlines()[len(HEADER) :] == [
        "net/ipv4/conf/all/forwarding = 1",
        "net/ipv4/conf/eth0/forwarding = 1",
        "net/ipv4/conf/all/accept_redirects = 1",
        "net/ipv4/conf/all/arp_ignore = 1",
        "net/ipv4/conf/default/arp_ignore = 1",
        "net/ipv4/conf/eth0.100/arp_ignore = 1",
    ]


def test_a_file_hides_its_namesake_and_names_decide_the_order():
    assert boot_order(
        [
            "/usr/lib/sysctl.d/50-default.conf",
            "/etc/sysctl.d/50-default.conf",
            "/run/sysctl.d/99-z.conf",
            DROP_IN,
            "/etc/sysctl.d/99-sysctl.conf",
            "/etc/sysctl.d/README.sysctl",
            "/etc/sysctl.conf",
            "/usr/lib/sysctl.d/10-network-security.conf",
        ]
    ) == [
        "/usr/lib/sysctl.d/10-network-security.conf",
        "/etc/sysctl.d/50-default.conf",
        "/etc/sysctl.d/99-sysctl.conf",
        "/run/sysctl.d/99-z.conf",
        DROP_IN,
    ]


def boot(**files: str):
    texts = {f"/etc/sysctl.d/{name.replace('_', '-')}.conf": text for name, text in files.items()}
    kernel, _origins = next_boot(texts, ["eth0", "lo"])
    return lambda target, key: kernel.values[Pair(target, key)]


def test_boot_wildcards_yield_to_names_and_exclusions():
    value = boot(
        a10="net/ipv4/conf/all/rp_filter=1", z="net.ipv4.conf.*.rp_filter = 2\n-net.ipv4.conf.default.rp_filter"
    )
    assert [value(target, "rp_filter") for target in ("all", "default", "eth0", "lo")] == [1, 0, 2, 2]


def test_boot_interfaces_follow_default_but_lo_has_its_own():
    value = boot(a="net.ipv4.conf.default.arp_ignore = 1")
    assert [value(target, "arp_ignore") for target in ("all", "default", "eth0", "lo")] == [0, 1, 1, 0]


def test_boot_forwarding_couples_accept_redirects():
    value = boot(a="net.ipv4.conf.all.accept_redirects=1\nnet.ipv4.ip_forward=1")
    assert [value("all", "accept_redirects"), value("eth0", "forwarding"), value("default", "forwarding")] == [0, 1, 1]


def test_boot_a_repeated_value_keeps_its_early_place():
    """systemd leaves a line with an earlier one's value where that was: so the alias in between wins."""
    lines = ["net.ipv4.conf.all.forwarding=0", "net.ipv4.ip_forward=1", "net.ipv4.conf.all.forwarding=0"]
    assert boot(a=lines[0], b=lines[1], c=lines[2])("all", "forwarding") == 1


ARP = Request(("all", "default", "lo"), {"arp_ignore": 1})
OURS = "".join(f"{Pair(target, 'arp_ignore').path} = 1\n" for target in ARP.targets)


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("/etc/sysctl.d/10-a.conf", "net.ipv4.conf.all.arp_ignore = 0", []),
        ("/etc/sysctl.d/99-sysctl.conf", "net.ipv4.conf.all.arp_ignore = 0", []),
        ("/etc/sysctl.d/99-zzz.conf", "net.ipv4.conf.all.arp_ignore = 1", []),
        ("/etc/sysctl.d/99-zzz.conf", "net.ipv4.conf.*.arp_ignore = 0", []),
        ("/etc/sysctl.d/99-zzz.conf", "net.ipv4.conf.eth0.arp_ignore = 0", []),
        (
            "/etc/sysctl.d/99-zzz.conf",
            "# no\nnet.ipv4.conf.all.arp_ignore = 0",
            [
                "/etc/sysctl.d/99-zzz.conf, line 2, sets net/ipv4/conf/all/arp_ignore to 0 where 1 is asked for "
                "(at the next boot); change or remove that line."
            ],
        ),
        (
            "/usr/lib/sysctl.d/50-default.conf",
            "net.ipv4.conf.*.arp_ignore = 3",
            [
                "/usr/lib/sysctl.d/50-default.conf, line 1, sets net/ipv4/conf/eth0/arp_ignore to 3 where 1 is asked for "
                "(at the next boot); change or remove that line."
            ],
        ),
        ("/usr/lib/sysctl.d/50-default.conf", "net.ipv4.conf.*.arp_ignore = 2", []),
        ("/etc/sysctl.d/99-zzz.conf", "net.ipv4.conf.all.arp_ignore = 8", []),
        (
            "/etc/sysctl.conf",
            "net.ipv4.conf.default.arp_ignore=0",
            [
                "/etc/sysctl.conf, line 1, sets net/ipv4/conf/default/arp_ignore to 0 where 1 is asked for "
                "('sysctl --system', 'sysctl -p' and hosts that boot without systemd apply it last); "
                "change or remove that line."
            ],
        ),
    ],
)
def test_lines_of_other_files_that_defeat_ours_are_named(path, text, expected):
    assert defeated_at_boot(ARP, {DROP_IN: OURS, path: text}, ["eth0", "lo"], ["eth0", "lo"]) == expected


FORMER = st.dictionaries(PAIRS, st.builds(Former, st.integers(0, 8), st.none() | PAIRS))


@given(FORMER)
def test_memory_survives_its_file(former):
    assert load(dump(former)) == former


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "3", '{"format": 2, "former": {}}', '{"format": 1}', '{"format": 1, "former": []}',
     '{"format": 1, "former": {"net/ipv4/conf/all/arp_ignore": {}}}',
     '{"format": 1, "former": {"net/ipv4/conf/all/arp_ignore": {"value": "x"}}}'],
)  # fmt: skip
def test_damaged_memory_is_refused(text, error_words):
    with pytest.raises(LvsError) as caught:
        load(text)
    assert error_words(caught.value) == ("/var/lib/lvs-cluster/sysctl.json", None)
