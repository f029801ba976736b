# SPDX-License-Identifier: GPL-3.0-or-later
"""What each error without parts of its own (see error_sites.py) has to name: the value, the rule that it breaks, the remedy.

Each is a regular expression that is looked for in all that was said at that place. InvalidValue and Finding carry the
three as parts, and are not here.
"""

from __future__ import annotations

_AGAIN = r"end the lab with lvs\.cluster\.lab_down and bring it up again"
_UP = r"run (lvs\.cluster\.)?lab_up"
_ROOT = r"run the task as root \(become: true\)"
_RIGHT = "put that right"
_LIBRARY = "(read the module documentation and install it|install the package)"
_LOG = r"look for the reason in the kernel's log \(dmesg\)"

WORDS = {
    "_arp/client.Segment.__init__": ("lo", "is not an Ethernet device", "name one"),
    "_arp/client._explained#1": ("ask", "needs CAP_NET_RAW", _ROOT),
    "_arp/client._explained#2": ("ask", r"errno \d+", f"{_LOG}|name one that this host has|bring it up|give it a"),
    "_core/files._not_permitted": ("/etc/x", "no permission to read", _ROOT),
    "_firewall/firewalld.FirewalldClient._told#1": ("policy x", "no permission", _ROOT),
    "_firewall/firewalld.FirewalldClient._told#2": (
        "firewalld",
        "has no policies",
        "upgrade it, or .* backend none",
    ),
    "_firewall/firewalld.FirewalldClient._told#3": ("policy x", "INVALID_RULE: x", _RIGHT),
    "_firewall/run.FirewallRun.__init__": ("firewalld", "does not run", "start it, or choose backend auto"),
    "_ipvs/client.IpvsClient.__init__": ("ip_vs", "kernel has no IPVS", "install the distribution's full kernel"),
    "_drain/plan.servers_at": (r"192\.0\.2\.9", "no service of this host has", "name some of those that they have"),
    "_drain/plan._is_there": (r"192\.0\.2\.\d+:80", "does not exist on this host", r"see lvs\.cluster\.ipvs_info"),
    "_drain/state.load": ("/x/file", "is damaged or of another version", "put the file back .*, or remove it"),
    "_drain/file.update_drained": ("/var/x", "no permission to write", _ROOT),
    "_ipvs/plan.plan_server": (r"tcp 192\.\S+:8\d", "does not exist on this host", "create it first with"),
    "_ipvs/plan.plan_sysctls": ("conn_reuse_mode", "this kernel has no net.ipv4.vs", "leave it out"),
    "_table/readiness._refuse_to_empty": (
        r"tcp \S+",
        "nobody left who is known to serve it",
        "Mend that, or write director_prove_path: false",
    ),
    "_ipvs/errors.unexpected#1": ("IPVS", "only with CAP_NET_ADMIN", _ROOT),
    "_ipvs/errors.unexpected#2": ("list services", "errno 5", _LOG),
    "_ipvs/errors.refusal_of#1": ("IPVS", "only with CAP_NET_ADMIN", _ROOT),
    "_ipvs/errors.refusal_of#2": (
        r"192\.0\.2\.30:80",
        "refused to add",
        f"{_LOG}|install that module|use the other family",
    ),
    "_table/run._unsettled": (r"tcp \S+ was changed", "keeps changing the IPVS table", "stop it"),
    "_drain/wait.wait": (
        r"server \S+ of tcp",
        r"still has \d+ (in)?active",
        "run the task again .*, or end what holds them",
    ),
    "_nftables/owned.OwnedRules.read": ("rules of nftables", "keep changing", "end what loads them"),
    "_nftables/owned._refusal#1": ("list the rules", "no permission", _ROOT),
    "_nftables/owned._refusal#2": ("list the rules", r"errno \d+", _LOG),
    "_lab/channel.Agent._answer": ("rs1", "closed the agent's channel", _AGAIN),
    "_lab/channel.Agent.connect": ("rs1", r"not answered in \d+ s", _AGAIN),
    "_lab/channel.Agent.execute#1": ("rs1: .* ping", r"did not answer", _AGAIN),
    "_lab/channel.Agent.execute#2": ("rs1: ping", "failed: no", _AGAIN),
    "_lab/channel.Agent.run#1": ("rs1: settling", r"not ended in \d+ s", _AGAIN),
    "_lab/channel.Agent.run#2": ("rs1: settling", "failed in the guest: no", _AGAIN),
    "_lab/channel.Monitor.connect": ("/lab/monitor.sock", "does not answer", _AGAIN),
    "_lab/channel.Monitor.execute": ("cont|query-migrate", "QEMU refused .*: EOFError", _AGAIN),
    "_lab/channel.Monitor.finish_migration#1": ("loading", "QEMU ended", _UP),
    "_lab/channel.Monitor.finish_migration#2": ("loading", "failed: bad", _UP),
    "_lab/hosts.Host.parse#1": (r"'RS_1'|'\.\./\.\./x'", "cannot be a lab host's name", "use small letters"),
    "_lab/hosts.Host.parse#2": ("rs1: ssh port 70000", "is out of range", "choose lab_ssh_base_port"),
    "_lab/hosts.Interface.parse#1": ("rs1: '.*'", "cannot be an interface's name", "use up to 15"),
    "_lab/hosts.Interface.parse#2": ("rs1: 'a/b'", "cannot be a segment's name", "use up to 31"),
    "_lab/hosts.Interface.parse#3": ("rs1: .* lan0", "is listed twice", "list each address once"),
    "_lab/hosts.Route.parse#1": (r"rs1.*'10\.9\.0\.1/24'", "is none", "write it like"),
    "_lab/hosts.Route.parse#2": (r"rs1.*via \S+,", "is no neighbour there", "name an address"),
    "_lab/hosts._address#1": (r"rs1: address \S+ of lan0", "has no prefix length", "write it like"),
    "_lab/hosts._address#2": ("rs1: '.*'", "is not an address", "write it like"),
    "_lab/hosts._unique": (
        r"\d|director",
        "is given to two|listed twice|want|has two",
        "give each|set lab_ssh_port|keep one",
    ),
    "_lab/image.Cache.begin": (r"\.building-", "has been building", "wait for it or end it"),
    "_lab/image.Cache.publish": ("state", "was not finished", _UP),
    "_lab/image.check_space": (r"needs \d+ MiB in /", "where only", "make room there or choose another"),
    "_lab/image.read_image#1": ("/ram", "has not the size", _UP),
    "_lab/image.read_image#2": ("/images/", "holds no complete image", _UP),
    "_lab/machine.LabMachine._overlay": (r"rs1: its disk \S+", "cannot be made: full", _RIGHT),
    "_lab/machine.LabMachine._unplug": ("rs1.* lan0", "does not let go", "restart it"),
    "_lab/machine.LabMachine._verdict#1": ("rs1: .* in /nowhere", "QEMU refused the snapshot", _UP),
    "_lab/machine.LabMachine._verdict#2": ("rs1", r"ended by itself \(exit status 1\)", _AGAIN),
    "_lab/machine.LabMachine._verdict#3": ("rs1", "did not come up", _AGAIN),
    "_lab/machine.LabMachine._wait_addresses": (r"rs1: .*192\.\S+ on lan0", "still lacks", _AGAIN),
    "_lab/machine.LabMachine._wait_ssh": (r"rs1: ssh on 127\.0\.0\.1:1", "has not answered", _AGAIN),
    "_lab/plan._changes": ("rs1 .* port 22004", "the inventory now says 23004", "lab_down first, or set the port back"),
    "_lab/probe.accelerator": ("lab_accel is kvm", "KVM does not run a guest here", "set lab_accel to auto or tcg"),
    "_lab/probe.qemu_version": ("qemu-system-x86_64", "does not run", "install the package qemu-system-x86"),
    "_lab/process.end": (r"Process \d+ \(qemu\)", "does not end, even when killed", "look at it with ps"),
    "_lab/qemu.check_socket_path": (r"has \d+ bytes", "the kernel allows 107", "choose a shorter directory"),
    "_lab/run.check_port": (r"rs1: port \d+", "cannot be had", "end what uses it, or set LVS_LAB_SSH_BASE_PORT"),
    "_lab/switch.start": ("segment lan", "did not start: no room", _AGAIN),
    "_lab/template.make_snapshot": ("new image", r"ended \(exit status 1\)", _UP),
    "_nftables/library.Nft._ask#1": ("list", "no permission", "be root"),
    "_nftables/library.Nft._ask#2": ("list", "nftables refuses: Error: syntax error", _RIGHT),
    "_nftables/monitor.generation#1": ("rules of nftables", "no permission", _ROOT),
    "_nftables/monitor.generation#2": ("packet filter", "errno 5", _LOG),
    "_path/sockets.explained#1": ("ask", "needs CAP_NET_RAW", _ROOT),
    "_path/sockets.explained#2": ("ask", "errno 5", _LOG),
    "_restore/client.read_program": (
        "program: '[0-9a-f]+'",
        "is not the checksum of a program on this host",
        "run .* as a task",
    ),
    "_rtnetlink/library._refused#1": ("dummy device vip0", "needs CAP_NET_ADMIN", _ROOT),
    "_rtnetlink/library._refused#2": (
        r"device (vip|ipip|ip6tnl|tunl)0|ip6tnl1",
        "another program changed it|it has (no|one)",
        "run the task again|install|name it as the interface",
    ),
    "_rtnetlink/dump.dump": ("neighbours", "errno 5", _LOG),
    "_module/runner.run_module": ("pyroute2|nftables", "Failed to import", _LIBRARY),
    "_sysctl/checks.ineffective": (r"\w+: \d would not be in effect on", "the kernel takes", r"add .* to interfaces"),
    "_sysctl/client.SysctlClient._interfaces": (
        "/proc/sys/net/ipv4/conf",
        "no IPv4 here, or no /proc",
        "run the task where",
    ),
    "_sysctl/client.SysctlClient._text": ("/folder", "cannot be read", _RIGHT),
    "_sysctl/client.SysctlClient.values": ("arp_ignore", "this kernel has no", "leave it out"),
    "_sysctl/value.refused#1": ("arp_ignore", "no permission to write", _ROOT),
    "_sysctl/value.refused#2": (
        "arp_ignore",
        "read-only here",
        "run the task on the host itself, or make it writable",
    ),
    "_sysctl/value.refused#3": ("arp_ignore", "cannot be written", _RIGHT),
    "_sysctl/value.write_value": ("arp_ignore: 1", "0 is read back", "stop that, and run again"),
    "_sysctl/saved.load": (r"sysctl\.json", "is damaged or of another version", "put the file back .*, or remove it"),
    "_facts/state.read_boots": (r"/etc/lvs-cluster/x\.json", "cannot be read", r"run lvs\.cluster\.site"),
    "_vip/conflict.plan_free_vips": (
        r"(192\.0\.2\.30|2001:db8::30) \(52:54",
        "another host .* answers for",
        "remove it there",
    ),
    "lab_image.main": ("/base/lab", "cannot be written", _RIGHT),
    "lab_snapshot.main": (r"qemu\.qmp", "Failed to import", _LIBRARY),
    "lab_vms.main#1": (r"qemu\.qmp", "Failed to import", _LIBRARY),
    "lab_vms.main#2": ("/base/lab", "cannot be used", _RIGHT),
}
# The same of what roles and playbooks say by themselves, by file and task. What passes on sentences that are made, and
# judged, elsewhere names where they come from.
TOLD = {
    ("playbooks/preflight.yml", 0): ("_preflight_report.lines", "_preflight_report.lines", "_preflight_report.lines"),
    ("playbooks/rolling.yml", 0): ("{{ rolling_tasks ", "is not a file here", "name one with the tasks"),
    ("playbooks/rolling.yml", 1): (
        "{{ inventory_hostname }} stays drained",
        "since this failed",
        "Correct the cause, then run",
    ),
    # Each is a sentence of _ipvs_proof, which the unit tests judge.
    ("roles/director/tasks/verify.yml", 0): (r"director_held", "sentence", "sentence"),
    ("roles/lab/tasks/build.yml", 0): (
        r"image {{ __lab_image\.key }}",
        "needs root on this machine",
        "run lab_up as root",
    ),
    ("roles/lab/tasks/install.yml", 0): (r"missing_message",) * 3,
    ("playbooks/verify.yml", 0): (
        r"lvs_verified\.errors",
        "checks failed",
        "see the list above",
    ),
    ("roles/realserver/tasks/arp_arptables.yml", 0): (
        "realserver_arp_mode: 'arptables'",
        "of which it is the director too",
        "write realserver_arp_mode: sysctl",
    ),
}
