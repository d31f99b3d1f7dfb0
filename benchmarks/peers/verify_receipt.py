#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks receipts as docs/formats draws them: a second verifier, written from
those pages with nothing but the standard library, so that two implementations
can be held against each other.

    verify_receipt.py --trust trust.json RECEIPT...   what is proven; exit status 1 if anything is refused
    verify_receipt.py --vectors FILE...               exit status 1 if a vector is judged otherwise than it says

The anchor's part is verify_anchor.py's.
"""

import base64
import hashlib
import hmac
import json
import os
import re
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import verify_anchor


class Bad(Exception):
    """A step is refused."""

    def __init__(self, step, why):
        super().__init__(why)
        self.step = step


def need(ok, step, why):
    if not ok:
        raise Bad(step, why)


def sha256(b):
    return hashlib.sha256(b).digest()


def unbase64(s):
    """Standard base64 in its one spelling, else None."""
    try:
        b = base64.b64decode(s, validate=True)
    except (ValueError, TypeError):
        return None
    return b if base64.b64encode(b).decode() == s else None


# Ed25519 (RFC 8032, section 5.1), verification without cofactor.
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


def point_add(a, b):
    e, f = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    c, d = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    x, y, z, t = f - e, d - c, d + c, f + e
    return x * y % P, z * t % P, y * z % P, x * t % P


def point_mul(k, a):
    out = (0, 1, 1, 0)
    while k:
        if k & 1:
            out = point_add(out, a)
        a, k = point_add(a, a), k >> 1
    return out


def point_read(b):
    y = int.from_bytes(b, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (x * x - x2) % P or y >= P:
        return None
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


BASE = point_read((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def ed25519(key, msg, sig):
    a, s = point_read(key), int.from_bytes(sig[32:], "little")
    if a is None or len(sig) != 64 or s >= L:
        return False
    h = int.from_bytes(hashlib.sha512(sig[:32] + key + msg).digest(), "little") % L
    neg = (P - a[0], a[1], a[2], P - a[3])
    x, y, z, _ = point_add(point_mul(s, BASE), point_mul(h, neg))
    inv = pow(z, P - 2, P)
    x, y = x * inv % P, y * inv % P
    return (y | (x & 1) << 255).to_bytes(32, "little") == sig[:32]


# CBOR, core deterministic encoding (RFC 8949, section 4.2.1): what leaves and decisions use.
class Cbor:
    def __init__(self, b):
        self.b, self.i = b, 0

    def take(self, n):
        if n > len(self.b) - self.i:
            raise ValueError("cut short")
        self.i += n
        return self.b[self.i - n : self.i]

    def head(self):
        first = self.take(1)[0]
        major, low = first >> 5, first & 31
        if low < 24:
            return major, low, low
        if low > 27:
            raise ValueError("indefinite or reserved")
        raw = self.take(1 << (low - 24))
        n = int.from_bytes(raw, "big")
        if major != 7 and n < (24, 256, 65536, 2**32)[low - 24]:
            raise ValueError("not the shortest form")
        return major, low, n

    def item(self, depth=0):
        if depth > 8:
            raise ValueError("nested too deeply")
        major, low, n = self.head()
        if major == 0:
            return n
        if major == 1:
            return -1 - n
        if major == 2:
            return self.take(n)
        if major == 3:
            return self.take(n).decode()
        if major == 4:
            return [self.item(depth + 1) for _ in range(n)]
        if major == 5:
            out, last = {}, b""
            for _ in range(n):
                at = self.i
                k = self.item(depth + 1)
                raw = self.b[at : self.i]
                if raw <= last:
                    raise ValueError("keys are not in order")
                last, out[k] = raw, self.item(depth + 1)
            return out
        if major == 7 and low in (25, 26, 27):
            return self.float(low, n)
        raise ValueError("a type that the formats do not use")

    @staticmethod
    def float(low, n):
        """A float in the shortest form that keeps its value."""
        code = {25: "e", 26: "f", 27: "d"}
        size = {25: 2, 26: 4, 27: 8}
        x = struct.unpack(">" + code[low], n.to_bytes(size[low], "big"))[0]
        if x != x and (low, n) != (25, 0x7E00):
            raise ValueError("another NaN")
        for shorter in range(25, low):
            try:
                if struct.unpack(">" + code[shorter], struct.pack(">" + code[shorter], x))[0] == x:
                    raise ValueError("not the shortest form")
            except OverflowError:
                pass
        return x


def cbor(b, step):
    try:
        c = Cbor(b)
        out = c.item()
        if c.i != len(b):
            raise ValueError("bytes follow")
        return out
    except (ValueError, UnicodeDecodeError) as e:
        raise Bad(step, f"not canonical CBOR: {e}") from None


# RFC 6962 trees.
def node(a, b):
    return sha256(b"\x01" + a + b)


def root_of(index, size, leaf, path):
    """The root that an audit path leads to (RFC 9162, section 2.1.3.2), None if its length is wrong."""
    if index >= size:
        return None
    fn, sn, r = index, size - 1, leaf
    for p in path:
        if len(p) != 32 or sn == 0:
            return None
        if fn & 1 or fn == sn:
            r = node(p, r)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = node(r, p)
        fn, sn = fn >> 1, sn >> 1
    return r if sn == 0 else None


# Signed notes and checkpoints (C2SP signed-note, tlog-checkpoint).
def read_key(vkey):
    name, h, enc = vkey.strip().split("+", 2)
    raw = unbase64(enc)
    need(raw and len(raw) == 33 and raw[0] == 1 and len(h) == 8, "receipt", "the log key is not Ed25519")
    need(sha256(name.encode() + b"\n" + raw)[:4].hex() == h, "receipt", "the log key's hash is wrong")
    return name, bytes.fromhex(h), raw[1:]


def read_checkpoint(b, key):
    """(size, root), once the log's signature is checked."""
    name, h, public = key
    try:
        note = b.decode()
    except UnicodeDecodeError:
        raise Bad("checkpoint", "not UTF-8") from None
    need(not re.search("[\x00-\x09\x0b-\x1f]", note), "checkpoint", "control characters")
    at = note.rfind("\n\n")
    need(at >= 0 and note.endswith("\n"), "checkpoint", "not a signed note")
    text, good = note[: at + 1], False
    for line in note[at + 2 : -1].split("\n"):
        need(line.startswith("\u2014 ") and line.count(" ") == 2, "checkpoint", "a malformed signature line")
        who, sig = line[2:].split(" ")
        raw = unbase64(sig)
        need(who and "+" not in who and raw and len(raw) >= 5, "checkpoint", "a malformed signature line")
        if who == name and raw[:4] == h and not good:
            need(ed25519(public, text.encode(), raw[4:]), "checkpoint", "the log's signature is wrong")
            good = True
    need(good, "checkpoint", "not signed by the log's key")
    lines = text.split("\n")
    need(len(lines) >= 4 and lines[0] == name and re.fullmatch("0|[1-9][0-9]*", lines[1]), "checkpoint", "malformed")
    root = unbase64(lines[2])
    need(root and len(root) == 32, "checkpoint", "malformed")
    return int(lines[1]), root


