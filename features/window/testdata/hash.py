#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes hash.json: hashes of members, by FNV-1a of 64 bits and the finaliser of MurmurHash3.

    python features/window/testdata/hash.py
"""
import json
import pathlib

MASK = (1 << 64) - 1


def member_hash(text):
    h = 0xCBF29CE484222325
    for byte in text.encode():
        h = (h ^ byte) * 0x100000001B3 & MASK
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        h = (h ^ h >> 33) * factor & MASK
    return h ^ h >> 33


texts = ["", "a", "b", "ab", "buyer-000017", "Zürich", "日本", "x" * 300, "\x00", " a"]
out = {text: f"{member_hash(text):016x}" for text in texts}
pathlib.Path(__file__).with_name("hash.json").write_text(json.dumps(out, indent=1) + "\n")
