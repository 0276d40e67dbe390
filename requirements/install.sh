#!/usr/bin/env bash
# install.sh VENV FILE...: makes an environment hold exactly what hashed requirements name, from the index that pip uses.
set -euo pipefail
venv=$1
shift

# uv reads none of pip's settings. What the environment sets for uv itself comes first.
settings=$("$venv/bin/python" -m pip config list)
set_by_pip() { sed -n "s/^[^.]*\.$1='\(.*\)'\$/\1/p" <<<"$settings" | head -n 1; }
hand_over() {
  local value
  value=$(set_by_pip "$2")
  if [ -z "${!1:-}" ] && [ -n "$value" ]; then export "$1=$value"; fi
}
hand_over UV_DEFAULT_INDEX index-url
hand_over UV_INDEX extra-index-url
hand_over SSL_CERT_FILE cert

sync() { "$(dirname "$0")/../.venv/bin/uv" pip sync --python "$venv/bin/python" --require-hashes "$@"; }
# On a terminal uv shows its progress; elsewhere the list of packages would only fill the log.
if [ -t 2 ]; then sync "$@"; else sync "$@" 2>&1 | sed '/^ [-+~] /d'; fi
