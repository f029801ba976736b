# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of services and real servers, told once for all modules that have them, whatever they are nested in."""

from __future__ import annotations

import re
import textwrap

# In these texts O(name) means an option beside the one that is described; _nested() gives it its path.
_SERVICE_KEY = r"""
address:
  description:
    - The VIP of the service, an IPv4 or IPv6 address without a prefix length.
    - Either O(address) and O(port) or O(fwmark) name the service.
  type: str
port:
  description:
    - The service's port. V(0) means every port and needs a persistence timeout.
  type: int
protocol:
  description:
    - The transport protocol of a service that is named by O(address) and O(port); V(tcp) when left out.
  type: str
  choices: [tcp, udp, sctp]
fwmark:
  description:
    - The firewall mark of the packets that the service takes, instead of O(address), O(port) and O(protocol).
  type: int
address_family:
  description:
    - The address family of a O(fwmark) service; V(ipv4) when left out. An O(address) tells its own.
  type: str
  choices: [ipv4, ipv6]
"""

_SERVICE = r"""
scheduler:
  description:
    - The kernel's name of the scheduler, such as V(rr), V(wrr), V(lc), V(wlc), V(sh) or V(mh).
    - V(wlc) for a new service when left out. A change never cuts connections, but for the moment of the change the kernel has no scheduler and refuses
      new ones; it takes milliseconds.
  type: str
scheduler_flags:
  description:
    - The scheduler's flags by name. V(sh-fallback) and V(sh-port) belong to V(sh), V(mh-fallback) and V(mh-port) to V(mh);
      V(flag-1), V(flag-2) and V(flag-3) are the bare bits. V([]) clears them.
    - None for a new service when left out. A changed O(scheduler) without this option clears them.
  type: list
  elements: str
one_packet:
  description:
    - Schedule every datagram on its own, without a connection (udp only). V(false) for a new service when left out.
  type: bool
persistence_timeout:
  description:
    - Seconds for which a client keeps its server; V(0) switches persistence off. V(0) for a new service when left out.
  type: int
persistence_netmask:
  description:
    - What counts as one client. An IPv4 mask (V(255.255.255.0), or its length V(24)), or an IPv6 prefix length.
    - One host for a new service when left out.
  type: str
persistence_engine:
  description:
    - The kernel's name of the persistence engine, such as V(sip); an empty string takes it away. It needs udp and persistence.
  type: str
"""

_SERVER = r"""
forwarding:
  description:
    - How packets reach the server. V(direct) re-addresses the frame (DR), V(tunnel) encapsulates, V(masquerade) is NAT.
    - V(direct) for a new server when left out. With V(direct) and V(tunnel) the port has to be the service's.
    - V(local) and V(bypass) are what the kernel may report of a server. They can't be asked for, but a server that is so stays so.
  type: str
  choices: [direct, tunnel, masquerade, local, bypass]
weight:
  description:
    - The server's share; V(0) means no new connections. V(1) for a new server when left out, V(0) for one that was drained.
  type: int
initial_weight:
  description:
    - The weight for a server that is not there yet; one that exists keeps the weight that it has,
      and one that was drained stays so. Excludes O(weight).
  type: int
upper_threshold:
  description:
    - Connections above which the server gets no new ones; V(0) means no limit. V(0) for a new server when left out.
  type: int
lower_threshold:
  description:
    - Connections below which a server that was over its upper threshold gets new ones again; never above the upper one.
  type: int
tunnel_type:
  description:
    - The encapsulation, with forwarding V(tunnel) only. V(ipip) for a new server when left out. A change without
      O(tunnel_port) and O(tunnel_checksum) clears these.
  type: str
  choices: [ipip, gue, gre]
tunnel_port:
  description:
    - The UDP port of V(gue).
  type: int
tunnel_checksum:
  description:
    - The checksum of V(gue) and V(gre). V(none) for a new server when left out.
  type: str
  choices: [none, plain, remote]
"""

_STATE = r"""
state:
  description: %s
  type: str
  choices: [present, absent]
  default: present
"""

_SERVER_STATE = r"""
state:
  description:
    - Whether the server is to be in the pool. V(drained) gives it weight 0 without waiting, whatever O(weight) says, and remembers
      the weight that it had; see M(lvs.cluster.ipvs_realserver).
  type: str
  choices: [present, absent, drained]
  default: present
"""

_POOL = r"""
real_servers:
  description:
    - The real servers to keep, all in this one run. Servers that are not listed stay, unless O(purge=true).
  type: list
  elements: dict
  suboptions:
SUBOPTIONS
purge:
  description:
    - Remove the servers of this service that O(real_servers) does not list.
  type: bool
  default: false
"""

_SERVER_KEY = r"""
address:
  description: The server's own address (RIP).
  type: str
  required: true
port:
  description: The server's port; the service's when left out.
  type: int
"""

_SERVICES = r"""
services:
  description:
    - The virtual services to keep, each with its real servers.
  type: list
  elements: dict
  required: true
  suboptions:
SUBOPTIONS
"""


def _joined(*parts: str) -> str:
    return "\n".join(part.strip("\n") for part in parts)


def _nested(outer: str, path: str, inner: str) -> str:
    """Return `outer` with `inner` as its suboptions; options that `inner` names get `path` before their names."""
    named = re.sub(r"O\(", f"O({path}.", inner)
    return outer.replace("SUBOPTIONS", textwrap.indent(named, "    "))


def _options(*parts: str) -> str:
    return "options:\n" + textwrap.indent(_joined(*parts), "  ")


_SERVER_ALL = _joined(_SERVER_KEY, _SERVER, _SERVER_STATE)
_POOL_ALL = _nested(_POOL, "real_servers[]", _SERVER_ALL)
_SERVICE_STATE = _STATE % "V(absent) removes the service together with its servers."


class ModuleDocFragment:
    """Service identity, service settings, pools, and whole tables."""

    # Annotated, since ansible-test's yamllint takes every plain assignment here for a literal text.
    SERVICE: str = _options(_SERVICE_KEY, _SERVICE, _POOL_ALL, _SERVICE_STATE)
    SERVER: str = _options(_SERVER_KEY, _SERVER)
    SERVICES: str = _options(
        _nested(_SERVICES, "services[]", _joined(_SERVICE_KEY, _SERVICE, _POOL_ALL, _SERVICE_STATE))
    )
    OF_SERVICE: str = _options(
        _nested(
            "service:\n"
            "  description: The service that the server belongs to. It has to exist, unless O(state=absent).\n"
            "  type: dict\n"
            "  required: true\n"
            "  suboptions:\n"
            "SUBOPTIONS",
            "service",
            _SERVICE_KEY,
        )
    )
