#!/usr/bin/env bash
# What the tests need from the operating system: a browser, its emoji, a library of Playwright's Node, curl, and Debian's own
# PostgreSQL beside the embedded one.
# Installs what is missing when it may (root on Debian); otherwise says in one sentence what to install, and lets the rest run.
set -euo pipefail

missing=()
[ -x /usr/bin/chromium ] || missing+=(chromium)
[ -x /usr/lib/postgresql/15/bin/postgres ] || missing+=(postgresql-15)
compgen -G "/usr/share/fonts/truetype/noto/NotoColorEmoji*" >/dev/null || missing+=(fonts-noto-color-emoji)
compgen -G "/usr/lib*/*/libatomic.so.1" >/dev/null || compgen -G "/usr/lib*/libatomic.so.1" >/dev/null || missing+=(libatomic1)
command -v curl >/dev/null || missing+=(curl)

if [ ${#missing[@]} -eq 0 ]; then exit 0; fi

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "Missing for some of the tests: ${missing[*]}. On Debian: sudo apt-get install ${missing[*]}" >&2
    exit 0
fi

echo "Installing for the tests: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
# PostgreSQL's package would create and start a server of its own, which nobody here asked for.
if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
    mkdir -p /etc/postgresql-common
    echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf
fi
apt-get update -qq
apt-get install -y -qq --no-install-recommends -o Dpkg::Options::=--force-confold -o Dpkg::Use-Pty=0 "${missing[@]}" >/dev/null
