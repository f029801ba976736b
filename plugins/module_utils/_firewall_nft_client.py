# SPDX-License-Identifier: GPL-3.0-or-later
"""This host's nftables through libnftables' own Python binding: listed, and changed in one transaction."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from typing import Any

from ._errors import KernelRefusal, NotPermitted, NotSupported
from ._firewall_plan import AddMark, DeleteRule, InsertRule, MakeTable, NftOperation, RemoveTable
from ._firewall_rules import ChainKey, Rule, Ruleset, parse_ruleset

LIBRARY, PACKAGE = "nftables", "python3-nftables"


class NftablesMissing(NotSupported):
    """The Python binding, or the library that it binds, is not there."""

    def __init__(self) -> None:
        super().__init__(f"The Python library {LIBRARY} is missing on this host; install the package {PACKAGE}.")


class NftClient:
    """Reads and changes nftables in the current network namespace.

    Raises NftablesMissing without the library, NotPermitted without CAP_NET_ADMIN, which nftables wants of readers
    too (nfnetlink_rcv in net/netfilter/nfnetlink.c), and KernelRefusal for whatever else is refused.
    """

    def __init__(self) -> None:
        try:
            from nftables import Nftables

            self._nft: Any = Nftables()
        except (ImportError, OSError):  # the binding without its library ends in an OSError
            raise NftablesMissing from None
        self._nft.set_json_output(True)
        self._nft.set_handle_output(True)

    def read(self) -> Ruleset:
        """Return every rule there is."""
        what, remedy = "list the rules of nftables", "run the task as root (become: true)"
        return parse_ruleset(self._ask([{"list": {"ruleset": None}}], what, remedy))

    def apply(self, operations: Sequence[NftOperation]) -> None:
        """Carry out all steps or none of them."""
        commands = [command for operation in operations for command in _commands(operation)]
        if commands:
            # Who may list may change, but for a table that belongs to a running program (NFT_TABLE_F_OWNER).
            remedy = "a running program, such as firewalld, keeps a table for itself; open the VIPs with that program"
            self._ask(commands, "; ".join(operation.words for operation in operations), remedy)

    def _ask(self, commands: list[Any], what: str, remedy: str) -> Any:
        status, answer, error = self._nft.json_cmd({"nftables": commands})
        if status == 0:
            return answer
        reason = " ".join(str(error).split())
        if "Operation not permitted" in reason:
            raise NotPermitted(f"Could not {what}: no permission; {remedy}.", errno.EPERM)
        raise KernelRefusal(f"Could not {what}: nftables refuses: {reason}. Nothing was changed by it.", errno.EINVAL)


def _commands(operation: NftOperation) -> list[Any]:
    if isinstance(operation, MakeTable):
        chain = operation.chain
        where = {"family": chain.key.family, "table": chain.key.table, "name": chain.key.name}
        what = {"type": "filter", "hook": chain.hook, "prio": chain.priority, "policy": chain.policy}
        return [{"add": {"table": _table(operation.table)}}, {"add": {"chain": {**where, **what}}}]
    if isinstance(operation, RemoveTable):
        return [{"delete": {"table": _table(operation.table)}}]
    if isinstance(operation, DeleteRule):
        return [{"delete": {"rule": {**_place(operation.chain), "handle": operation.rule.handle}}}]
    verb = "insert" if isinstance(operation, InsertRule) else "add"
    assert isinstance(operation, (InsertRule, AddMark))
    return [{verb: {"rule": {**_place(operation.chain), **_content(operation.rule)}}}]


def _table(name: str) -> dict[str, str]:
    return {"family": "inet", "name": name}


def _place(key: ChainKey) -> dict[str, str]:
    return {"family": key.family, "table": key.table, "chain": key.name}


def _content(rule: Rule) -> dict[str, Any]:
    return {"expr": list(rule.expr), "comment": rule.comment}
