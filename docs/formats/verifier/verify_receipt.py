#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks receipts: a second verifier, written from the pages of docs/formats
with nothing but the standard library, so that two implementations can be
compared.

    verify_receipt.py --trust trust.json RECEIPT...   what is proven; exit status 1 if anything is refused
    verify_receipt.py --vectors FILE...               exit status 1 if a verdict differs from the one in the file
    verify_receipt.py --verdicts FILE                 verdicts, as JSON, on a list of {trust, receipt}, both in base64

verify_anchor.py checks anchors, verify_trust.py reads trust files, and
verify_timestamp.py checks RFC 3161 tokens.
"""

import base64
import functools
import hashlib
import hmac
import json
import math
import os
import re
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import verify_anchor
import verify_cbor
import verify_timestamp
import verify_trust
from verify_trust import unbase64


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


@functools.lru_cache(4096)
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


def cbor(b, shape):
    try:
        return verify_cbor.read(b, shape)
    except ValueError as e:
        raise Bad("leaf", f"not canonical CBOR: {e}") from None


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
    try:
        return verify_trust.read_key(vkey.strip())
    except verify_trust.BadTrust as e:
        raise Bad("receipt", str(e)) from None


def read_checkpoint(b, key):
    """(size, root, signed text, other signatures), once the log's signature is checked."""
    name, h, public = key
    need(len(b) <= 1 << 14, "checkpoint", "too long")
    try:
        note = b.decode()
    except UnicodeDecodeError:
        raise Bad("checkpoint", "not UTF-8") from None
    need(not re.search("[\x00-\x09\x0b-\x1f]", note), "checkpoint", "control characters")
    at = note.rfind("\n\n")
    need(at >= 0 and note.endswith("\n"), "checkpoint", "not a signed note")
    text, good, others, lines = note[: at + 1], False, [], note[at + 2 : -1].split("\n")
    need(len(lines) <= 100, "checkpoint", "too many signatures")
    for line in lines:
        need(line.startswith("\u2014 ") and line.count(" ") == 2, "checkpoint", "a malformed signature line")
        who, sig = line[2:].split(" ")
        raw = unbase64(sig)
        need(who and not re.search(r"[+\s]", who) and raw and len(raw) >= 5, "checkpoint", "a malformed signature line")
        if who == name and raw[:4] == h and not good:
            need(ed25519(public, text.encode(), raw[4:]), "checkpoint", "the log's signature is wrong")
            good = True
        else:
            others.append((who, raw))
    need(good, "checkpoint", "not signed by the log's key")
    lines = text.split("\n")
    need(len(lines) >= 4 and lines[0] == name and re.fullmatch("0|[1-9][0-9]*", lines[1]), "checkpoint", "malformed")
    root = unbase64(lines[2])
    need(root and len(root) == 32 and len(lines[1]) <= 20 and int(lines[1]) < 2**64, "checkpoint", "malformed")
    return int(lines[1]), root, text, others


def cosigned(text, others, witness):
    """When a witness cosigned the text, in seconds since 1970; None if it did not (C2SP tlog-cosignature)."""
    name, h, public = witness
    raw = next((raw for who, raw in others if who == name and raw[:4] == h), None)
    if raw is None or len(raw) != 4 + 8 + 64:
        return None
    t = int.from_bytes(raw[4:12], "big")
    if t > 1 << 40 or not ed25519(public, f"cosignature/v1\ntime {t}\n{text}".encode(), raw[12:]):
        return None
    return t


# Receipts: each part has one accepted spelling, white space aside.
NUMBER, TEXT, BYTES = "0|[1-9][0-9]{0,19}", r'"[^"\\]*(?:\\.[^"\\]*)*"', '"[0-9A-Za-z+/]+=*"|null'
HASH = BYTES.removesuffix("|null")
PARTS = {
    "version": NUMBER, "log": TEXT, "decision": BYTES, "vector": BYTES, "decision_key": BYTES,
    "vector_key": BYTES, "leaf": BYTES,
    "index": NUMBER, "promise": BYTES, "inclusion": rf"null|\[(?:{HASH})(?:,(?:{HASH}))*\]", "checkpoint": BYTES,
}  # fmt: skip
MORE = '(?:,"timestamp":(?P<timestamp>"[^"]+"))?(?:,"anchor":(?P<anchor>.+))?'
RECEIPT = re.compile("{" + ",".join(f'"{k}":(?P<{k}>{v})' for k, v in PARTS.items()) + MORE + "}")


