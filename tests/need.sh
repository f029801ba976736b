#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Debian keeps Python's venv in a package of its own: install it where we may, else say its name.
set -eu
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing the package python3-venv ..."
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv >/dev/null
else
    echo "Python has no venv module here; install it (on Debian and Ubuntu: the package python3-venv) and run make again." >&2
    exit 1
fi
