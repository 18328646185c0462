#!/usr/bin/env bash
# usage, as root: scripts/test-as-ordinary-user.sh PATH…
# Runs these tests as an ordinary user, in a copy of this folder, which must be installed and built. Many gateways run
# without root, where a sandbox can keep less. The user exists for this run only, and its processes and files go with it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

user="gateway-test-$$"
useradd --create-home "$user"

remove_user() {
  # A process may start another one while the others are ended.
  for _ in $(seq 100); do
    runuser -u "$user" -- bash -c 'kill -KILL -1' 2>/dev/null || break
    sleep 0.1
  done
  find /tmp -mindepth 1 -maxdepth 1 -user "$user" -exec rm -rf {} +
  userdel --remove "$user" 2>/dev/null
}
trap remove_user EXIT

home=$(getent passwd "$user" | cut -d: -f6)
copy="$home/gateway"
runuser -u "$user" -- mkdir "$copy"
# No test of the sandboxes, skills or command line needs the Claude Agent SDK or a model.
tar --create --exclude=./examples/16-claude-agent/node_modules --exclude=./test/real-model/node_modules \
  --exclude=./node_modules/.cache . |
  runuser -u "$user" -- tar --extract --directory "$copy"

runuser -u "$user" -- env --chdir="$copy" --unset=TMPDIR --unset=XDG_RUNTIME_DIR \
  HOME="$home" USER="$user" LOGNAME="$user" PATH="$copy/node_modules/.bin:$PATH" \
  npm_config_registry="$(npm config get registry)" AGENT_GATEWAY_TEST_USER=ordinary \
  node_modules/.bin/vitest run "$@"
