#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks anchor proofs, as docs/formats/anchor.md defines them.

A second verifier, written from that page with nothing but the standard
library, so that two implementations can be compared:

    verify_anchor.py FILE...     files of vectors, or of one vector each

prints one line for each vector, and exits with status 1 if a verdict differs
from the one in the file. As a module: verify_proof(text, origin, size, root, trust, not_before)
returns (level, failed check), like the Go package ledger/anchor. not_before is
in microseconds since 1970, None if it is not known.
"""

import base64
import functools
import hashlib
import json
import re
import sys

REGISTRY_CODE = "0xc015026349109ec625c199e70fc03078234762f874c47f8d59031c3b7c76eb89"


# Keccak-256 (FIPS 202's permutation with the padding of the original). The
# state is a list of 25 words; word x of row y is at 5*y + x.

MASK = 2**64 - 1


def _tables():
    constants, lfsr = [], 1
    for _ in range(24):
        constant = 0
        for j in range(7):
            if lfsr & 1:
                constant |= 1 << ((1 << j) - 1)
            lfsr = (lfsr << 1) ^ (0x171 if lfsr & 0x80 else 0)
        constants.append(constant)
    rotation, x, y = [0] * 25, 1, 0
    for t in range(24):
        rotation[5 * y + x] = (t + 1) * (t + 2) // 2 % 64
        x, y = y, (2 * x + 3 * y) % 5
    move = [(5 * y + x, 5 * ((2 * x + 3 * y) % 5) + y, rotation[5 * y + x], x) for y in range(5) for x in range(5)]
    return constants, move


ROUNDS, MOVE = _tables()


@functools.lru_cache(4096)
def keccak(data):
    rate = 136
    data = data + b"\x01" + bytes(-(len(data) + 1) % rate)
    data = data[:-1] + bytes([data[-1] | 0x80])
    a = [0] * 25
    for at in range(0, len(data), rate):
        for i in range(rate // 8):
            a[i] ^= int.from_bytes(data[at + 8 * i : at + 8 * i + 8], "little")
        for constant in ROUNDS:
            c = [a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20] for x in range(5)]
            d = [c[x - 1] ^ (c[x - 4] << 1 & MASK | c[x - 4] >> 63) for x in range(5)]
            b = [0] * 25
            for i, to, n, x in MOVE:
                v = a[i] ^ d[x]
                b[to] = v << n & MASK | v >> (64 - n)
            a = []
            for y in range(0, 25, 5):
                p, q, r, s, t = b[y : y + 5]
                a += [p ^ (~q & r), q ^ (~r & s), r ^ (~s & t), s ^ (~t & p), t ^ (~p & q)]
            a[0] ^= constant
    return b"".join(w.to_bytes(8, "little") for w in a[:4])


# RLP (Ethereum yellow paper, appendix B): only canonical encodings.


class Bad(Exception):
    """A check that failed: its name, and why."""

    def __init__(self, check, why):
        super().__init__(f"{check}: {why}")
        self.check = check


def split(b):
    """The first item of b: (is a list, content, bytes after it)."""
    if not b:
        raise ValueError("no item")
    first = b[0]
    if first < 0x80:
        return False, b[:1], b[1:]
    base = 0xC0 if first >= 0xC0 else 0x80
    size, at = first - base, 1
    if size > 55:
        n = size - 55
        digits = b[1 : 1 + n]
        size, at = int.from_bytes(digits, "big"), 1 + n
        if len(digits) < n or digits[0] == 0 or size < 56:
            raise ValueError("length is not canonical")
    content = b[at : at + size]
    if len(content) < size:
        raise ValueError("cut short")
    if base == 0x80 and size == 1 and content[0] < 0x80:
        raise ValueError("single byte is not canonical")
    return base == 0xC0, content, b[at + size :]


def items(b, most):
    """The encoded items of the list that b is."""
    is_list, content, rest = split(b)
    if not is_list or rest:
        raise ValueError("not one list")
    out = []
    while content:
        _, _, rest = split(content)
        out.append(content[: len(content) - len(rest)])
        content = rest
    if len(out) > most:
        raise ValueError("too many items")
    return out


def string(b):
    is_list, content, rest = split(b)
    if is_list or rest:
        raise ValueError("not one string")
    return content


def number(b):
    s = string(b)
    if len(s) > 8 or s[:1] == b"\0":
        raise ValueError("not a number")
    return int.from_bytes(s, "big")


def encode(content, base):
    if base == 0x80 and len(content) == 1 and content[0] < 0x80:
        return content
    if len(content) < 56:
        return bytes([base + len(content)]) + content
    digits = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes([base + 55 + len(digits)]) + digits + content


# Merkle Patricia trie (yellow paper, appendix D).


class Nodes:
    """The proof's nodes, each to be asked for first in the list's order."""

    def __init__(self, nodes):
        self.nodes, self.seen, self.next = nodes, {}, 0

    def get(self, hash_):
        if hash_ not in self.seen:
            if self.next == len(self.nodes) or keccak(self.nodes[self.next]) != hash_:
                raise ValueError("node is missing or out of order")
            self.seen[hash_] = self.nodes[self.next]
            self.next += 1
        return self.seen[hash_]

    def lookup(self, root, key):
        path = keccak(key).hex()
        node = self.get(root)
        while True:
            parts = items(node, 17)
            if len(parts) == 17:
                if not path:
                    raise ValueError("path ends at a branch")
                child, path = parts[int(path[0], 16)], path[1:]
            elif len(parts) == 2:
                prefix = string(parts[0]).hex()
                if not prefix or prefix[0] > "3" or (prefix[0] in "02" and prefix[1] != "0"):
                    raise ValueError("path without its prefix")
                leaf, part = prefix[0] in "23", prefix[1 if prefix[0] in "13" else 2 :]
                if not path.startswith(part) or (leaf and len(part) != len(path)):
                    raise ValueError("the trie does not hold the key")
                if leaf:
                    return string(parts[1])
                if not part:
                    raise ValueError("extension of no length")
                child, path = parts[1], path[len(part) :]
            else:
                raise ValueError("node of neither 2 nor 17 items")
            is_list, content, _ = split(child)
            if is_list and len(child) < 32:
                node = child
            elif not is_list and len(content) == 32:
                node = self.get(content)
            else:
                raise ValueError("the trie does not hold the key")


# ECDSA public key recovery on secp256k1 (SEC 1, section 4.1.6).

P = 2**256 - 2**32 - 977
N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
G = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)


def add(p, q):
    if p is None or q is None:
        return p or q
    if p[0] == q[0]:
        if (p[1] + q[1]) % P == 0:
            return None
        slope = 3 * p[0] * p[0] * pow(2 * p[1], -1, P)
    else:
        slope = (q[1] - p[1]) * pow(q[0] - p[0], -1, P)
    x = (slope * slope - p[0] - q[0]) % P
    return x, (slope * (p[0] - x) - p[1]) % P


def mul(k, p):
    out = None
    while k:
        if k & 1:
            out = add(out, p)
        p, k = add(p, p), k >> 1
    return out


@functools.lru_cache(1024)
def recover(digest, sig):
    """The address that signed the digest: r, s (in the lower half) and v."""
    if len(sig) != 65:
        raise ValueError("a seal has 65 bytes")
    r, s, v = int.from_bytes(sig[:32], "big"), int.from_bytes(sig[32:64], "big"), sig[64]
    if not 0 < r < N or not 0 < s <= N // 2 or v > 1:
        raise ValueError("not a signature")
    y = pow(r**3 + 7, (P + 1) // 4, P)
    if y * y % P != (r**3 + 7) % P:
        raise ValueError("not a signature")
    point = (r, y if y % 2 == v else P - y)
    inverse = pow(r, -1, N)
    q = add(mul(s * inverse % N, point), mul(-int.from_bytes(digest, "big") * inverse % N, G))
    if q is None:
        raise ValueError("not a signature")
    return "0x" + keccak(q[0].to_bytes(32, "big") + q[1].to_bytes(32, "big"))[12:].hex()


# The proof.

ALLOWANCE = 5 * 60  # seconds that clocks may be apart

FIELDS = {
    "version": int, "chain_id": int, "contract": 20, "log_id": 32, "anchors": int, "publisher": 20,
    "block_hash": 32, "seal": str, "header": bytes, "nodes": list,
}  # fmt: skip


def parse(text):
    """Reads the one form that a proof has."""
    if len(text.encode()) > 256 << 10:
        raise ValueError("too long")
    pairs = json.loads(text, object_pairs_hook=lambda p: p)
    if [k for k, _ in pairs] != list(FIELDS):
        raise ValueError("not the fields of a proof, in order")
    p = dict(pairs)
    if json.dumps(p, separators=(",", ":")) != re.sub("[ \t\r\n]", "", text):
        raise ValueError("not in the form in which proofs are written")
    for name, kind in FIELDS.items():
        v = p[name]
        if kind is int and (type(v) is not int or not 0 <= v < 2 ** (32 if name == "anchors" else 64)):
            raise ValueError(f"{name} is no number")
        if isinstance(kind, int) and kind is not int and not re.fullmatch(f"0x[0-9a-f]{{{2 * kind}}}", v):
            raise ValueError(f"{name} is not of {kind} bytes in hexadecimal digits")
    if p["seal"] not in ("none", "qbft") or type(p["nodes"]) not in (list, type(None)):
        raise ValueError("seal is unknown, or nodes are no list")
    p["header"] = unbase64(p["header"])
    p["nodes"] = [unbase64(n) for n in p["nodes"] or []]
    if p["version"] != 1 or len(p["header"]) > 32 << 10 or len(p["nodes"]) > 256:
        raise ValueError("another version, or too large")
    return p


def unbase64(s):
    b = base64.b64decode(s, validate=True)
    if base64.b64encode(b).decode() != s:
        raise ValueError("base64 of another form")
    return b


def need(ok, check, why):
    if not ok:
        raise Bad(check, why)


def attempt(check, f, *args):
    try:
        return f(*args)
    except (ValueError, TypeError, IndexError, RecursionError) as e:
        raise Bad(check, e) from e


def read_header(p):
    parts = items(p["header"], 40)
    if len(parts) < 15 or len(string(parts[3])) != 32 or number(parts[11]) > 1 << 40:
        raise ValueError("not a header")
    number(parts[8])
    when, extra = number(parts[11]), string(parts[12])
    if p["seal"] == "none":
        return string(parts[3]), keccak(p["header"]), when, None
    ex = items(extra, 5)
    if len(ex) != 5:
        raise ValueError("not QBFT")
    number(ex[3])
    seals = [string(s) for s in items(ex[4], 256)]

    def hashed(round_):
        content = b"".join(ex[:3] + [round_, b"\xc0"])
        header = parts[:12] + [encode(encode(content, 0xC0), 0x80)] + parts[13:]
        return keccak(encode(b"".join(header), 0xC0))

    return string(parts[3]), hashed(b"\x80"), when, [recover(hashed(ex[3]), s) for s in seals]


def check(text, origin, size, root, trust, not_before):
    p = attempt("format", parse, text)
    need(p["chain_id"] != 0 and trust.get("chain_id", p["chain_id"]) == p["chain_id"], "chain", p["chain_id"])
    need(trust.get("contract", p["contract"]) == p["contract"], "contract", p["contract"])
    log_id = hashlib.sha256(b"assay/log-id/v1\n" + origin.encode()).digest()
    need(p["log_id"] == "0x" + log_id.hex(), "log", p["log_id"])

    state, hash_, when, sealers = attempt("header", read_header, p)
    need("0x" + hash_.hex() == p["block_hash"], "header", "another hash than the block's")
    need(not_before is None or (when + ALLOWANCE) * 10**6 >= not_before, "time", "older than what it holds")

    nodes = Nodes(p["nodes"])
    account = attempt("account", nodes.lookup, state, bytes.fromhex(p["contract"][2:]))
    fields = attempt("account", items, account, 4)
    need(len(fields) == 4, "account", "not of 4 fields")
    store, code = attempt("account", string, fields[2]), attempt("account", string, fields[3])
    need(len(store) == 32 and len(code) == 32, "account", "no storage root or code hash")
    need("0x" + code.hex() in (trust.get("code_hashes") or [REGISTRY_CODE]), "code", code.hex())

    slot = int.from_bytes(keccak(log_id + (2).to_bytes(32, "big")), "big")
    words = []
    for s in (slot, (slot + 1) % 2**256):
        v = attempt("storage", lambda s=s: string(nodes.lookup(store, s.to_bytes(32, "big"))))
        need(0 < len(v) <= 32 and v[0] != 0, "storage", "not a number")
        words.append(v.rjust(32, b"\0"))
    need(nodes.next == len(nodes.nodes), "storage", "nodes that are not needed")
    need(int.from_bytes(words[1][:4], "big") == p["anchors"], "storage", "another count of anchors")
    publisher = "0x" + words[1][12:].hex()
    need(publisher == p["publisher"] == trust.get("publisher", publisher), "publisher", publisher)
    need(int.from_bytes(words[1][4:12], "big") == size and words[0] == root, "head", "another checkpoint")

    level = "not vouched for"
    validators = trust.get("validators")
    if validators:
        need(sealers is not None, "evidence", "no seals")
        need(len(set(validators)) == len(validators), "evidence", "a validator twice")
        need(set(sealers) <= set(validators), "evidence", "a stranger's seal")
        need(len(set(sealers)) == len(sealers), "evidence", "a validator's second seal")
        need(len(sealers) >= (2 * len(validators) + 2) // 3, "evidence", "too few seals")
        level = "sealed"
    if trust.get("blocks"):
        need(p["block_hash"] in trust["blocks"], "evidence", "block not known")
        level = "pinned"
    return level


def verify_proof(text, origin, size, root, trust, not_before=None):
    """(level, failed check), the check "" if none failed."""
    trust = json.loads(json.dumps(trust).lower())  # hexadecimal digits, in either case
    trust = {k: v for k, v in trust.items() if v and v != "0x" + 40 * "0"}  # zero is any
    try:
        return check(text, origin, size, root, trust, not_before), ""
    except Bad as e:
        return "refused", e.check


def main(files):
    assert keccak(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    wrong = 0
    for name in files:
        with open(name, encoding="utf-8") as f:
            vectors = json.load(f)
        for v in vectors if isinstance(vectors, list) else [vectors]:
            got = verify_proof(v["proof"], v["origin"], v["size"], bytes.fromhex(v["root"]), v["trust"],
                               v.get("not_before_us"))
            ok = got == (v["level"], v["failed"])
            wrong += not ok
            print("ok  " if ok else "FAIL", v["name"], *got)
    return 1 if wrong or not files else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
