#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads record files of the journal, as docs/formats/journal.md defines them: a
second reader, written from that page. It needs the standard library and the
packages cryptography and zstandard.

    read_records.py records.json...     exit status 1 if the files differ from the decoded records listed with them

It reads formats 1 and 2.
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

KINDS = ["", "decision", "event", "activation", "policy", "erasure", "key rotation", "failed", "report", "shadow",
         "tick", "snapshot"]
PROGRAMME_BLOCK = 1 << 24


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


def read_head(b):
    """A group's head: version, first, count, ends of the sections in the group, signature (format 1), nonce, length."""
    if b[:8] == b"assayg1\n":
        _, first, count, public, personal, ops, signature, nonce, crc = struct.unpack(">8sQIIII64s12sI", b[:112])
        version, business, size, row = 1, 0, 112, 8
    elif b[:8] == b"assayg2\n":
        _, first, _, count, public, business, personal, ops, nonce, rest, crc = struct.unpack(">8sQQ5I12s20sI", b[:80])
        version, signature, size, row = 2, None, 80, 12
        if rest.strip(b"\x00"):
            raise ValueError("a group's head has bytes that are not known")
    else:
        raise ValueError("no group begins here")
    if crc != crc32c(b[: size - 4]):
        raise ValueError("the checksum of a group's head is wrong")
    ends = [size + row * count]
    for n in (public, business, personal, ops):
        ends.append(ends[-1] + n)
    return version, first, count, ends, signature, nonce, size, row


DICTIONARIES = {}  # by id


def unpack(frame):
    """What a zstd frame holds that names its dictionary."""
    import zstandard

    params = zstandard.get_frame_parameters(frame)
    return zstandard.ZstdDecompressor(dict_data=DICTIONARIES[params.dict_id]).decompress(frame)


def open_part(secret, info, version, box, seq, leaf_hash):
    """The plaintext of a sealed part."""
    plain = AESGCM(expand(secret, info)).decrypt(box[:12], box[12:], seq + leaf_hash)
    if version == 1:
        return plain
    if plain[:1] == b"\x00":
        return plain[1:]
    if plain[:1] == b"\x01":
        return unpack(plain[1:])
    raise ValueError("a sealed part begins with a byte that is not known")


def read_business(plain, owner):
    """The parties that a business part names, and what follows them."""
    n, at = varint(plain, 0)
    parties = []
    for _ in range(n):
        if plain[at] == 0:
            parties.append(owner)
            at += 1
        else:
            parties.append(plain[at + 1 : at + 17])
            at += 17
    return parties, plain[at:]