def no_number(word):
    raise ValueError(word + " is not JSON")


def read_bytes(word):
    b = b"" if word == "null" else unbase64(word[1:-1])
    need(b is not None, "receipt", "not base64 in its one spelling")
    return b


def read_receipt(text):
    """The receipt, with its anchor as text."""
    try:
        need(len(text.encode()) <= 8 << 20, "receipt", "too long")
        keys = json.loads(text, object_pairs_hook=list, parse_int=str, parse_float=str, parse_constant=no_number)
    except (ValueError, RecursionError) as e:
        raise Bad("receipt", str(e)) from None
    m = RECEIPT.fullmatch(re.sub(rf"({TEXT})|[ \t\r\n]+", lambda m: m[1] or "", text))
    need(m and len(keys) == sum(g is not None for g in m.groups()), "receipt", "not in its one spelling")
    r = {k: word for k, word in m.groupdict().items() if word is not None}
    for k, word in r.items():
        if PARTS.get(k) == NUMBER:
            r[k] = int(word)
        elif k == "log":
            r[k] = json.loads(word)
            need(json.dumps(r[k], ensure_ascii=False) == word, "receipt", "not in its one spelling")
        elif k == "inclusion":
            r[k] = [read_bytes(w) for w in re.findall(BYTES, word)] if word != "null" else []
        elif k != "anchor":
            r[k] = read_bytes(word)
    need(r["version"] < 2**8 and r["index"] < 2**64, "receipt", "numbers")
    return r


NAN = bytes.fromhex("000000000000f87f")  # the one pattern of a missing feature


def commit(key, tag, data):
    return hmac.new(key, tag + data, hashlib.sha256).digest()


def check_openings(r, out):
    """decision, vector, leaf: the leaf's commitments open, and all three agree."""
    f = cbor(r["leaf"], verify_cbor.LEAF)
    for step, key, tag, at in (
        ("decision", "decision_key", b"assay/commit/decision/v1\n", 6),
        ("vector", "vector_key", b"assay/commit/vector/v1\n", 7),
    ):
        opened = len(r[key]) == 32 and commit(r[key], tag, r[step]) == f[at]
        out.append((step, "proven" if opened else "refused", "opens the leaf's commitment"))
    if any(s == "refused" for _, s, _ in out) or f[2] not in (1, 2):
        return
    d = cbor(r["decision"], verify_cbor.DECISION)
    need(d[1] == r["index"] and d[4] == f[1], "leaf", "the decision's number or time is another")
    need(d[6][1] == f[3] and d[7] == f[4] and d[8] == f[5], "leaf", "the decision's model, plan or policy is another")
    if r["vector"] or f[2] == 1:
        v = r["vector"]
        n = int.from_bytes(v[32:36], "little")
        need(len(v) >= 36 and n <= 1 << 16 and len(v) == 36 + 8 * n, "leaf", "the vector is malformed")
        words = (v[i : i + 8] for i in range(36, len(v), 8))
        need(all(w == NAN or not math.isnan(*struct.unpack("<d", w)) for w in words), "leaf", "another NaN")
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
        out.append(("inclusion", "absent", ""))
        return None
    size, root, text, others = read_checkpoint(r["checkpoint"], key)
    out.append(("checkpoint", "proven", f"size {size}, by {key[0]}"))
    held = root_of(r["index"], size, sha256(b"\x00" + r["leaf"]), r["inclusion"]) == root
    out.append(("inclusion", "proven" if held else "refused", f"entry {r['index']} of {size}"))
    return size, root, text, others


def check_witnesses(cp, trust, out):
    """When trusted witnesses saw the checkpoint."""
    witnesses = [verify_trust.read_key(w, 4) for w in trust.get("witnesses", [])]
    if not witnesses or not cp:
        return []
    seen = [t for t in (cosigned(cp[2], cp[3], w) for w in witnesses) if t is not None]
    held = len(seen) >= (trust.get("quorum") or len(witnesses))
    out.append(("witness", "proven" if held else "refused", f"{len(seen)} of {len(witnesses)}"))
    return seen


