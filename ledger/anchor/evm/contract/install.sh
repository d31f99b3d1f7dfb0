#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Installs the Solidity compiler that AnchorRegistry.sol pins, outside the
# repository:
#
#   sh install.sh DIR && SOLC_MODULES=DIR node compile.mjs --check
set -eu
dir=${1:?usage: install.sh DIR}
mkdir -p "$dir"
cd "$dir"
[ -f package.json ] || printf '{"private":true}\n' > package.json
npm install --no-audit --no-fund --save-exact solc@0.8.37