def read_record(r, version, key_id, leaf_hash, words, business, personal, keys, system):
    """Fills r with what the keys open."""
    seq = struct.pack(">Q", r["sequence"])
    if business:
        block = struct.pack(">Q", r["sequence"] // PROGRAMME_BLOCK)
        programme = expand(system, b"assay/programme key/v1\n" + block)
        plain = open_part(programme, b"assay/sealing key/v1\n", version, business, seq, leaf_hash)
        parties, rest = read_business(plain, key_id)
        r["business"] = rest.hex()
        if parties:
            r["parties"] = [p.hex() for p in parties]
    if key_id not in keys:
        return
    secret = keys[key_id]
    plain = open_part(secret, b"assay/sealing key/v1\n", version, personal, seq, leaf_hash)
    body, subject, caller, request, decision, vector, private = parts(plain)
    both = expand(secret, b"assay/record keys/v1\n" + seq, 64)
    for key, kind, data, want in ((both[:32], b"decision", decision, words[6]),
                                  (both[32:], b"vector", vector, words[7])):
        if hmac.digest(key, b"assay/commit/" + kind + b"/v1\n" + data, hashlib.sha256) != want:
            raise ValueError("record %d does not open its leaf" % r["sequence"])
    r["body"] = body.hex()
    for name, value in (("subject", subject.decode()), ("caller", caller.decode()), ("request_id", request.decode()),
                        ("decision", decision.hex()), ("vector", vector.hex()), ("private", private.hex())):
        if value:
            r[name] = value


def read_group(b, keys, system, log, signatures):
    """One group at the start of b: what it holds, and its length."""
    version, first, count, ends, signature, nonce, table, row = read_head(b)
    mac = AESGCM(expand(system, b"assay/group authentication key/v1\n"))
    mac.decrypt(nonce, b[ends[4] : ends[4] + 16], b[: ends[4]])  # raises if it is another
    records, hashes, start = [], [], [0, 0, 0]
    for i in range(count):
        at = b[table + row * i : table + row * (i + 1)]
        stop = struct.unpack(">II", at) if version == 1 else struct.unpack(">III", at)
        if version == 1:
            stop = (stop[0], 0, stop[1])
        public, business, personal = (b[ends[k] + start[k] : ends[k] + stop[k]] for k in range(3))
        start = stop
        key_id, tag, leaf = public[:16], public[16:32], public[32:]
        words = receipts.cbor(leaf, receipts.verify_cbor.LEAF)
        leaf_hash = hashlib.sha256(b"\x00" + leaf).digest()
        hashes.append(leaf_hash)
        r = {"sequence": first + i, "kind": KINDS[words[2]], "micros": words[1], "key_id": key_id.hex(),
             "request_tag": tag.hex(),
             "leaf_hash": leaf_hash.hex(), "erased": key_id not in keys}
        read_record(r, version, key_id, leaf_hash, words, business, personal, keys, system)
        records.append(r)
    top, name = root(hashes), log[0].encode()
    promise = b"assay/promise/v1\n" + struct.pack(">H", len(name)) + name + struct.pack(">QI", first, count) + top
    if not receipts.ed25519(log[2], promise, signature or signatures[first]):
        raise ValueError("the group of record %d is not signed by the log" % first)
    ops = read_ops(b[ends[3] : ends[4]])
    return {"first": first, "root": top.hex(), "ops": ops, "records": records}, ends[4] + 16


def read_signatures(b):
    """The signatures of a file of them, by the first number of their group."""
    out = {}
    for at in range(0, len(b), 80):
        first, _, signature, crc = struct.unpack(">QI64sI", b[at : at + 80])
        if crc != crc32c(b[at : at + 76]):
            raise ValueError("the checksum of a signature is wrong")
        out[first] = signature
    return out


def check(path):
    with open(path) as f:
        v = json.load(f)
    master = Master(v["master"])
    keys = {bytes.fromhex(k): master.unwrap(bytes.fromhex(k), bytes.fromhex(w)) for k, w in v["wrapped_keys"].items()}
    system = keys[bytes.fromhex(v["system"])]
    log = receipts.read_key(v["log_key"])
    signatures = {}
    for text in v.get("signatures", []):
        signatures.update(read_signatures(bytes.fromhex(text)))
    for text in v.get("dictionaries", []):
        import zstandard

        d = zstandard.ZstdCompressionDict(bytes.fromhex(text))
        DICTIONARIES[d.dict_id()] = d
    groups = []
    for text in v["files"]:
        b = bytes.fromhex(text)
        while b.strip(b"\x00"):
            group, n = read_group(b, keys, system, log, signatures)
            groups.append(group)
            b = b[n:]
    if groups != v["groups"]:
        for got, want in zip(groups, v["groups"]):
            if got != want:
                print("read  ", json.dumps(got)[:2000], "\nlisted", json.dumps(want)[:2000])
        sys.exit("the record files differ from the decoded records listed with them")
    print("%d groups, %d records, all as listed" % (len(groups), sum(len(g["records"]) for g in groups)))


def main(args):
    if not args:
        sys.exit(__doc__)
    for path in args:
        check(path)


if __name__ == "__main__":
    main(sys.argv[1:])
