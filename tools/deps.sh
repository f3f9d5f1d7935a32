#!/usr/bin/env bash
# Installs the Debian packages of tools/packages.txt that are missing. Needs no root and changes nothing when none is.
#   tools/deps.sh           install what is missing (as root), or print the command that does it
#   tools/deps.sh --check   only list what is missing; exit 1 if anything is
set -euo pipefail
cd "$(dirname "$0")/.."

mapfile -t wanted < <(sed -e 's/#.*//' -e '/^[[:space:]]*$/d' tools/packages.txt)

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
  echo "deps: this is no Debian system. Athena is built on Debian 12 with these packages or their likes:"
  printf '  %s\n' "${wanted[@]}"
  exit 1
fi

declare -A installed=()
while read -r name status; do
  [[ $status == installed ]] && installed[$name]=1
done < <(dpkg-query -W -f='${Package} ${db:Status-Status}\n' "${wanted[@]}" 2>/dev/null || true)

missing=()
for name in "${wanted[@]}"; do
  [[ -n ${installed[$name]:-} ]] || missing+=("$name")
done

if ((${#missing[@]} == 0)); then
  echo "deps: all ${#wanted[@]} packages are installed."
  exit 0
fi
echo "deps: ${#missing[@]} of ${#wanted[@]} packages are missing: ${missing[*]}"
[[ ${1:-} == --check ]] && exit 1

options=(install -y --no-install-recommends)
if ((EUID != 0)); then
  echo "deps: installing needs root. Run:"
  echo "  sudo apt-get update && sudo apt-get ${options[*]} ${missing[*]}"
  exit 1
fi

export DEBIAN_FRONTEND=noninteractive
echo "deps: apt-get update"
apt-get update -qq
if ! plan=$(apt-get -s "${options[@]}" "${missing[@]}" 2>&1); then
  echo "$plan" >&2
  echo "deps: apt-get finds no way to install these packages; Athena is built on Debian 12 (bookworm)." >&2
  exit 1
fi
removed=$(awk '$1 == "Remv" { printf " %s", $2 }' <<<"$plan")
if [[ -n $removed ]]; then
  echo "deps: NOTE: these packages are in the way and will be REMOVED:$removed"
  [[ $removed == *boost1.74* ]] && echo "deps:       (the headers of Boost 1.81 and 1.74 can't be installed side by side)"
fi
echo "deps: apt-get ${options[*]} ${missing[*]}"
apt-get -qq -o Dpkg::Use-Pty=0 "${options[@]}" "${missing[@]}" >/dev/null
echo "deps: done."
