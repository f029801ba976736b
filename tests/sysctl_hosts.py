# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts in memory for the tests of arp_sysctl: the kernel as the model has it, and files."""

from __future__ import annotations

from dataclasses import dataclass, field

from ansible_collections.lvs.cluster.plugins.module_utils._core.paths import DROP_IN, SYSCTL_STATE
from ansible_collections.lvs.cluster.plugins.module_utils._sysctl.model import SETTINGS, Facts, Kernel, Pair, Request
from ansible_collections.lvs.cluster.plugins.module_utils._sysctl.operations import WriteFile, WriteValue
from ansible_collections.lvs.cluster.plugins.module_utils._sysctl.plan import make_plan
from ansible_collections.lvs.cluster.plugins.module_utils._sysctl.saved import load_all
from hypothesis import strategies as st

INTERFACES = ("eth0", "eth0.100", "lo")
TARGETS = ("all", "default", *INTERFACES)
DEFAULTS = {Pair(target, key): setting.default for target in TARGETS for key, setting in SETTINGS.items()}


@dataclass
class Host:
    """A host in memory: the kernel as the model has it, and files."""

    kernel: Kernel
    files: dict[str, str] = field(default_factory=dict)
    others: dict[str, str] = field(default_factory=dict)  # sysctl files that are not ours

    def facts(self) -> Facts:
        former, holders = load_all(self.files.get(SYSCTL_STATE))
        return Facts(
            dict(self.kernel.values),
            self.kernel.interfaces,
            {**self.others, **{path: text for path, text in self.files.items() if path == DROP_IN}},
            self.files.get(DROP_IN),
            former,
            holders=holders,
        )

    def do(self, operation: WriteValue | WriteFile) -> None:
        if isinstance(operation, WriteValue):
            self.kernel.write(operation.pair, operation.value)
        elif operation.text is None:
            self.files.pop(operation.path)
        else:
            self.files[operation.path] = operation.text

    def run(self, request: Request):
        plan = make_plan(request, self.facts())
        for operation in plan.operations:
            self.do(operation)
        return plan


def host(followers: tuple[Pair, ...] = (), **values: int) -> Host:
    """A host with the kernel's defaults but for `values`, such as eth0__arp_ignore=1."""
    changed = {Pair(*name.split("__")): value for name, value in values.items()}
    return Host(Kernel({**DEFAULTS, **changed}, INTERFACES, followers))


VALUES = st.fixed_dictionaries({pair: st.sampled_from(SETTINGS[pair.key].values) for pair in DEFAULTS})


@st.composite
def hosts(draw):
    values = draw(VALUES)
    possible = [pair for pair in values if pair.target in INTERFACES and pair.key != "forwarding"]
    followers = draw(st.lists(st.sampled_from(possible), unique=True))
    values.update({pair: values[Pair("default", pair.key)] for pair in followers})
    return Host(Kernel(values, INTERFACES, followers))
