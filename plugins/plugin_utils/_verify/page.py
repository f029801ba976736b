# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of verify as one HTML page that needs nothing else. Pure; everything that was seen is escaped."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from .._topology.model import Service
from .checks import summary, verdict
from .distribution import shares
from .drawing import Host, draw
from .model import PATHS, Check, Seen, count

_MARKS = {True: ("good", "✓", "good"), False: ("bad", "✕", "bad"), None: ("note", "!", "worth a look")}


def render(seen: Seen, checks: Sequence[Check], when: str) -> str:
    """Return the page; `when` says in words when it was seen."""
    failed = any(check.good is False for check in checks)
    told = verdict(checks).rstrip(":.")
    state = "bad" if failed else "good"
    topics = "".join(_topic(topic, checks) for topic in dict.fromkeys(check.topic for check in checks))
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(told)} - LVS cluster</title>
<style>{_STYLE}</style>
</head>
<body>
<header class="{state}">
<p class="kicker">LVS cluster, verified on the wire</p>
<h1><span aria-hidden="true">{_MARKS[not failed][1]}</span> {escape(told)}</h1>
<p class="when">{escape(when)}</p>
</header>
<main>
<section class="side">
<h2>Topology</h2>
{draw(_hosts(seen, checks))}
<ul class="legend"><li class="request">request to the VIP</li>
<li class="forward">same packet, in a frame to a server</li>
<li class="reply">answer from the VIP, {_way_back(seen)}</li></ul>
{"".join(_service(service) for service in seen.topology.services)}
</section>
<section class="checks">
{_failures(checks)}{topics}
</section>
</main>
</body>
</html>
"""


def _way_back(seen: Seen) -> str:
    ways = {service.forwarding == "masquerade" for service in seen.topology.services}
    if ways == {True}:
        return "back through the director"
    return "past the director" + (" but for masquerade" if True in ways else "")


def _failures(checks: Sequence[Check]) -> str:
    sentences = summary(checks)["errors"]
    if not sentences:
        return ""
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)
    return f'<section class="topic failures"><h2>What to do</h2><ol>{items}</ol></section>'


def _topic(topic: str, checks: Sequence[Check]) -> str:
    rows = []
    for check in checks:
        if check.topic == topic:
            look, mark, words = _MARKS[check.good]
            remedy = f'<p class="remedy">{escape(check.finding.remedy)}</p>' if check.finding else ""
            rows.append(
                f'<li class="{look}"><span class="mark" role="img" aria-label="{words}">{mark}</span>'
                f'<b>{escape(check.host)}</b><div><p>{escape(check.text)}</p>{remedy}</div></li>'
            )  # fmt: skip
    return f'<section class="topic"><h2>{escape(topic)}</h2><ul>{"".join(rows)}</ul></section>'


def _service(service: Service) -> str:
    ports = ", ".join(map(str, service.ports)) or "all ports"
    mark = f", by mark {service.fwmark}" if service.fwmark else ""
    how = f"{service.options.get('scheduler', 'wlc')}, forwarding {service.forwarding}{mark}"
    where = f"{', '.join(service.vips)} · {service.protocol} {ports}"
    return f'<p class="service"><b>{escape(service.name)}</b> {escape(where)}<br><span>{escape(how)}</span></p>'


def _hosts(seen: Seen, checks: Sequence[Check]) -> list[Host]:
    """Return the cards from top to bottom: clients, directors, servers."""
    topology = seen.topology
    failing = {check.host for check in checks if check.good is False}
    hosts = []
    for client, visits in seen.visits.items():
        total = sum(len(visit["visits"]) for visit in visits)
        hosts.append(Host(client, "client", (count(total, "request"),), client not in failing, "client"))
    directors = dict.fromkeys(host for service in topology.services for host in service.directors)
    for host in directors:
        vips = seen.declared.directors[host].vips if host in seen.declared.directors else ()
        lines = [*topology.dips.get(host, ()), *_macs(seen, host, topology.dips.get(host, ()))]
        lines += [f"answers for {vip}" for vip in vips]
        badge, role = ("director", "director") if vips else ("standby", "standby")
        hosts.append(Host(host, role, tuple(lines), host not in failing, badge))
    given = _shares(seen)
    for name, addresses in _servers(seen).items():
        facts = seen.facts.get(name)
        server = seen.declared.servers.get(name)
        own = server.devices if server else ()
        lines = [*addresses, *_macs(seen, name, addresses)]
        for vip in own if facts else ():
            carrier = facts.carrier(vip) if facts else None
            lines.append(f"VIP {vip} on {carrier.name}" if carrier else f"VIP {vip} is missing")
        paths = [check.good for check in checks if check.topic == PATHS and check.host == name]
        path = None if not paths else False not in paths
        back = all(one.forwarding == "masquerade" for one in topology.services if name in _names(one))
        card = Host(name, "server", tuple(lines), name not in failing, "real server", given.get(name), path, back)
        hosts.append(card)
    return hosts


def _names(service: Service) -> list[str]:
    return [server.host or server.address for server in service.servers if server.options.get("state") != "absent"]


def _servers(seen: Seen) -> dict[str, tuple[str, ...]]:
    names = dict.fromkeys(name for service in seen.topology.services for name in _names(service))
    return {name: tuple(seen.topology.rips.get(name, (name,))) for name in names}


def _macs(seen: Seen, host: str, addresses: Sequence[str]) -> list[str]:
    facts = seen.facts.get(host)
    carriers = [facts.carrier(address) for address in addresses] if facts else []
    return list(dict.fromkeys(f"{one.mac} ({one.name})" for one in carriers if one))


def _shares(seen: Seen) -> dict[str, tuple[float, str]]:
    """Return what part of all connections of the time between the readings each server got."""
    got: dict[str, int] = {}
    for director, after in seen.after.items():
        for service in shares(seen.tables[director], after):
            for share in service:
                name = seen.host_of(share.server.rpartition(":")[0].strip("[]"))
                got[name] = got.get(name, 0) + share.got
    total = sum(got.values())
    whole = count(total, "connection")
    return {name: (part / total, f"given {part} of {whole}") for name, part in got.items() if total}


_STYLE = """
:root{--bg:#f6f7f9;--card:#fff;--ink:#1b2430;--soft:#5b6675;--rule:#dfe3e8;--good:#1a7f4b;--bad:#c22f2f;--note:#9a6700;
--request:#2563c9;--forward:#7a4fc4;--reply:#1a7f4b;--wash-good:#e7f5ed;--wash-bad:#fcebea;--wash-note:#fdf4dc}
@media(prefers-color-scheme:dark){:root{--bg:#11161d;--card:#1a212b;--ink:#e6ebf1;--soft:#9aa7b6;--rule:#2c3643;
--good:#4cc38a;
--bad:#ff7b72;--note:#e3b341;--request:#6ea8fe;--forward:#b794f6;--reply:#4cc38a;--wash-good:#15301f;--wash-bad:#3a1c1c;
--wash-note:#332a10}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
header{padding:28px max(20px,calc(50vw - 580px));border-bottom:1px solid var(--rule);background:var(--card);
border-top:6px solid var(--good)}
header.bad{border-top-color:var(--bad)}
h1{margin:2px 0;font-size:clamp(22px,5vw,32px);line-height:1.2;color:var(--good)}
header.bad h1{color:var(--bad)}
.kicker,.when{margin:0;color:var(--soft);font-size:13px}
main{display:grid;grid-template-columns:minmax(0,420px) minmax(0,1fr);gap:32px;max-width:1200px;
margin:0 auto;padding:28px 20px}
h2{font-size:14px;margin:0 0 10px;color:var(--soft);font-weight:600}
svg{display:block;width:100%;height:auto}
.card{fill:var(--card);stroke:var(--rule);stroke-width:1.5}
.card.director{stroke:var(--request)}
.card.bad{stroke:var(--bad);fill:var(--wash-bad)}
.name{font-weight:650;font-size:15px;fill:var(--ink)}
.badge{font-size:12px;fill:var(--soft)}
.line{font-size:12.5px;fill:var(--soft);font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
.bar{fill:var(--rule)}.got{fill:var(--reply)}
.lane{fill:none;stroke-width:2}
.lane.request{stroke:var(--request)}.lane.forward{stroke:var(--forward);stroke-dasharray:5 4}
.lane.reply{stroke:var(--reply)}
.lane.broken{stroke:var(--bad);stroke-dasharray:2 4}
.tip.request{fill:var(--request)}.tip.forward{fill:var(--forward)}.tip.reply{fill:var(--reply)}.tip.broken{fill:none}
.cross{fill:var(--bad);font-size:14px;font-weight:700}
.legend{list-style:none;margin:4px 0 18px;padding:0;font-size:12.5px;color:var(--soft)}
.legend li::before{content:"";display:inline-block;width:22px;margin-right:8px;vertical-align:middle;
border-top:2px solid}
.legend .request::before{border-color:var(--request)}
.legend .forward::before{border-color:var(--forward);border-top-style:dashed}
.legend .reply::before{border-color:var(--reply)}
.service{margin:0 0 8px;padding:10px 14px;background:var(--card);border:1px solid var(--rule);border-radius:10px;
font-size:13.5px}
.service b{margin-right:8px}.service span{color:var(--soft)}
.topic{background:var(--card);border:1px solid var(--rule);border-radius:12px;padding:16px 18px;margin-bottom:16px}
.topic ul{list-style:none;margin:0;padding:0}
.topic li{display:grid;grid-template-columns:22px 88px minmax(0,1fr);gap:4px 10px;padding:7px 0;
border-top:1px solid var(--rule);overflow-wrap:anywhere}
.topic li:first-child{border-top:0}
.topic p{margin:0}
.mark{width:20px;height:20px;border-radius:50%;text-align:center;font-size:12px;line-height:20px;font-weight:700;
margin-top:1px}
.good .mark{background:var(--wash-good);color:var(--good)}
.bad .mark{background:var(--wash-bad);color:var(--bad)}
.note .mark{background:var(--wash-note);color:var(--note)}
li.bad p:first-child{color:var(--bad)}
.remedy{color:var(--soft);font-size:13.5px}
.failures{border-color:var(--bad)}.failures h2{color:var(--bad)}
.failures ol{margin:0;padding-left:20px}.topic.failures li{display:list-item;border:0;padding:4px 0}
@media(max-width:820px){main{grid-template-columns:minmax(0,1fr);gap:16px;padding:18px 12px}header{padding:20px 16px}
svg{max-width:460px}.topic{padding:14px}.topic li{grid-template-columns:22px minmax(0,1fr)}.topic li>div{grid-column:2}}
@media print{body{background:#fff}.topic{break-inside:avoid}}
"""
