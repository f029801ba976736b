# SPDX-License-Identifier: GPL-3.0-or-later
"""The IPVS table of this host's kernel: read, and changed by the steps of a plan."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import groupby

from .._core.errors import MalformedAnswer, NotSupported, refusal
from .._core.run import ConcurrentChange
from .._netlink.generic import GenericNetlink, GenlRequest
from .._netlink.messages import NetlinkError, pack_nested, unpack_attributes
from .describe import server_name, service_name
from .errors import Command, Work, daemon_refusal, refusal_of
from .fields import encode_server, encode_service, server_of, service_of
from .kernel_module import load_module
from .model import (
    Connections,
    Daemon,
    Engine,
    Place,
    ServerKey,
    ServerStatus,
    ServiceKey,
    ServiceState,
    ServiceStatus,
    Table,
    Timeouts,
)
from .operations import DaemonOperation, IpvsOperation, Step, SysctlsOperation, TimeoutsOperation
from .settings import SYSCTLS
from .status import (
    connections_of,
    counters_of,
    decode_daemon,
    decode_engine,
    decode_timeouts,
    encode_daemon,
    encode_daemon_state,
    encode_timeouts,
)

# enum of commands in include/uapi/linux/ip_vs.h
_CMD_GET_SERVICE, _CMD_GET_DEST, _CMD_GET_DAEMON, _CMD_SET_CONFIG, _CMD_GET_CONFIG, _CMD_GET_INFO = 4, 8, 11, 12, 13, 15
_CMD_NEW_DAEMON = 9
_CMD_DEL_DAEMON = 10
_COMMANDS = {
    Step.ADD_SERVICE: 1,
    Step.SET_SERVICE: 2,
    Step.REMOVE_SERVICE: 3,
    Step.ADD_SERVER: 5,
    Step.SET_SERVER: 6,
    Step.DRAIN_SERVER: 6,
    Step.HOLD_SERVER: 6,
    Step.RESTORE_SERVER: 6,
    Step.RETIRE_SERVER: 7,
    Step.REMOVE_SERVER: 7,
}
# These write all of an object, and so also what was not asked for but read before.
_REPLACING = (Step.SET_SERVICE, Step.SET_SERVER, Step.DRAIN_SERVER, Step.HOLD_SERVER, Step.RESTORE_SERVER)
_ATTR_SERVICE, _ATTR_DEST, _ATTR_DAEMON = 1, 2, 3
_INSTALL_IPVS = (
    "if `modprobe ip_vs` finds no module, install the distribution's full kernel; if module loading is disabled, load "
    "ip_vs at boot"
)


class IpvsClient:
    """One open conversation with IPVS in the current network namespace.

    Raises NotSupported when the kernel has no IPVS, NotPermitted without CAP_NET_ADMIN, KernelRefusal, with the step
    in words, for whatever else the kernel refuses, and MalformedAnswer for what can't be read.
    """

    def __init__(self) -> None:
        try:
            self._genl = _family()
        except NetlinkError as error:
            if error.errno == errno.ENOENT:
                rule = "has no IPVS and cannot load the module ip_vs"
                raise NotSupported("The kernel", None, rule, _INSTALL_IPVS) from None
            raise refusal("find IPVS", error.errno or 0) from None

    def close(self) -> None:
        """End the conversation."""
        self._genl.close()

    def read(self, keys: Iterable[ServiceKey] | None = None) -> dict[ServiceKey, ServiceState]:
        """Return those of the named services that exist (None: all that exist), each with all its servers."""
        with _asking("read the table"):
            found = {}
            for service in self._services(keys):
                key, settings = service_of(service)
                found[key] = ServiceState(settings, dict(server_of(server) for server in self._servers(key)))
            return found

    def status(self, keys: Iterable[ServiceKey]) -> dict[ServiceKey, ServiceStatus]:
        """Return the counters of those of the named services that exist."""
        with _asking("read the counters"):
            found = {}
            for service in self._services(keys):
                key = service_of(service)[0]
                servers = {
                    server_of(server)[0]: ServerStatus(connections_of(server), counters_of(server))
                    for server in self._servers(key)
                }
                found[key] = ServiceStatus(counters_of(service), servers)
            return found

    def connections(self, key: ServiceKey) -> dict[ServerKey, Connections]:
        """Return how many connections the servers of a service have; nothing for a service that does not exist."""
        with _asking("read the connections"):
            return {server_of(server)[0]: connections_of(server) for server in self._servers(key)}

    def connections_of(self, keys: Iterable[ServiceKey]) -> dict[Place, Connections]:
        """Return how many connections each server of the services has."""
        return {(key, server): counts for key in keys for server, counts in self.connections(key).items()}

    def timeouts(self) -> Timeouts:
        """Return the timeouts of this host's connections, in seconds."""
        with _asking("read the timeouts"):
            return decode_timeouts(self._genl.get(GenlRequest(_CMD_GET_CONFIG)))

    def sysctls(self, names: Iterable[str]) -> dict[str, int]:
        """Return those of the named sysctls of IPVS that there are."""
        from .._sysctl.value import read_value

        found = {}
        for name in names:
            with suppress(OSError):
                found[name] = read_value(f"{SYSCTLS}/{name}")
        return found

    def engine(self) -> Engine:
        """Return version and size of the kernel's IPVS."""
        with _asking("read the version"):
            return decode_engine(self._genl.get(GenlRequest(_CMD_GET_INFO)))

    def daemons(self) -> list[Daemon]:
        """Return the sync daemons that run."""
        with _asking("read the sync daemons"):
            answers = self._genl.dump(GenlRequest(_CMD_GET_DAEMON))
            return [decode_daemon(_inside(answer, _ATTR_DAEMON)) for answer in answers]

    def change_daemons(self, operations: Sequence[DaemonOperation]) -> None:
        """Stop and start sync daemons in one send, so that one that is replaced is away as briefly as can be.

        Raises ConcurrentChange if another program started or stopped one since it was read.
        """
        with _asking("change the sync daemons"):
            refusals, _sent = self._genl.batch([_daemon_request(operation) for operation in operations])
        if refusals:
            refused = {refusal.position for refusal in refusals}
            done = [operation for position, operation in enumerate(operations) if position not in refused]
            raise daemon_refusal(operations, refusals, done)

    def apply(self, operations: Sequence[Work], basis: Table) -> None:
        """Carry out the steps in their order; `basis` is the table that they were planned on.

        Sysctls come first. Each kind of object goes in its own batch, so that nothing is done to the servers when a
        service was refused. Raises ConcurrentChange when an object that a step would replace is no longer what it was
        (it is read again just before), when one to add is there already, and when one to change or remove is gone.
        """
        done: list[Work] = []
        for operation in operations:
            if isinstance(operation, SysctlsOperation):
                _set(operation.sysctls)
                done.append(operation)
        for batch in _batches([one for one in operations if not isinstance(one, SysctlsOperation)]):
            moved = self._moved([step for step in batch if isinstance(step, IpvsOperation)], basis)
            if moved:
                raise ConcurrentChange(moved, done)
            with _asking("change the table"):
                refusals, sent = self._genl.batch([_request(operation) for operation in batch])
            refused = {refusal.position for refusal in refusals}
            done += [operation for position, operation in enumerate(batch[:sent]) if position not in refused]
            if refusals:
                raise refusal_of(batch, refusals, done)

    def _moved(self, batch: Sequence[IpvsOperation], basis: Table) -> str:
        """Return in words which object of the batch is no longer what it was; empty when all are."""
        replacing = [step for step in batch if step.step in _REPLACING]
        if not replacing:
            return ""
        now = self.read(dict.fromkeys(step.service for step in replacing))
        for step in replacing:
            state, former = now.get(step.service), basis[step.service]
            if state is None:
                return f"service {service_name(step.service)} was removed"
            if step.server is None and state.settings != former.settings:
                return f"service {service_name(step.service)} was changed"
            if step.server is not None and state.servers.get(step.server) != former.servers.get(step.server):
                return f"server {server_name(step.server)} of {service_name(step.service)} was changed"
        return ""

    def _services(self, keys: Iterable[ServiceKey] | None) -> Iterator[dict[int, bytes]]:
        """Yield the attributes of each of the services that exist."""
        if keys is None:
            for answer in self._genl.dump(GenlRequest(_CMD_GET_SERVICE)):
                yield unpack_attributes(_inside(answer, _ATTR_SERVICE))
            return
        for key in keys:
            try:
                answer = self._genl.get(GenlRequest(_CMD_GET_SERVICE, pack_nested(_ATTR_SERVICE, encode_service(key))))
            except NetlinkError as error:
                if error.errno == errno.ESRCH:  # the kernel's word for "no such service"
                    continue
                raise
            yield unpack_attributes(_inside(answer, _ATTR_SERVICE))

    def _servers(self, key: ServiceKey) -> Iterator[dict[int, bytes]]:
        """Yield the attributes of each server of a service; a service that is gone has none."""
        request = GenlRequest(_CMD_GET_DEST, pack_nested(_ATTR_SERVICE, encode_service(key)))
        for answer in self._genl.dump(request):
            yield unpack_attributes(_inside(answer, _ATTR_DEST))