def check_anchor(r, key, cp, seen, trust, out):
    """The anchor's level."""
    if not r.get("anchor"):
        out.append(("anchor", "absent", ""))
        return ""
    need(cp, "anchor", "an anchor without a checkpoint that the log signed")
    times = [10**6 * t for t in seen]
    try:
        times.append(verify_cbor.read(r["leaf"], verify_cbor.LEAF)[1])
    except ValueError:
        pass  # refused before
    level, failed = verify_anchor.verify_proof(r["anchor"], key[0], cp[0], cp[1], trust.get("anchor") or {},
                                               max(times, default=None))
    state = {"refused": "refused", "not vouched for": level}.get(level, "proven")
    out.append(("anchor/" + failed if failed else "anchor", state, level))
    return level


def check_timestamp(r, trust, out):
    """The token of the checkpoint."""
    if not r.get("timestamp"):
        out.append(("timestamp", "absent", ""))
        return
    need(r["checkpoint"], "timestamp", "a time stamp without a checkpoint")
    try:
        made = 1000 * verify_cbor.read(r["leaf"], verify_cbor.LEAF)[1]
    except ValueError:
        made = None  # refused before
    pinned = [verify_trust.base64_with_newlines(c) for c in trust.get("certificates", [])]
    try:
        vouched = verify_timestamp.check(r["timestamp"], r["checkpoint"], made, pinned, trust.get("policies"))
    except verify_timestamp.Failed as e:
        raise Bad("timestamp/" + e.check, str(e)) from None
    if vouched:
        out.append(("timestamp/authority", "proven", "a pinned authority stamped the checkpoint"))
    else:
        out.append(("timestamp", "not vouched for", "no authority is pinned"))


def check_required(trust, level, out):
    for part in trust.get("require", []):
        step = {"checkpoint": "inclusion", "witnesses": "witness", "timestamp": "timestamp/authority"}.get(part, part)
        held = level in ("sealed", "pinned") if part == "anchor" else any(s == step
                                                                          and state == "proven" for s, state, _ in out)
        need(held, "required", f"{part} is required, and the receipt has none that is proven")


def verify(text, trust):
    """Lines (step, proven | refused | absent, words), in the order of the formats."""
    out = []

    def step(f, *args):
        try:
            return f(*args)
        except Bad as e:
            out.append((e.step, "refused", str(e)))
            return None

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
    if not r["promise"] and not r["checkpoint"]:
        out.append(("receipt", "refused", "the log signed nothing in it"))
    step(check_openings, r, out)
    step(check_promise, r, key, out)
    cp = step(check_inclusion, r, key, out)
    seen = step(check_witnesses, cp, trust, out) or []
    level = step(check_anchor, r, key, cp, seen, trust, out)
    step(check_timestamp, r, trust.get("timestamp") or {}, out)
    step(check_required, trust, level, out)
    return ended(out)


def ended(lines):
    """Nothing after a refused step is proven."""
    first = next((i for i, (_, state, _) in enumerate(lines) if state == "refused"), len(lines))
    return lines[: first + 1] + [(s, "not checked", "") for s, _, _ in lines[first + 1 :]]


def level_of(lines):
    """Who vouches for the receipt."""
    words = {s: (state, w) for s, state, w in lines}
    if refused(lines):
        return "refused"
    if words["anchor"][0] == "proven":
        return words["anchor"][1]
    return "logged" if words["inclusion"][0] == "proven" else "promised"


def refused(lines):
    """The first refused step, "" if there is none."""
    return next((s for s, state, _ in lines if state == "refused"), "")


def verdict(receipt, trust):
    """The verdict on bytes: the level, and the first refused step; "trust" if the trust file is refused."""
    try:
        t = verify_trust.parse(trust)
    except verify_trust.BadTrust:
        return {"level": "refused", "refused": "trust"}
    try:
        lines = verify(receipt.decode(), t)
    except UnicodeDecodeError:
        return {"level": "refused", "refused": "receipt"}
    return {"level": level_of(lines), "refused": refused(lines)}


def main(args):
    if len(args) == 2 and args[0] == "--verdicts":
        with open(args[1], encoding="utf-8") as f:
            cases = json.load(f)
        json.dump([verdict(base64.b64decode(c["receipt"]), base64.b64decode(c["trust"])) for c in cases], sys.stdout)
        return 0
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
    with open(args[1], "rb") as f:
        try:
            trust = verify_trust.parse(f.read())
        except verify_trust.BadTrust as e:
            print(f"{args[1]}: {e}", file=sys.stderr)
            return 2
    bad = False
    for name in args[2:]:
        with open(name, encoding="utf-8") as f:
            lines = verify(f.read(), trust)
        for s, state, words in lines:
            print(f"{state:15} {s:12} {words}")
        print(level_of(lines))
        bad = bad or refused(lines) != ""
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
