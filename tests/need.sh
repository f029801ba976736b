#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Have what the development environment stands on: each argument is WHAT:PACKAGE, and is there when the command WHAT is, or
# (python/MODULE) when python3 can import it, or (/PATH) when there is such a file. On a Debian family system root installs what is missing; others are told.
set -eu
missing=
for need in "$@"; do
    what=${need%%:*}
    case $what in
        /*) [ -e "$what" ] && continue ;;
        python/*) "${PYTHON:-python3}" -c "import ${what#python/}" 2>/dev/null && continue ;;
        *) PATH="$PATH:/usr/sbin:/sbin" command -v "$what" >/dev/null && continue ;;
    esac
    missing="$missing ${need#*:}"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing$missing ..."
    apt-get update -qq
    # shellcheck disable=SC2086 # one word for each package
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $missing >/dev/null
else
    echo "Missing here (named as Debian's packages):$missing. Install them and run make again." >&2
    exit 1
fi
