# SPDX-License-Identifier: GPL-3.0-or-later
"""The IPVS table of this host's kernel: read, and changed by the steps of a plan."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Sequence

from ._errors import InvalidValue, KernelRefusal, NotPermitted, NotSupported
from ._genl import GenericNetlink, GenlError, Request
from ._ipvs_fields import (
    ServerKey,
    ServerSettings,
    ServiceKey,
    ServiceSettings,
    decode_server,
    decode_service,
    encode_server,
    encode_service,
)
from ._ipvs_plan import IpvsOperation, ServiceState, Step
from ._netlink import pack_nested, unpack_attributes

# enum of commands in include/uapi/linux/ip_vs.h
_CMD_GET_SERVICE, _CMD_GET_DEST = 4, 8
_COMMANDS = {
    Step.ADD_SERVICE: 1,
    Step.SET_SERVICE: 2,
    Step.REMOVE_SERVICE: 3,
    Step.ADD_SERVER: 5,
    Step.SET_SERVER: 6,
    Step.REMOVE_SERVER: 7,
}
_ATTR_SERVICE, _ATTR_DEST = 1, 2
_MODULE_TREE = "/lib/modules"

_NOT_PERMITTED = "IPVS is changed and read only with CAP_NET_ADMIN; run the task as root (become: true)."
# The kernel loads ip_vs by itself when it is asked for the family (module alias net-pf-16-proto-16-family-IPVS).
_NO_IPVS = (
    "This kernel has no IPVS and could not load the module ip_vs; if `modprobe ip_vs` finds none, install the "
    "distribution's full kernel, and if module loading is switched off load ip_vs at boot."
)


class IpvsClient:
    """One open conversation with IPVS in the current network namespace.

    Raises NotSupported when the kernel has no IPVS, NotPermitted without CAP_NET_ADMIN, and KernelRefusal, with the
    step in words, for whatever else the kernel refuses.
    """

    def __init__(self) -> None:
        try:
            self._genl = GenericNetlink("IPVS", version=1)
        except GenlError as error:
            if error.errno == errno.ENOENT:
                raise NotSupported(_NO_IPVS) from None
            raise _unexpected("find IPVS", error) from None

    def close(self) -> None:
        """End the conversation."""
        self._genl.close()

    def read(self, keys: Iterable[ServiceKey] | None = None) -> dict[ServiceKey, ServiceState]:
        """Return those of the named services that exist (None: all that exist), each with all its servers."""
        try:
            services = self._all_services() if keys is None else self._services(keys)
            return {key: ServiceState(settings, self._servers(key)) for key, settings in services.items()}
        except GenlError as error:
            raise _unexpected("read the IPVS table", error) from None

    def apply(self, operations: Sequence[IpvsOperation]) -> None:
        """Carry out the steps in their order.

        Each kind of object goes in its own batch, so that nothing is done to the servers when a service was refused.
        """
        for batch in _batches(operations):
            refusals = self._genl.batch([_request(operation) for operation in batch])
            if refusals:
                raise _refusal(batch[refusals[0].position], refusals[0].errno)

    def _services(self, keys: Iterable[ServiceKey]) -> dict[ServiceKey, ServiceSettings]:
        found = {}
        for key in keys:
            try:
                answer = self._genl.get(Request(_CMD_GET_SERVICE, pack_nested(_ATTR_SERVICE, encode_service(key))))
            except GenlError as error:
                if error.errno == errno.ESRCH:  # the kernel's word for "no such service"
                    continue
                raise
            found[key] = decode_service(unpack_attributes(answer)[_ATTR_SERVICE])[1]
        return found

    def _all_services(self) -> dict[ServiceKey, ServiceSettings]:
        answers = self._genl.dump(Request(_CMD_GET_SERVICE))
        return dict(decode_service(unpack_attributes(answer)[_ATTR_SERVICE]) for answer in answers)

    def _servers(self, key: ServiceKey) -> dict[ServerKey, ServerSettings]:
        request = Request(_CMD_GET_DEST, pack_nested(_ATTR_SERVICE, encode_service(key)))
        return dict(decode_server(unpack_attributes(answer)[_ATTR_DEST]) for answer in self._genl.dump(request))


def check_scheduler(name: str, release: str | None = None, tree: str = _MODULE_TREE) -> None:
    """Raise InvalidValue when the kernel that runs can't have scheduler `name`: not loaded, built in or on disk.

    Where the host hides its modules (a container) nothing is known, and the kernel itself decides.
    """
    module = f"ip_vs_{name}"
    if os.path.isdir(f"/sys/module/{module}"):
        return
    listed = ""
    for index in ("modules.dep", "modules.builtin"):
        try:
            with open(os.path.join(tree, release or os.uname().release, index), encoding="utf-8") as lines:
                listed += lines.read()
        except OSError:
            return
    if f"/{module}.ko" not in listed:
        raise InvalidValue("scheduler", name, f"is not in this kernel (no module {module})", _scheduler_remedy(listed))


def _scheduler_remedy(listed: str) -> str:
    names = {
        line.split(".ko")[0].rsplit("/ip_vs_", 1)[-1] for line in listed.splitlines() if "/ip_vs_" in line.split(":")[0]
    }
    known = sorted(name for name in names if name not in ("ftp",) and not name.startswith("pe_"))
    return f"choose from {', '.join(known)}" if known else "install the kernel's IPVS modules"


def _request(operation: IpvsOperation) -> Request:
    attributes = pack_nested(_ATTR_SERVICE, encode_service(operation.service, operation.service_settings))
    if operation.server is not None:
        attributes += pack_nested(_ATTR_DEST, encode_server(operation.server, operation.server_settings))
    return Request(_COMMANDS[operation.step], attributes)


def _batches(operations: Sequence[IpvsOperation]) -> Iterable[list[IpvsOperation]]:
    batch: list[IpvsOperation] = []
    for operation in operations:
        if batch and (batch[-1].server is None) != (operation.server is None):
            yield batch
            batch = []
        batch.append(operation)
    if batch:
        yield batch


def _unexpected(what: str, error: GenlError) -> KernelRefusal:
    number = error.errno or 0
    if number == errno.EPERM:
        return NotPermitted(_NOT_PERMITTED, number)
    return KernelRefusal(f"The kernel refused to {what}: {os.strerror(number)} (errno {number}).", number)


def _refusal(operation: IpvsOperation, number: int) -> KernelRefusal:
    if number == errno.EPERM:
        return NotPermitted(_NOT_PERMITTED, number)
    return KernelRefusal(f"The kernel refused to {operation.words}: {_reason(operation, number)}.", number)


def _reason(operation: IpvsOperation, number: int) -> str:
    """Return why, and what to do: the meaning of an errno depends on the step (net/netfilter/ipvs/ip_vs_ctl.c)."""
    settings = operation.service_settings
    if number == errno.ENOENT and settings is not None:
        engine = f" or no persistence engine {settings.persistence_engine}" if settings.persistence_engine else ""
        return f"it has no scheduler {settings.scheduler}{engine}; install that module, or name another"
    if number in (errno.EEXIST, errno.ESRCH, errno.ENOENT):
        return "another program changed the table at the same moment; run the task again"
    if number == errno.EINVAL and operation.server is not None:
        return f"{operation.server.address} is not an address that this host can reach; check it and the routes"
    if number == errno.EAFNOSUPPORT:
        return (
            f"it is built without IPVS for {operation.service.address_family}; use the other family or another kernel"
        )
    return f"{os.strerror(number)} (errno {number})"