def _family() -> GenericNetlink:
    """Return a conversation with IPVS, loaded where it is not yet.

    Asked for the family Linux 6.1 and 6.12 load it by themselves (module alias net-pf-16-proto-16-family-IPVS); 5.10
    has no such alias.
    """
    try:
        return GenericNetlink("IPVS", version=1)
    except NetlinkError as error:
        if error.errno != errno.ENOENT:
            raise
    load_module("ip_vs")
    return GenericNetlink("IPVS", version=1)


def _inside(answer: bytes, attribute: int) -> bytes:
    found = unpack_attributes(answer)
    if attribute not in found:
        raise MalformedAnswer(f"attribute {attribute} is missing")
    return found[attribute]


@contextmanager
def _asking(what: str) -> Iterator[None]:
    try:
        yield
    except NetlinkError as error:
        raise refusal(what, error.errno or 0) from None


def _set(sysctls: Mapping[str, int]) -> None:
    from .._sysctl.value import write_value

    for name, value in sysctls.items():
        write_value(f"{SYSCTLS}/{name}", value)


def _request(operation: Command) -> GenlRequest:
    if isinstance(operation, TimeoutsOperation):
        return GenlRequest(_CMD_SET_CONFIG, encode_timeouts(operation.timeouts))
    attributes = pack_nested(_ATTR_SERVICE, encode_service(operation.service, operation.service_settings))
    if operation.server is not None:
        attributes += pack_nested(_ATTR_DEST, encode_server(operation.server, operation.server_settings))
    return GenlRequest(_COMMANDS[operation.step], attributes)


def _daemon_request(operation: DaemonOperation) -> GenlRequest:
    if operation.starts:
        return GenlRequest(_CMD_NEW_DAEMON, pack_nested(_ATTR_DAEMON, encode_daemon(operation.daemon)))
    return GenlRequest(_CMD_DEL_DAEMON, pack_nested(_ATTR_DAEMON, encode_daemon_state(operation.daemon)))


def _batches(operations: Sequence[Command]) -> Iterator[list[Command]]:
    def kind(operation: Command) -> str:
        if isinstance(operation, TimeoutsOperation):
            return "timeouts"
        return "service" if operation.server is None else "server"

    for _kind, batch in groupby(operations, kind):
        yield list(batch)
