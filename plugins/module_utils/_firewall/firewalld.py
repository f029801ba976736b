# SPDX-License-Identifier: GPL-3.0-or-later
"""This host's firewalld over D-Bus (firewalld.dbus(5)), which a host that has firewalld has the Python binding of."""

from __future__ import annotations

import errno
import os
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Callable, TypeVar

from .._core.errors import AS_ROOT, LibraryMissing, NotPermitted, NotSupported, ServiceRefusal
from .._core.files import remove
from .policy import DropPolicy, MakePolicy, OpenPolicy, Policies, PolicyOperation
from .rich import named_services
from .zones import SET, Zone, Zones

_NAME = "org.fedoraproject.FirewallD1"
_PATH = "/org/fedoraproject/FirewallD1"
_SOCKET = "/run/dbus/system_bus_socket"
# systemd makes this link for as long as the unit runs.
_INVOCATION = "/run/systemd/units/invocation:firewalld.service"
_SECONDS = 300  # a reload takes a while where there are many rules
_DENIED = ("AccessDenied", "NotAuthorized", "NOT_AUTHORIZED", "AuthFailed")
Answer = TypeVar("Answer")


class FirewalldClient:
    """Reads and changes the policies of a running firewalld.

    Raises NotPermitted when firewalld does not take orders from this user, NotSupported when it is too old for
    policies, and ServiceRefusal for whatever else goes wrong.
    """

    def __init__(self, bus: Any, dbus: Any) -> None:
        self._bus, self._dbus = bus, dbus

    @classmethod
    def find(cls, seen: bool = False) -> FirewalldClient | None:
        """Return a client of the firewalld that runs; None when none does.

        Raises LibraryMissing only when firewalld runs, by its unit or by its rules that were `seen`: this Python lacks
        the binding then, and not firewalld's own.
        """
        if not os.environ.get("DBUS_SYSTEM_BUS_ADDRESS") and not os.path.exists(_SOCKET):
            return None
        try:
            import dbus
        except ImportError:
            if seen or os.path.islink(_INVOCATION):
                raise LibraryMissing("dbus", "python3-dbus", "firewalld") from None
            return None
        try:
            bus = dbus.SystemBus()
            # Its name is asked for first, so that the bus starts nothing.
            return cls(bus, dbus) if bus.name_has_owner(_NAME) else None
        except dbus.exceptions.DBusException:
            return None

    def read(self, policy: str) -> Policies:
        """Return what there is of a policy."""
        what = f"read firewalld's policy {policy}"
        running = permanent = None
        if policy in self._call(what, _PATH, "policy", "getPolicies"):
            running = _plain(self._call(what, _PATH, "policy", "getPolicySettings", policy))
        if policy in self._call(what, f"{_PATH}/config", "config", "getPolicyNames"):
            permanent = _plain(self._call(what, self._file(what, policy), "config.policy", "getSettings"))
        return Policies(running, permanent)

    def zones(self, own: Collection[str]) -> Zones:
        """Return the zones that are active, and the policies but for one's `own`."""
        what = "read firewalld's zones"
        default = str(self._call(what, _PATH, "", "getDefaultZone"))
        active = _plain(self._call(what, _PATH, "zone", "getActiveZones"))
        zones = [
            Zone(
                name,
                _plain(self._call(what, _PATH, "zone", "getZoneSettings2", name)),
                tuple(active.get(name, {}).get("interfaces", ())),
                tuple(active.get(name, {}).get("sources", ())),
            )
            for name in sorted({*active, default})
        ]
        policies = [
            Zone(name, _plain(self._call(what, _PATH, "policy", "getPolicySettings", name)), kind="policy")
            for name in _plain(self._call(what, _PATH, "policy", "getPolicies"))
            if name not in own
        ]
        rules = [rule for one in (*zones, *policies) for rule in one.rules]
        services = {name: self._service(what, name) for name in sorted(named_services(rules))}
        sets = [one[len(SET) :] for zone in zones for one in zone.sources if one.startswith(SET)]
        ipv6_sets = [name for name in sets if self._is_of_ipv6(what, name)]
        return Zones(default, tuple(zones), tuple(policies), services, tuple(ipv6_sets))

    def _is_of_ipv6(self, what: str, name: str) -> bool:
        settings = _plain(self._call(what, _PATH, "ipset", "getIPSetSettings", name))
        return bool(settings[4].get("family") == "inet6")

    def _service(self, what: str, name: str) -> list[tuple[str, str]]:
        settings = _plain(self._call(what, _PATH, "", "getServiceSettings2", name))
        return [(str(port), str(protocol)) for port, protocol in settings.get("ports", ())]

    def apply(self, operations: Sequence[PolicyOperation]) -> None:
        """Carry out the steps in order."""
        for operation in operations:
            what = operation.words
            if isinstance(operation, MakePolicy):
                settings = self._settings({**operation.settings, "rich_rules": operation.rules})
                self._call(what, f"{_PATH}/config", "config", "addPolicy", operation.policy, settings)
            elif isinstance(operation, DropPolicy):
                self._call(what, self._file(what, operation.policy), "config.policy", "remove")
            elif isinstance(operation, OpenPolicy) and operation.permanent:
                settings = self._settings({"rich_rules": operation.rules})
                self._call(what, self._file(what, operation.policy), "config.policy", "update", settings)
            elif isinstance(operation, OpenPolicy):
                settings = self._settings({"rich_rules": operation.rules})
                self._call(what, _PATH, "policy", "setPolicySettings", operation.policy, settings)
            else:
                self._call(what, _PATH, "", "reload")

    def _file(self, what: str, policy: str) -> str:
        return str(self._call(what, f"{_PATH}/config", "config", "getPolicyByName", policy))

    def _call(self, what: str, path: str, interface: str, method: str, *arguments: Any) -> Any:
        def call() -> Any:
            thing = self._bus.get_object(_NAME, path, introspect=False)
            name = f"{_NAME}.{interface}" if interface else _NAME
            return thing.get_dbus_method(method, name)(*arguments, timeout=_SECONDS)

        return self._told(what, call)

    def _told(self, what: str, call: Callable[[], Answer]) -> Answer:
        try:
            return call()
        except self._dbus.exceptions.DBusException as error:
            name, reason = error.get_dbus_name() or "", " ".join(str(error.get_dbus_message()).split())
            if any(word in name or word in reason for word in _DENIED):
                raise NotPermitted("The task", None, f"is not allowed to {what}", AS_ROOT, errno.EPERM) from None
            if name.endswith((".UnknownMethod", ".UnknownInterface")):
                remedy = "upgrade it, or open the VIPs in its zones and write backend: none"
                raise NotSupported("firewalld", None, "is older than 0.9 and has no policies", remedy) from None
            remedy = "correct that (see journalctl -u firewalld) and run the task again"
            raise ServiceRefusal("firewalld", None, f"refused to {what}: {reason or name}", remedy) from None

    def _settings(self, settings: Mapping[str, Any]) -> Any:
        # An empty or mixed container has no signature of its own.
        typed = {
            key: self._dbus.Array(value, signature="s") if isinstance(value, (list, tuple)) else value
            for key, value in settings.items()
        }
        return self._dbus.Dictionary(typed, signature="sv")


class FirewalldFiles:
    """The files of a firewalld that does not run: of a policy that it would have again, nothing is known but that."""

    def read(self, policy: str) -> Policies:
        """Return what there is of a policy, without what it holds."""
        return Policies(None, {} if os.path.exists(self._path(policy)) else None)

    def zones(self, _own: Collection[str]) -> Zones:
        """Return no zone: nothing is opened by one that does not run."""
        return Zones("")

    def apply(self, operations: Sequence[PolicyOperation]) -> None:
        """Carry out the steps, which can only be to remove."""
        for operation in operations:
            if not isinstance(operation, DropPolicy):
                raise TypeError(f"{operation} needs a firewalld that runs")
            remove(self._path(operation.policy))

    def _path(self, policy: str) -> str:
        return f"/etc/firewalld/policies/{policy}.xml"


def _plain(value: Any) -> Any:
    """Return a value of D-Bus' types as one of Python's own, text for whatever is not simple."""
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, int):
        return int(value)
    return str(value)
