#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Generates the Go code from the .proto files, next to them. The tools' versions are
# pinned here, and the generated files name no machine, so that the same input gives
# the same bytes anywhere. Needs protoc 3.21.12 (Debian: protobuf-compiler).
#
#   serving/generate.sh            write
#   serving/generate.sh --check    exit 1 when the committed code is not current
set -eu
cd "$(dirname "$0")"

want="libprotoc 3.21.12"
if [ "$(protoc --version 2>/dev/null || true)" != "$want" ]; then
  echo "generate.sh: needs $want (Debian: apt-get install protobuf-compiler)," \
    "found: $(protoc --version 2>&1 || true)" >&2
  exit 1
fi
bin=$(mktemp -d)
trap 'rm -rf "$bin"' EXIT
GOBIN="$bin" go install google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.12
GOBIN="$bin" go install google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.5.1
GOBIN="$bin" go install github.com/planetscale/vtprotobuf/cmd/protoc-gen-go-vtproto@v0.6.1-0.20240319094008-0393e58bdf10

out=.
if [ "${1:-}" = "--check" ]; then out="$bin/out"; mkdir -p "$out"; fi
for dir in assayv1 inferencev2; do
  PATH="$bin:$PATH" protoc -I . \
    --go_out="$out" --go_opt=paths=source_relative \
    --go-grpc_out="$out" --go-grpc_opt=paths=source_relative \
    --go-vtproto_out="$out" --go-vtproto_opt=paths=source_relative,features=marshal+unmarshal+size \
    "$dir"/*.proto
  if [ "$out" != . ]; then
    for f in "$out/$dir"/*.go; do
      if ! cmp -s "$f" "$dir/$(basename "$f")"; then
        echo "generate.sh: serving/$dir/$(basename "$f") is not current: run serving/generate.sh" >&2
        exit 1
      fi
    done
  fi
done
