#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads record files of the journal, as docs/formats/journal.md defines them: a
second reader, written from that page. It needs the standard library and the
package cryptography.

    read_records.py records.json     exit status 1 if the files differ from the decoded records listed with them
"""

import base64
import hashlib
import hmac
import json
import os
import struct
import sys

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import verify_receipt as receipts

KINDS = ["", "decision", "event", "activation", "policy", "erasure", "key rotation", "failed", "report", "shadow"]
HEAD = 112


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def expand(key, info, size=32):
    """HKDF-Expand with SHA-256 (RFC 5869)."""
    out, block, i = b"", b"", 1
    while len(out) < size:
        block = hmac.digest(key, block + info + bytes([i]), hashlib.sha256)
        out, i = out + block, i + 1
    return out[:size]


def field(message, number):
    """A length-delimited field of a protocol buffer."""
    at = 0
    while at < len(message):
        tag, size = message[at], message[at + 1]
        if tag & 7 != 2:
            at += 2  # a small varint
            continue
        if tag >> 3 == number:
            return message[at + 2 : at + 2 + size]
        at += 2 + size
    raise ValueError("no field %d" % number)


class Master:
    """A Tink keyset of AES-256-GCM keys, in clear."""

    def __init__(self, keyset):
        self.keys = {}
        for k in keyset["key"]:
            self.keys[k["keyId"]] = AESGCM(field(base64.b64decode(k["keyData"]["value"]), 3))

    def unwrap(self, key_id, wrapped):
        version, which = struct.unpack(">BI", wrapped[:5])
        if version != 1:
            raise ValueError("a wrapped key of version %d" % version)
        return self.keys[which].decrypt(wrapped[5:17], wrapped[17:], b"assay/subject key/v1\n" + key_id)


def varint(b, at):
    value = shift = 0
    while True:
        value |= (b[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if b[at - 1] < 0x80:
            return value, at


def parts(plain):
    """The sealed part's plaintext: body digest, then six parts."""
    out, at = [plain[:32]], 32
    for _ in range(6):
        n, at = varint(plain, at)
        out.append(plain[at : at + n])
        at += n
    if at != len(plain):
        raise ValueError("bytes after the sealed part's end")
    return out


def root(hashes):
    if len(hashes) == 1:
        return hashes[0]
    k = 1
    while k * 2 < len(hashes):
        k *= 2
    return receipts.node(root(hashes[:k]), root(hashes[k:]))


def read_ops(b):
    out, at = [], 0
    while at < len(b):
        kind, tag, key, n = b[at], b[at + 1 : at + 17], b[at + 17 : at + 33], struct.unpack(">H",
                                                                                            b[at + 33 : at + 35])[0]
        op = {"kind": kind, "subject_tag": tag.hex(), "key_id": key.hex()}
        if kind == 2:
            op["sequence"] = struct.unpack(">Q", b[at + 35 : at + 35 + n])[0]
        out.append(op)
        at += 35 + n
    return out


def read_group(b, keys, mac, log):
    """One group at the start of b: what it holds, and its length."""
    magic, first, count, public, sealed, ops, signature, nonce, crc = struct.unpack(">8sQIIII64s12sI", b[:HEAD])
    if magic != b"assayg1\n" or crc != crc32c(b[:108]):
        raise ValueError("a group's head is wrong")
    table = HEAD
    at_public = table + 8 * count
    at_sealed = at_public + public
    at_ops = at_sealed + sealed
    end = at_ops + ops
    mac.decrypt(nonce, b[end : end + 16], b[:end])  # raises if it is another
    records, hashes, p, s = [], [], 0, 0
    for i in range(count):
        p2, s2 = struct.unpack(">II", b[table + 8 * i : table + 8 * i + 8])
        row = b[at_public + p : at_public + p2]
        box = b[at_sealed + s : at_sealed + s2]
        p, s = p2, s2
        key_id, tag, leaf = row[:16], row[16:32], row[32:]
        words = receipts.cbor(leaf, receipts.verify_cbor.LEAF)
        leaf_hash = hashlib.sha256(b"\x00" + leaf).digest()
        hashes.append(leaf_hash)
        r = {"sequence": first + i, "kind": KINDS[words[2]], "micros": words[1], "key_id": key_id.hex(),
             "request_tag": tag.hex(),
             "leaf_hash": leaf_hash.hex(), "erased": key_id not in keys}
        if key_id in keys:
            secret, seq = keys[key_id], struct.pack(">Q", first + i)
            plain = AESGCM(expand(secret, b"assay/sealing key/v1\n")).decrypt(box[:12], box[12:], seq + leaf_hash)
            body, subject, caller, request, decision, vector, private = parts(plain)
            both = expand(secret, b"assay/record keys/v1\n" + seq, 64)
            for key, kind, data, want in ((both[:32], b"decision", decision, words[6]),
                                          (both[32:], b"vector", vector, words[7])):
                if hmac.digest(key, b"assay/commit/" + kind + b"/v1\n" + data, hashlib.sha256) != want:
                    raise ValueError("record %d does not open its leaf" % (first + i))
            r["body"] = body.hex()
            for name, value in (("subject", subject.decode()), ("caller", caller.decode()),
                                ("request_id", request.decode()),
                                ("decision", decision.hex()), ("vector", vector.hex()), ("private", private.hex())):
                if value:
                    r[name] = value
        records.append(r)
    top, name = root(hashes), log[0].encode()
    promise = b"assay/promise/v1\n" + struct.pack(">H", len(name)) + name + struct.pack(">QI", first, count) + top
    if not receipts.ed25519(log[2], promise, signature):
        raise ValueError("the group of record %d is not signed by the log" % first)
    return {"first": first, "root": top.hex(), "ops": read_ops(b[at_ops:end]), "records": records}, end + 16


def main(args):
    if len(args) != 1:
        sys.exit(__doc__)
    with open(args[0]) as f:
        v = json.load(f)
    master = Master(v["master"])
    keys = {bytes.fromhex(k): master.unwrap(bytes.fromhex(k), bytes.fromhex(w)) for k, w in v["wrapped_keys"].items()}
    mac = AESGCM(expand(keys[bytes.fromhex(v["system"])], b"assay/group authentication key/v1\n"))
    log = receipts.read_key(v["log_key"])
    groups = []
    for text in v["files"]:
        b = bytes.fromhex(text)
        while b.strip(b"\x00"):
            group, n = read_group(b, keys, mac, log)
            groups.append(group)
            b = b[n:]
    if groups != v["groups"]:
        for got, want in zip(groups, v["groups"]):
            if got != want:
                print("read  ", json.dumps(got)[:2000], "\nlisted", json.dumps(want)[:2000])
        sys.exit("the record files differ from the decoded records listed with them")
    print("%d groups, %d records, all as listed" % (len(groups), sum(len(g["records"]) for g in groups)))


if __name__ == "__main__":
    main(sys.argv[1:])
