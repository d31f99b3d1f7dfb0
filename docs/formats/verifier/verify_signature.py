#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks RSA and ECDSA signatures (RFC 8017; FIPS 186-5), for
verify_timestamp.py, with nothing but whole numbers. There is no secret, so
its running time may depend on the input."""

import hashlib
import math

import verify_der
from verify_der import SEQUENCE, Reader, inside, need

SHA2 = "2.16.840.1.101.3.4.2."
DIGESTS = {SHA2 + "1": "sha256", SHA2 + "2": "sha384", SHA2 + "3": "sha512"}
RSA, PSS, MGF1, EC = "1.2.840.113549.1.1.1", "1.2.840.113549.1.1.10", "1.2.840.113549.1.1.8", "1.2.840.10045.2.1"
SIGNATURES = {
    "1.2.840.113549.1.1.11": ("pkcs1", "sha256"),
    "1.2.840.113549.1.1.12": ("pkcs1", "sha384"),
    "1.2.840.113549.1.1.13": ("pkcs1", "sha512"),
    "1.2.840.10045.4.3.2": ("ecdsa", "sha256"),
    "1.2.840.10045.4.3.3": ("ecdsa", "sha384"),
    "1.2.840.10045.4.3.4": ("ecdsa", "sha512"),
}
# The bytes before a digest in a signature of PKCS #1 v1.5 (RFC 8017, section 9.2, note 1).
PREFIXES = {
    "sha256": bytes.fromhex("3031300d060960864801650304020105000420"),
    "sha384": bytes.fromhex("3041300d060960864801650304020205000430"),
    "sha512": bytes.fromhex("3051300d060960864801650304020305000440"),
}


def algorithm(reader):
    """An AlgorithmIdentifier: (object identifier, parameters as they are encoded)."""
    inner = reader.enter(SEQUENCE)
    return inner.oid(), inner.raw


def plain(params):
    """Whether parameters are absent or NULL."""
    return params in (b"", b"\x05\x00")


def digest(reader):
    """The name of the digest of an AlgorithmIdentifier."""
    oid, params = algorithm(reader)
    need(oid in DIGESTS and plain(params), f"digest {oid} is not SHA-256, SHA-384 or SHA-512")
    return DIGESTS[oid]


def pss_parameters(params):
    """(digest, length of the salt) of RSASSA-PSS-params (RFC 4055, section 3.1)."""
    inner = Reader(params).only(SEQUENCE)
    h, m, salt = (inner.enter(inside(n)) for n in range(3))
    name = digest(h)
    oid, mask = algorithm(m)
    mask = Reader(mask)
    need(oid == MGF1 and digest(mask) == name, "another mask, or a mask of another digest")
    length = salt.integer()
    for r in (h, m, mask, salt):
        r.ended()
    need(1 <= length <= 64, "a salt of no length, or of too much")
    if inner.next_is(inside(3)):
        need(inner.enter(inside(3)).integer() == 1, "another trailer")
    inner.ended()
    return name, length


class Curve:
    """y^2 = x^3 - 3x + b over a prime field, with a base point of prime order."""

    def __init__(self, p, b, n, x, y):
        self.p, self.b, self.n, self.base = p, b, n, (x, y, 1)
        self.size = (p.bit_length() + 7) // 8

    def point(self, raw):
        """A point, uncompressed, that is on the curve."""
        need(len(raw) == 1 + 2 * self.size and raw[0] == 4, "a point is not uncompressed")
        x, y = int.from_bytes(raw[1 : 1 + self.size], "big"), int.from_bytes(raw[1 + self.size :], "big")
        need(x < self.p and y < self.p and (y * y - x**3 + 3 * x - self.b) % self.p == 0, "a point is not on its curve")
        return x, y, 1

    def double(self, a):
        x, y, z = a
        yy, zz = y * y, z * z
        s, m = 4 * x * yy % self.p, 3 * (x - zz) * (x + zz) % self.p
        u = (m * m - 2 * s) % self.p
        return u, (m * (s - u) - 8 * yy * yy) % self.p, 2 * y * z % self.p

    def add(self, a, b):
        """Jacobian coordinates; z is zero at infinity."""
        if a[2] == 0 or b[2] == 0:
            return b if a[2] == 0 else a
        za, zb = a[2] * a[2], b[2] * b[2]
        u, s = a[0] * zb % self.p, a[1] * zb * b[2] % self.p
        h, r = (b[0] * za - u) % self.p, (b[1] * za * a[2] - s) % self.p
        if h == 0:
            return self.double(a) if r == 0 else (1, 1, 0)
        hh, v = h * h, u * h * h
        x = (r * r - hh * h - 2 * v) % self.p
        return x, (r * (v - x) - s * hh * h) % self.p, h * a[2] * b[2] % self.p

    def multiply(self, k, a):
        out = (1, 1, 0)
        for bit in bin(k)[2:]:
            out = self.double(out)
            if bit == "1":
                out = self.add(out, a)
        return out

    def verify(self, key, hashed, signature):
        try:
            inner = Reader(signature)
            pair = inner.only(SEQUENCE)
            r, s = pair.integer(), pair.integer()
            pair.ended()
        except verify_der.BadDER:
            return False
        if not (0 < r < self.n and 0 < s < self.n):
            return False
        e = int.from_bytes(hashed, "big") >> max(0, 8 * len(hashed) - self.n.bit_length())
        w = pow(s, -1, self.n)
        x, _, z = self.add(self.multiply(e * w % self.n, self.base), self.multiply(r * w % self.n, key))
        return z != 0 and x * pow(z, -2, self.p) % self.p % self.n == r


# FIPS 186-5 / SP 800-186, section 3.2.1.
CURVES = {
    "1.2.840.10045.3.1.7": Curve(
        2**256 - 2**224 + 2**192 + 2**96 - 1,
        0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
        0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
        0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
        0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
    ),
    "1.3.132.0.34": Curve(
        2**384 - 2**128 - 2**96 + 2**32 - 1,
        0xB3312FA7E23EE7E4988E056BE3F82D19181D9C6EFE8141120314088F5013875AC656398D8A2ED19D2A85C8EDD3EC2AEF,
        0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973,
        0xAA87CA22BE8B05378EB1C71EF320AD746E1D3B628BA79B9859F741E082542A385502F25DBF55296C3A545E3872760AB7,
        0x3617DE4A96262C6F5D9E98BF9292DC29F8F41DBD289A147CE9DA3113B5F0B8C00A60B1CE1D7E819D7A431D7C90EA0E5F,
    ),
    "1.3.132.0.35": Curve(
        2**521 - 1,
        0x51953EB9618E1C9A1F929A21A0B68540EEA2DA725B99B315F3B8B489918EF109E156193951EC7E937B1652C0BD3BB1BF073573DF883D2C34F1EF451FD46B503F00,
        0x1FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFA51868783BF2F966B7FCC0148F709A5D03BB5C9B8899C47AEBB6FB71E91386409,
        0xC6858E06B70404E9CD9E3ECB662395B4429C648139053FB521F828AF606B4D3DBAA14B5E77EFE75928FE1DC127A2FFA8DE3348B3C1856A429BF97E7E31C2E5BD66,
        0x11839296A789A3BC0045C8A5FB42C7D1BD998F54449579B446817AFBD17273E662C97EE72995EF42640C550B9013FAD0761353C7086A272C24088BE94769FD16650,
    ),
}


def mask(seed, length, name):
    """MGF1 (RFC 8017, appendix B.2.1)."""
    out = b""
    for i in range(math.ceil(length / hashlib.new(name).digest_size)):
        out += hashlib.new(name, seed + i.to_bytes(4, "big")).digest()
    return out[:length]


def pss_holds(encoded, bits, hashed, name, salt):
    """EMSA-PSS-VERIFY (RFC 8017, section 9.1.2)."""
    size = len(hashed)
    if len(encoded) < size + salt + 2 or encoded[-1] != 0xBC:
        return False
    masked, h = encoded[: -size - 1], encoded[-size - 1 : -1]
    unused = 8 * len(encoded) - bits
    if masked[0] >> (8 - unused):
        return False
    db = bytearray(a ^ b for a, b in zip(masked, mask(h, len(masked), name), strict=True))
    db[0] &= 0xFF >> unused
    zeros = len(db) - salt - 1
    if any(db[:zeros]) or db[zeros] != 1:
        return False
    return hashlib.new(name, bytes(8) + hashed + db[zeros + 1 :]).digest() == h


class Key:
    """The public key of a certificate."""

    def __init__(self, spki):
        inner = Reader(spki).only(SEQUENCE)
        self.kind, params = algorithm(inner)
        bits = inner.whole_bytes()
        inner.ended()
        if self.kind == PSS or self.kind == RSA and plain(params):
            pair = Reader(bits).only(SEQUENCE)
            self.n, self.e = pair.integer(), pair.integer()
            pair.ended()
            need(self.n > 0 and self.n & 1 and 2048 <= self.n.bit_length() <= 8192, "the size of an RSA key")
            need(3 <= self.e < 2**31 and self.e & 1, "an RSA key's exponent")
        elif self.kind == EC:
            params = Reader(params)
            self.curve = CURVES.get(params.oid())
            params.ended()
            need(self.curve, "a curve that is not P-256, P-384 or P-521")
            self.point = self.curve.point(bits)
        else:
            need(False, f"keys of kind {self.kind} are not taken")

    def verify(self, alg, named, signed, signature):
        """Whether a signature over signed holds. named is the digest that the structure states, None if none."""
        oid, params = alg
        salt = 0
        if oid == RSA and plain(params) and named:
            kind, name = "pkcs1", named
        elif oid == PSS:
            kind = "pss"
            try:
                name, salt = pss_parameters(params)
            except verify_der.BadDER:
                return False
        elif oid in SIGNATURES and plain(params):
            kind, name = SIGNATURES[oid]
        else:
            return False
        if named not in (None, name):
            return False
        hashed = hashlib.new(name, signed).digest()
        if kind == "ecdsa" or self.kind == EC:
            return kind == "ecdsa" and self.kind == EC and self.curve.verify(self.point, hashed, signature)
        size, number = (self.n.bit_length() + 7) // 8, int.from_bytes(signature, "big")
        if len(signature) != size or number >= self.n:
            return False
        opened = pow(number, self.e, self.n)
        if kind == "pkcs1":
            info = PREFIXES[name] + hashed
            want = b"\x00\x01" + b"\xff" * (size - len(info) - 3) + b"\x00" + info
            return self.kind == RSA and opened.to_bytes(size, "big") == want
        bits = self.n.bit_length() - 1
        length = (bits + 7) // 8
        return opened.bit_length() <= 8 * length and pss_holds(opened.to_bytes(length, "big"), bits, hashed, name, salt)