# Receipts.
FIELDS = ["version", "log", "decision", "vector", "decision_key", "vector_key", "leaf", "index", "promise", "inclusion", "checkpoint"]


def read_receipt(text):
    """The receipt in its one spelling, white space aside; its anchor as text."""

    def pairs(p):
        need(len(dict(p)) == len(p), "receipt", "a key is repeated")
        return dict(p)

    tight = re.sub(r'("(?:[^"\\]|\\.)*")|[ \t\r\n]+', lambda m: m[1] or "", text)
    try:
        r = json.loads(text, object_pairs_hook=pairs)
    except ValueError as e:
        raise Bad("receipt", str(e)) from None
    fields = FIELDS + ["timestamp"] * (isinstance(r, dict) and bool(r.get("timestamp")))
    need(isinstance(r, dict) and list(r) in (fields, fields + ["anchor"]), "receipt", "keys")
    need(type(r["version"]) is int and type(r["index"]) is int and 0 <= r["index"] < 2**64, "receipt", "numbers")
    anchor = None
    if "anchor" in r:
        at = tight.index(',"anchor":')
        anchor, tight = tight[at + 10 : -1], tight[:at] + "}"
    again = {k: r[k] for k in fields}
    need(json.dumps(again, separators=(",", ":"), ensure_ascii=False) == tight, "receipt", "not in its one spelling")
    for k in fields:
        if k in ("version", "log", "index"):
            continue
        for s in r[k] or [] if k == "inclusion" else [r[k]]:
            need(s is None or isinstance(s, str) and unbase64(s) is not None, "receipt", k + " is not base64")
        r[k] = [unbase64(s) for s in r[k] or []] if k == "inclusion" else unbase64(r[k] or "")
    r["anchor"] = anchor
    return r


def commit(key, tag, data):
    return hmac.new(key, tag + data, hashlib.sha256).digest()


