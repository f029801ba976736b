# SPDX-License-Identifier: GPL-3.0-or-later
"""Find an owner's rules in nftables and delete them, with nothing but the standard library.

A host can lose libnftables' Python binding, or never have had it, and is to be closed all the same. What a rule is made
of is not read, so it has no words: its comment tells whose it is, and its handle is enough to delete it.
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice

from .._core.errors import KernelRefusal, refusal
from .._netlink.messages import NLM_F_ACK, NLMSG_ERROR, Conversation, NetlinkError, pack_attribute, unpack_attributes
from .monitor import SUBSYSTEM, generation, open_netfilter
from .operations import DeleteRule, NftOperation, RemoveTable
from .ruleset import COMMENT_PREFIX, Chain, ChainKey, Rule, Ruleset
from .xt import Extension, extensions

# include/uapi/linux/netfilter/nf_tables.h and nfnetlink.h
_NEWTABLE, _GETTABLE, _DELTABLE, _NEWRULE, _GETRULE, _DELRULE = 0, 1, 2, 6, 7, 8
_TABLE_NAME, _RULE_TABLE, _RULE_CHAIN, _RULE_HANDLE, _RULE_EXPRESSIONS, _RULE_USERDATA = 1, 1, 2, 3, 4, 7
_BATCH_BEGIN, _BATCH_END = 0x10, 0x11
_HEADER = struct.Struct(">BBH")  # family, version, and in a batch the subsystem
_HANDLE = struct.Struct(">Q")
_FAMILIES = {"inet": 1, "ip": 2, "arp": 3, "netdev": 5, "bridge": 7, "ip6": 10}
_NAMES = {number: name for name, number in _FAMILIES.items()}
_COMMENT = 0  # NFTNL_UDATA_RULE_COMMENT of libnftnl, which every program that names a rule writes it with
_ATTEMPTS = 3
# What a kernel without nf_tables answers (nfnetlink_rcv_msg), if it has netfilter's sockets at all.
_NO_TABLES = (errno.EINVAL, errno.EOPNOTSUPP, errno.EPROTONOSUPPORT, errno.EAFNOSUPPORT)


class OwnedRules:
    """Reads and deletes the rules and tables of this collection's making; for everything else there is NftClient."""

    def read(self) -> Ruleset:
        """Return the tables and rules that are of this collection's making, the rules without what they do."""
        try:
            for _attempt in range(_ATTEMPTS):
                before = generation()
                found = self._read()
                if generation() == before:
                    return found
        except KernelRefusal as error:
            if error.errno in _NO_TABLES:
                return Ruleset({}, {})
            raise
        rule = f"changed during each of {_ATTEMPTS} attempts to list them"
        remedy = "stop the program that loads them, and run the task again"
        raise KernelRefusal("The rules of nftables", None, rule, remedy, errno.EAGAIN)

    def apply(self, operations: Sequence[NftOperation]) -> None:
        """Carry out all steps or none of them."""
        if not operations:
            return
        subsystem = _HEADER.pack(0, 0, SUBSYSTEM)
        deletions = [_deletion(operation) for operation in operations]
        with _conversation("; ".join(operation.words for operation in operations)) as talk:
            last = talk.send([(_BATCH_BEGIN, 0, subsystem), *deletions, (_BATCH_END, 0, subsystem)])
            answers = (message for message in talk.answers(1, last) if message.kind == NLMSG_ERROR)
            # Each step is answered, also where one fails and none is carried out.
            for answer in islice(answers, len(deletions)):
                if answer.errno:
                    raise NetlinkError(answer.errno)

    def _read(self) -> Ruleset:
        with _conversation("list the rules of nftables") as talk:
            tables = [
                (_NAMES.get(family, ""), _text(attributes.get(_TABLE_NAME, b"")))
                for family, attributes in _listed(talk, _GETTABLE, _NEWTABLE)
            ]
            chains: dict[ChainKey, list[Rule]] = {}
            for family, attributes in _listed(talk, _GETRULE, _NEWRULE):
                comment = _comment(attributes.get(_RULE_USERDATA, b""))
                if comment.startswith(COMMENT_PREFIX):
                    table, chain = (_text(attributes.get(one, b"")) for one in (_RULE_TABLE, _RULE_CHAIN))
                    (handle,) = _HANDLE.unpack(attributes[_RULE_HANDLE])
                    chains.setdefault(ChainKey(_NAMES.get(family, ""), table, chain), []).append(
                        Rule((), comment, handle)
                    )
        return Ruleset({key: Chain(key, tuple(rules)) for key, rules in chains.items()}, {}, frozenset(tables))


def read_extensions() -> dict[tuple[ChainKey, int], list[Extension]]:
    """Return the extensions of iptables in each rule, by chain and handle."""
    found: dict[tuple[ChainKey, int], list[Extension]] = {}
    with _conversation("list the rules of nftables") as talk:
        for family, attributes in _listed(talk, _GETRULE, _NEWRULE):
            read = extensions(attributes.get(_RULE_EXPRESSIONS, b""))
            if read:
                table, chain = (_text(attributes.get(one, b"")) for one in (_RULE_TABLE, _RULE_CHAIN))
                (handle,) = _HANDLE.unpack(attributes[_RULE_HANDLE])
                found[ChainKey(_NAMES.get(family, ""), table, chain), handle] = read
    return found


@contextmanager
def _conversation(what: str) -> Iterator[Conversation]:
    try:
        with Conversation(open_netfilter()) as talk:
            yield talk
    except OSError as error:
        raise refusal(what, error.errno or 0) from None


def _listed(talk: Conversation, kind: int, answer: int) -> Iterator[tuple[int, dict[int, bytes]]]:
    """Yield the family and the attributes of everything of a kind."""
    for message in talk.dump(SUBSYSTEM << 8 | kind, _HEADER.pack(0, 0, 0)):
        if message.kind == SUBSYSTEM << 8 | answer:
            yield message.payload[0], unpack_attributes(message.payload[_HEADER.size :])


def _deletion(operation: NftOperation) -> tuple[int, int, bytes]:
    """Return the type, the flags and the payload of the message that carries a step out."""
    if isinstance(operation, RemoveTable):
        name = pack_attribute(_TABLE_NAME, operation.table.encode() + b"\0")
        return SUBSYSTEM << 8 | _DELTABLE, NLM_F_ACK, _HEADER.pack(_FAMILIES["inet"], 0, 0) + name
    if not isinstance(operation, DeleteRule):
        raise TypeError(f"{operation} needs libnftables")
    family, table, chain = operation.chain
    body = pack_attribute(_RULE_TABLE, table.encode() + b"\0") + pack_attribute(_RULE_CHAIN, chain.encode() + b"\0")
    body += pack_attribute(_RULE_HANDLE, _HANDLE.pack(operation.rule.handle))
    return SUBSYSTEM << 8 | _DELRULE, NLM_F_ACK, _HEADER.pack(_FAMILIES[family], 0, 0) + body


def _comment(userdata: bytes) -> str:
    """Return a rule's comment; userdata is type, length and value, one after the other."""
    while len(userdata) >= 2:
        kind, length = userdata[0], userdata[1]
        if kind == _COMMENT:
            return _text(userdata[2 : 2 + length])
        userdata = userdata[2 + length :]
    return ""


def _text(data: bytes) -> str:
    return data.rstrip(b"\0").decode(errors="replace")
