# SPDX-License-Identifier: GPL-3.0-or-later
"""Every class of errors names its subject, value, rule and remedy in one sentence."""

from __future__ import annotations

import errno
from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._core import errors
from ansible_collections.lvs.cluster.plugins.module_utils._drain.wait import NotDrained
from ansible_collections.lvs.cluster.plugins.module_utils._lab import errors as lab_errors
from ansible_collections.lvs.cluster.plugins.module_utils._restore.client import ProgramMissing
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.finding import Finding, Findings
from error_classes import error_classes

PARTS = ("weight", -1, "is out of range", "give a number from 0 to 9")
WEIGHT = "weight: -1 is out of range; give a number from 0 to 9."
TEXT = ("name", "a", "is not known", "choose from b, c")
NAME = "name: 'a' is not known; choose from b, c."
FINDING = Finding("rs1", "weight", "-1", "is out of range", "write 0")
NUMBER = {"errno": errno.EIO}

# What each class is made of, the sentence, and what else it has.
TABLE: dict[type[errors.LvsError], tuple[tuple[Any, ...], str, dict[str, Any]]] = {
    errors.LvsError: (PARTS, WEIGHT, {"results": {}}),
    errors.InvalidValue: (PARTS, WEIGHT, {}),
    errors.AddressConflict: (PARTS, WEIGHT, {}),
    errors.KernelRefusal: ((*PARTS, errno.EIO), WEIGHT, NUMBER),
    errors.NotPermitted: ((*PARTS, errno.EIO), WEIGHT, NUMBER),
    errors.NotSupported: (PARTS, WEIGHT, {}),
    errors.ServiceRefusal: (PARTS, WEIGHT, {}),
    errors.PrerequisiteMissing: (
        (*PARTS, "it is there"),
        WEIGHT,
        {"prediction": "The changes of this task cannot be predicted before it is there."},
    ),
    errors.LibraryMissing: (
        ("dbus", "python3-dbus", "firewalld"),
        "Python library: 'dbus' is missing on this host; install the package python3-dbus.",
        {
            "library": "dbus",
            "reason": "for firewalld; install the package python3-dbus",
            "prediction": "The changes of this task cannot be predicted before python3-dbus is installed.",
        },
    ),
    errors.MalformedAnswer: (
        ("x is missing",),
        "The kernel's answer cannot be parsed: x is missing; the task did not act on it: report this with the output of "
        "`uname -r`.",
        {},
    ),
    errors.ErrorGroup: (
        ([errors.InvalidValue(*PARTS), errors.InvalidValue(*TEXT), errors.InvalidValue(*TEXT)],),
        f"{WEIGHT}\n{NAME}",
        {"subject": "weight"},
    ),
    Findings: (
        ([FINDING],),
        "rs1: weight: '-1' is out of range; write 0.",
        {"findings": (FINDING,), "results": {"findings": [FINDING._asdict()]}},
    ),
    NotDrained: (
        (5, ["a still has 1 active connections"], {"drain": {}}),
        "drain_timeout: 5 s passed, but a still has 1 active connections; the server keeps weight 0: run the task "
        "again to wait longer, or end these connections.",
        {"results": {"drain": {}}},
    ),
    ProgramMissing: (
        ("ab",),
        "program: 'ab' is not the checksum of a program on this host; run lvs.cluster.boot_restore as a task, so that its "
        "action plugin transfers the program.",
        {"results": {"program_missing": True}},
    ),
    **{
        kind: ((*PARTS, " The end of its log."), f"{WEIGHT} The end of its log.", {"details": " The end of its log."})
        for kind in (
            lab_errors.LabError,
            lab_errors.BadLabHost,
            lab_errors.PortTaken,
            lab_errors.NoSpace,
            lab_errors.PathTooLong,
            lab_errors.MissingProgram,
            lab_errors.MachineDied,
            lab_errors.SnapshotRefused,
            lab_errors.GuestFailed,
            lab_errors.BadImage,
        )
    },
}


@pytest.mark.parametrize("kind", TABLE, ids=lambda kind: kind.__name__)
def test_parts(kind):
    arguments, sentence, others = TABLE[kind]
    error = kind(*arguments)
    assert str(error) == sentence
    first = errors.sentence(error.subject, error.value, error.rule, error.remedy)
    assert sentence.startswith(first), "the sentence is made of the parts"
    assert all((error.subject, error.rule, error.remedy))
    assert {name: getattr(error, name) for name in others} == others


def test_every_class_is_in_the_table():
    assert TABLE.keys() == error_classes()


@pytest.mark.parametrize("kind", TABLE, ids=lambda kind: kind.__name__)
def test_a_text_alone_makes_no_error(kind):
    """A class with other arguments makes the sentence itself."""
    if len(TABLE[kind][0]) > 1:
        with pytest.raises(TypeError):
            kind("weight is wrong")


def test_an_error_without_a_value():
    assert str(errors.LvsError("name", None, "is missing", "give it")) == "name is missing; give it."


def test_whose_option_it_is_is_told_once():
    error = errors.InvalidValue(*PARTS).of("server 192.0.2.4:80")
    assert error.subject == "weight of server 192.0.2.4:80"
    assert error.of("tcp 192.0.2.30:80") is error


@pytest.mark.parametrize(
    ("number", "known", "kind", "sentence"),
    [
        (
            errno.EPERM,
            None,
            errors.NotPermitted,
            "The task is not allowed to add x: this needs CAP_NET_RAW; run the task as root (become: true).",
        ),
        (
            errno.EIO,
            None,
            errors.KernelRefusal,
            "The kernel refused to add x: Input/output error (errno 5); look for the reason in the kernel's log (dmesg) on "
            "that host.",
        ),
        (errno.EIO, ("it is down", "start it"), errors.KernelRefusal, "The kernel refused to add x: it is down; start it."),
    ],
)  # fmt: skip
def test_refusals_of_the_kernel(number, known, kind, sentence):
    error = errors.refusal("add x", number, known, "CAP_NET_RAW")
    assert (type(error), str(error), error.errno) == (kind, sentence, number)
