#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Installs the chain nodes that TestNodes runs as processes, outside the
# repository (Hardhat 2: version 3 needs Node.js 22):
#
#   sh install-nodes.sh DIR && ASSAY_CHAIN_NODES=DIR go test -run TestNodes ..
set -eu
dir=${1:?usage: install-nodes.sh DIR}
mkdir -p "$dir"
cd "$dir"
[ -f package.json ] || printf '{"private":true}\n' > package.json
npm install --no-audit --no-fund --save-exact @foundry-rs/anvil-linux-amd64@1.7.1 hardhat@2.29.1
printf 'module.exports = { solidity: "0.8.28", networks: { hardhat: { chainId: 31337 } } };\n' > hardhat.config.cjs
