#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Lints the .proto files and checks that clients of the first release can read them:
# testdata/protocol.binpb has the descriptors that changes are compared with.
# A change that old clients or servers cannot read is an error.
#
#   serving/proto.sh [DIR]      buf is installed with npm into DIR (kept), or a temporary one
#   serving/proto.sh --accept   with a release: changes are compared with the present protocol from now on
set -eu
cd "$(dirname "$0")"
accept=
if [ "${1:-}" = "--accept" ]; then accept=yes; shift; fi
dir=${1:-}
if [ -z "$dir" ]; then dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; fi
buf="$dir/node_modules/.bin/buf"
if [ ! -x "$buf" ]; then
  npm install --silent --no-audit --no-fund --prefix "$dir" @bufbuild/buf@1.75.0 >/dev/null
fi
if [ -n "$accept" ]; then
  "$buf" build -o testdata/protocol.binpb --exclude-source-info
  exit
fi
"$buf" lint
"$buf" breaking --against testdata/protocol.binpb
echo "protocol: linted, and readable by the clients of the first release"