def check_openings(r, out):
    """decision, vector, leaf: the leaf's commitments open, and all three agree."""
    f = cbor(r["leaf"], "leaf")
    need(isinstance(f, dict) and list(f) == list(range(8)) and f[0] == 1 and f[2] in range(1, 9), "leaf", "malformed")
    need(all(isinstance(f[k], bytes) and len(f[k]) == 32 for k in range(3, 8)), "leaf", "malformed")
    need(type(f[1]) is int and -(2**63) <= f[1] < 2**63, "leaf", "malformed")
    for step, key, tag, at in (
        ("decision", "decision_key", b"assay/commit/decision/v1\n", 6),
        ("vector", "vector_key", b"assay/commit/vector/v1\n", 7),
    ):
        opened = len(r[key]) == 32 and commit(r[key], tag, r[step]) == f[at]
        out.append((step, "proven" if opened else "refused", "opens the leaf's commitment"))
    if any(s == "refused" for _, s, _ in out) or f[2] not in (1, 2):
        return
    d = cbor(r["decision"], "leaf")
    need(d[0] == 1 and d[1] == r["index"] and d[4] == f[1], "leaf", "the decision's number or time is another")
    need(d[6][1] == f[3] and d[7] == f[4] and d[8] == f[5], "leaf", "the decision's model, plan or policy is another")
    if r["vector"] or f[2] == 1:
        v = r["vector"]
        need(len(v) >= 36 and len(v) == 36 + 8 * int.from_bytes(v[32:36], "little"), "leaf", "the vector is malformed")
        need(v[:32] == f[4] and sha256(b"assay/vector/v1\n" + v) == d[9], "leaf", "the vector is another")
    out.append(("leaf", "proven", "leaf, decision and vector agree"))


def check_promise(r, key, out):
    b, leaf = r["promise"], sha256(b"\x00" + r["leaf"])
    if not b:
        out.append(("promise", "absent", ""))
        return
    need(len(b) >= 118 and b[0] == 1 and len(b) == 118 + 32 * b[53], "promise", "malformed")
    seq, first, count = (int.from_bytes(b[i:j], "big") for i, j in ((1, 9), (41, 49), (49, 53)))
    need(0 < count <= 1 << 16 and 0 <= seq - first < count, "promise", "not in its group")
    need(seq == r["index"] and b[9:41] == leaf, "promise", "of another record")
    root = root_of(seq - first, count, leaf, [b[i : i + 32] for i in range(54, len(b) - 64, 32)])
    name = key[0].encode()
    msg = b"assay/promise/v1\n" + len(name).to_bytes(2, "big") + name + b[41:53] + (root or b"")
    need(root and ed25519(key[2], msg, b[-64:]), "promise", "the signature is wrong")
    out.append(("promise", "proven", f"record {seq}, by {key[0]}"))


def check_inclusion(r, key, out):
    if not r["checkpoint"]:
        out.append(("checkpoint", "absent", ""))
        need(not r["inclusion"], "inclusion", "a proof without a checkpoint")
        return None
    size, root = read_checkpoint(r["checkpoint"], key)
    out.append(("checkpoint", "proven", f"size {size}, by {key[0]}"))
    need(root_of(r["index"], size, sha256(b"\x00" + r["leaf"]), r["inclusion"]) == root, "inclusion", "leads to another root")
    out.append(("inclusion", "proven", f"entry {r['index']} of {size}"))
    return size, root


def verify(text, trust):
    """Lines (step, proven | refused | absent, words), in the order of the formats."""
    out = []

    def step(f, *args):
        try:
            return f(*args)
        except Bad as e:
            out.append((e.step, "refused", str(e)))

    r = step(read_receipt, text)
    if r is None:
        return out
    if r["version"] != 1:
        return out + [("receipt", "refused", "version")]
    key = step(read_key, trust["log_key"])
    if key is None:
        return out
    if r["log"] != key[0]:
        out.append(("receipt", "refused", "another log"))
    step(check_openings, r, out)
    step(check_promise, r, key, out)
    cp = step(check_inclusion, r, key, out)
    out += [("timestamp", "unchecked", "an RFC 3161 token: openssl ts, or assay-verify")] * ("timestamp" in r)
    if r["anchor"] is not None:
        level, failed = ("unproven", "checkpoint")
        if cp:
            level, failed = verify_anchor.verify_proof(r["anchor"], key[0], cp[0], cp[1], trust.get("anchor") or {})
        out.append(("anchor/" + failed if failed else "anchor", "refused" if failed else "proven", level))
    return out


def refused(lines):
    """The first refused step, "" if there is none."""
    return next((s for s, state, _ in lines if state == "refused"), "")


def main(args):
    if args[:1] == ["--vectors"]:
        wrong = count = 0
        for name in args[1:]:
            with open(name, encoding="utf-8") as f:
                for v in json.load(f):
                    got = refused(verify(v["file"], {"log_key": v["log_key"], "anchor": v.get("anchor")}))
                    count += 1
                    if got != v["refused"]:
                        wrong += 1
                        print(f"{v['name']}: refused at {got!r}, want {v['refused']!r}")
        print(f"{count} vectors, {wrong} judged otherwise")
        return 1 if wrong or not count else 0
    if len(args) < 3 or args[0] != "--trust":
        print(__doc__, file=sys.stderr)
        return 2
    with open(args[1], encoding="utf-8") as f:
        trust = json.load(f)
    bad = False
    for name in args[2:]:
        with open(name, encoding="utf-8") as f:
            lines = verify(f.read(), trust)
        for s, state, words in lines:
            print(f"{state:8} {s:12} {words}")
        bad = bad or refused(lines) != ""
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
