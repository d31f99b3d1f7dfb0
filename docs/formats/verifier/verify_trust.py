#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads trust files, for verify_receipt.py, as docs/formats/receipt.md defines
them. A field that is unknown, repeated, misspelt, empty or impossible to satisfy
is an error: it is never ignored."""

import base64
import hashlib
import json
import re

import verify_timestamp
from verify_der import BadDER

PARTS = ("promise", "checkpoint", "witnesses", "anchor", "timestamp")


class BadTrust(Exception):
    """The trust file is not usable."""


def need(ok, why):
    if not ok:
        raise BadTrust(why)


def unbase64(s):
    """Standard base64 in its canonical spelling, else None."""
    try:
        b = base64.b64decode(s, validate=True)
    except (ValueError, TypeError):
        return None
    return b if base64.b64encode(b).decode() == s else None


# The name of a log: no white space, no plus sign.
NAME = re.compile("[^+ \t\r\n\u0085\u00a0\u2028\u2029]+")


def read_key(vkey, kind=1):
    """(name, hash, public key) of a note verifier key in its canonical spelling; kind 4 is a witness's."""
    name, _, rest = vkey.partition("+")
    h, _, enc = rest.partition("+")
    need(NAME.fullmatch(name) and len(name.encode()) <= 256 and name != "assay/promise/v1", "the name in a key")
    raw = unbase64(enc)
    need(raw and len(raw) == 33 and raw[0] == kind, "a key is not Ed25519")
    need(hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4].hex() == h, "a key's hash is wrong")
    return name, bytes.fromhex(h), raw[1:]


def no_repeats(pairs):
    names = [k for k, _ in pairs]
    need(len(set(names)) == len(names), "a field is there twice")
    return dict(pairs)


def no_constant(word):
    raise BadTrust(word + " is not JSON")


def walk(x, depth):
    """Refuses empty values at any depth."""
    need(depth <= 8 and type(x) in (dict, list, str, int, float), "too deep, or a value that says nothing")
    need(x not in ("", 0) and not (isinstance(x, (dict, list)) and len(x) == 0), "a value that says nothing")
    if isinstance(x, str):
        need(not re.search("[\ud800-\udfff\ufffd]", x) and not re.fullmatch("0*x0*", x), "text that says nothing")
    for y in x.values() if isinstance(x, dict) else x if isinstance(x, list) else ():
        walk(y, depth + isinstance(y, (dict, list)))


def texts(x, pattern=None):
    need(type(x) is list and all(type(s) is str and (pattern is None or re.fullmatch(pattern, s)) for s in x),
         "a list of another shape")
    return x


def distinct(x):
    need(len(set(x)) == len(x), "something is there twice")
    return x


def only(x, names):
    need(type(x) is dict and set(x) <= set(names), "a field that is not known")
    return x


def hexes(x, size):
    return distinct([s.lower() for s in texts(x, f"0x[0-9a-fA-F]{{{2 * size}}}")])


def read_anchor(a):
    out = {}
    for name, v in only(a, ("chain_id", "contract", "publisher", "code_hashes", "blocks", "validators")).items():
        if name == "chain_id":
            need(type(v) is int and 0 < v < 2**64, name)
        elif name in ("contract", "publisher"):
            need(type(v) is str and re.fullmatch("0x[0-9a-fA-F]{40}", v), name)
            v = v.lower()
        else:
            v = hexes(v, 20 if name == "validators" else 32)
        out[name] = v
    return out


def read_timestamp(t):
    only(t, ("certificates", "policies"))
    for c in texts(t.get("certificates", [])):
        raw = base64_with_newlines(c)
        try:
            verify_timestamp.certificate(raw or b"")
        except BadDER as e:
            raise BadTrust(f"a certificate cannot be read: {e}") from None
    arcs = r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))+"
    for p in texts(t.get("policies", []), arcs):
        need(all(int(a) < 2**31 for a in p.split(".")), "a policy is no object identifier")
    need("certificates" in t or "policies" not in t, "policies of no authority")
    return t


def base64_with_newlines(s):
    """What Go's encoding/json takes for bytes: line ends are skipped, loose last bits are let pass."""
    s = s.replace("\r", "").replace("\n", "")
    try:
        return base64.b64decode(s, validate=True)
    except ValueError:
        return None


def parse(raw):
    """The trust file of these bytes: a dict, hexadecimal digits in lower case."""
    need(len(raw) <= 1 << 20, "too long")
    try:
        t = json.loads(raw.decode(), object_pairs_hook=no_repeats, parse_constant=no_constant)
        walk(t, 1)
    except (ValueError, RecursionError) as e:
        raise BadTrust(str(e)) from None
    only(t, ("log_key", "anchor", "timestamp", "witnesses", "quorum", "require"))
    need(type(t.get("log_key")) is str, "log_key")
    read_key(t["log_key"])
    witnesses = texts(t.get("witnesses", []))
    distinct([read_key(w, 4)[2] for w in witnesses])
    need(type(t.get("quorum", 0)) is int and 0 <= t.get("quorum", 0) <= len(witnesses), "quorum")
    if "anchor" in t:
        t["anchor"] = read_anchor(t["anchor"])
    authorities = read_timestamp(t["timestamp"]).get("certificates") if "timestamp" in t else None
    required = distinct(texts(t.get("require", [])))
    need(set(required) <= set(PARTS), "require: no part of a receipt")
    a = t.get("anchor", {})
    could = {"witnesses": witnesses, "anchor": a.get("validators") or a.get("blocks"), "timestamp": authorities}
    need(all(could.get(p, True) for p in required), "require: what nothing could have")
    return t
