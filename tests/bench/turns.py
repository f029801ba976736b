# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs on the host that is measured: commands by turns, each timed as a whole process. It needs no other file.

On stdin a JSON object: `rounds`, and `turns`, a list of {name, command, stdin (a file's path), before (a list of commands)}.
On stdout the readings as JSON: name -> a list of {seconds, peak_kib}, a reading each round.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

FILES = "/root/lvs-bench"


def reading(turn: dict) -> dict:
    """Run one turn's command and return what it took; a command that fails ends the whole."""
    for command in turn.get("before", []):
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    with open(turn.get("stdin") or os.devnull, "rb") as source, open(f"{FILES}/printed", "wb") as printed:
        began = time.monotonic()
        process = subprocess.Popen(turn["command"], stdin=source, stdout=printed)
        # The peak is that of this process alone, or of one that it waited for.
        status, usage = os.wait4(process.pid, 0)[1:]
        seconds = time.monotonic() - began
    process.returncode = status
    if status:
        with open(f"{FILES}/printed", encoding="utf-8") as text:
            sys.exit(f"{turn['name']} ended with status {status}: {text.read()[-2000:]}")
    return {"seconds": round(seconds, 4), "peak_kib": usage.ru_maxrss}


def main() -> None:
    """Measure what stdin asks for."""
    asked = json.load(sys.stdin)
    readings: dict = {turn["name"]: [] for turn in asked["turns"]}
    for number in range(asked["rounds"]):
        for turn in asked["turns"]:
            one = reading(turn)
            readings[turn["name"]].append(one)
            print(f"round {number + 1}: {turn['name']}: {one['seconds']:.2f} s", file=sys.stderr, flush=True)
    json.dump(readings, sys.stdout)


if __name__ == "__main__":
    main()
