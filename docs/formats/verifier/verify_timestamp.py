#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks RFC 3161 tokens, for verify_receipt.py, as docs/formats/timestamp.md
defines them, with nothing but the standard library."""

import base64
import functools
import hashlib
import json
import re
import sys

import verify_signature
from verify_der import BOOLEAN, GENERALIZED, INTEGER, OCTETS, OID, SEQUENCE, SET, UTC, BadDER, Reader, inside, need

SIGNED_DATA, TST_INFO = "1.2.840.113549.1.7.2", "1.2.840.113549.1.9.16.1.4"
CONTENT_TYPE, MESSAGE_DIGEST = "1.2.840.113549.1.9.3", "1.2.840.113549.1.9.4"
CERTIFICATE_OLD, CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.12", "1.2.840.113549.1.9.16.2.47"
TIME_STAMPING = "1.3.6.1.5.5.7.3.8"
KEY_USAGE, BASIC_CONSTRAINTS, EXTENDED_KEY_USAGE = "2.5.29.15", "2.5.29.19", "2.5.29.37"
BILLION = 10**9
ALLOWANCE = 300 * BILLION  # nanoseconds that clocks may be apart


class Failed(Exception):
    """A check failed."""

    def __init__(self, check, why):
        super().__init__(why)
        self.check = check


def hold(ok, check, why):
    if not ok:
        raise Failed(check, why)


def instant(text, pattern):
    """Nanoseconds since 1970, of a day that exists; the pattern has year to fraction."""
    m = re.fullmatch(pattern, text.decode("latin-1"))
    need(m, "a time in another form")
    parts = m.groupdict(default="0")
    year, month, day, hour, minute, second = (int(parts.get(k, 0)) for k in ("y", "m", "d", "h", "n", "s"))
    if len(parts["y"]) == 2:
        year += 2000 if year < 50 else 1900
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    need(1 <= month <= 12, "a month that is none")
    days = (31, 28 + leap, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    need(1 <= day <= days[month - 1] and hour < 24 and minute < 60 and second < 60, "a time that does not exist")
    before = year - 1
    since = 365 * before + before // 4 - before // 100 + before // 400 + sum(days[: month - 1]) + day - 1 - 719162
    return (86400 * since + 3600 * hour + 60 * minute + second) * BILLION + int(parts.get("f", "0").ljust(9, "0"))


DAY = "(?P<m>[0-9]{2})(?P<d>[0-9]{2})(?P<h>[0-9]{2})(?P<n>[0-9]{2})"
UTC_TIME = "(?P<y>[0-9]{2})" + DAY + "(?P<s>[0-9]{2})?Z"
FULL_TIME = "(?P<y>[0-9]{4})" + DAY + "(?P<s>[0-9]{2})Z"
GEN_TIME = "(?P<y>[0-9]{4})" + DAY + r"(?P<s>[0-9]{2})(\.(?P<f>[0-9]{0,8}[1-9]))?Z"


def certificate_time(reader):
    if reader.next_is(UTC):
        return instant(reader.content(UTC), UTC_TIME)
    return instant(reader.content(GENERALIZED), FULL_TIME)


class Certificate:
    """What a verifier needs of an X.509 certificate (RFC 5280). Anything else than all of raw is BadDER."""

    def __init__(self, raw):
        self.raw = raw
        outer = Reader(raw).only(SEQUENCE)
        content, self.signed = outer.element(SEQUENCE)
        self.algorithm = verify_signature.algorithm(outer)
        self.signature = outer.whole_bytes()
        outer.ended()
        body = Reader(content)
        version = body.enter(inside(0))
        need(version.integer() == 2 and version.empty(), "a certificate is not of version 3")
        self.serial = body.integer()
        need(verify_signature.algorithm(body) == self.algorithm, "a certificate names two signature algorithms")
        self.issuer = body.element(SEQUENCE)[1]
        validity = body.enter(SEQUENCE)
        self.begins, self.ends = certificate_time(validity), certificate_time(validity)
        validity.ended()
        self.subject = body.element(SEQUENCE)[1]
        self.key = verify_signature.Key(body.element(SEQUENCE)[1])
        for tag in (0x81, 0x82):  # unique identifiers
            if body.next_is(tag):
                body.element(tag)
        self.stamps = self.ca = self.unknown = False
        self.signs = self.certifies = True
        self.longest = None  # path of issuers below
        if body.next_is(inside(3)):
            self.extensions(body.enter(inside(3)).only(SEQUENCE))
        body.ended()

    def extensions(self, items):
        seen = set()
        while not items.empty():
            one = items.enter(SEQUENCE)
            oid = one.oid()
            critical = one.boolean() if one.next_is(BOOLEAN) else False
            value = one.enter(OCTETS)
            one.ended()
            need(oid not in seen, "an extension is there twice")
            seen.add(oid)
            if oid == EXTENDED_KEY_USAGE:
                uses = value.only(SEQUENCE)
                use = uses.oid()
                self.stamps = critical and uses.empty() and use == TIME_STAMPING
            elif oid == BASIC_CONSTRAINTS:
                inner = value.only(SEQUENCE)
                if inner.next_is(BOOLEAN):
                    self.ca = inner.boolean()
                if inner.next_is(INTEGER):
                    self.longest = inner.integer()
                    need(0 <= self.longest < 2**63, "a path of no length")
                inner.ended()
            elif oid == KEY_USAGE:
                bits, count = value.bits()
                value.ended()
                has = [n < count and bits[n // 8] >> (7 - n % 8) & 1 for n in range(6)]
                self.signs, self.certifies = has[0] or has[1], has[5]
            elif critical:
                self.unknown = True

    def valid(self, at):
        return self.begins <= at <= self.ends

    def issued(self, other, below):
        """Whether it may have issued the other, with so many issuers below it, and signed it."""
        if self.subject != other.issuer or not self.ca or not self.certifies:
            return False
        if self.longest is not None and below > self.longest:
            return False
        return self.key.verify(other.algorithm, None, other.signed, other.signature)


@functools.lru_cache(256)
def certificate(raw):
    return Certificate(raw)


class Token:
    """CMS SignedData over one TSTInfo by one signer. Anything else is BadDER."""

    def __init__(self, raw):
        need(len(raw) <= 64 << 10, "too long")
        outer = Reader(raw).only(SEQUENCE)
        need(outer.oid() == SIGNED_DATA, "not SignedData")
        data = outer.only(inside(0)).only(SEQUENCE)
        need(data.integer() == 3, "another version of SignedData")
        digests, wrapped = data.enter(SET), data.enter(SEQUENCE)
        need(wrapped.oid() == TST_INFO, "not of a TSTInfo")
        inner = wrapped.only(inside(0))
        self.content = inner.content(OCTETS)
        inner.ended()
        self.read_info(Reader(self.content).only(SEQUENCE))
        self.certificates = []
        if data.next_is(inside(0)):
            came = data.enter(inside(0))
            while not came.empty():
                self.certificates.append(certificate(came.element(SEQUENCE)[1]))
                need(len(self.certificates) <= 16, "too many certificates")
        self.read_signer(data.only(SET).only(SEQUENCE))
        need(verify_signature.digest(digests) == self.digest, "another digest than the signer's")
        digests.ended()

    def read_info(self, info):
        need(info.integer() == 1, "another version of TSTInfo")
        self.policy = info.oid()
        imprint = info.enter(SEQUENCE)
        self.imprint_digest = verify_signature.digest(imprint)
        self.imprint = imprint.content(OCTETS)
        imprint.ended()
        info.integer()  # the token's number
        self.time = instant(info.content(GENERALIZED), GEN_TIME)
        self.accuracy = 0
        if info.next_is(SEQUENCE):
            parts = info.enter(SEQUENCE)
            for tag, least, most, unit in ((INTEGER, 0, 2**31, BILLION), (0x80, 1, 999, 10**6), (0x81, 1, 999, 1000)):
                if parts.next_is(tag):
                    n = parts.integer(tag)
                    need(least <= n <= most, "the accuracy")
                    self.accuracy += n * unit
            parts.ended()
        if info.next_is(BOOLEAN):
            info.boolean()
        if info.next_is(INTEGER):
            info.integer()  # the nonce
        if info.next_is(inside(0)):
            info.element(inside(0))  # the authority's name
        info.ended()

    def read_signer(self, signer):
        version = signer.integer()
        need(version in (1, 3), "another version of a signer")
        self.named = None
        if version == 1:
            name = signer.enter(SEQUENCE)
            self.named = (name.element(SEQUENCE)[1], name.integer())
            name.ended()
        else:
            signer.element(0x80)
        self.digest = verify_signature.digest(signer)
        self.attributes = signer.element(inside(0))
        self.algorithm = verify_signature.algorithm(signer)
        self.signature = signer.content(OCTETS)
        signer.ended()

    def attribute(self, wanted):
        """The one value of a signed attribute, None if it is absent."""
        found, rest = None, Reader(self.attributes[0])
        while not rest.empty():
            one = rest.enter(SEQUENCE)
            oid, values = one.oid(), one.only(SET)
            if oid == wanted:
                need(found is None, "an attribute is there twice")
                found = values.element()[1]
                values.ended()
        return found

    def signing_certificate(self, known):
        """The first certificate that the signed attributes name."""
        value, name = self.attribute(CERTIFICATE_V2), "sha256"
        if value is None:
            value, name = self.attribute(CERTIFICATE_OLD), "sha1"
        need(value is not None, "no attribute names a certificate")
        one = Reader(value).enter(SEQUENCE).enter(SEQUENCE).enter(SEQUENCE)
        if name == "sha256" and one.next_is(SEQUENCE):
            name = verify_signature.digest(one)
        wanted = one.content(OCTETS)
        found = next((c for c in known if hashlib.new(name, c.raw).digest() == wanted), None)
        need(found, "the certificate that the attributes name is not here")
        need(self.named in (None, (found.issuer, found.serial)), "the signer is named otherwise")
        return found

    def signer(self, known):
        kind = self.attribute(CONTENT_TYPE)
        need(kind is not None and kind[0] == OID and Reader(kind).oid() == TST_INFO, "the attribute content type")
        value = self.attribute(MESSAGE_DIGEST)
        need(value is not None, "no attribute with the content's digest")
        need(Reader(value).content(OCTETS) == hashlib.new(self.digest, self.content).digest(), "of another content")
        return self.signing_certificate(known)


def trusted(leaf, came, pinned, at):
    """Whether a certificate is pinned, or leads to one that is, over at most 4 between."""
    c = leaf
    for depth in range(5):
        if not c.valid(at):
            return False
        if any(p.raw == c.raw for p in pinned):
            return True
        if c.unknown:
            return False
        by = next((p for p in pinned if p.issued(c, depth)), None)
        if by:
            return by.valid(at)
        by = next((p for p in came if p.issued(c, depth)), None)
        if by is None or by.raw == c.raw:
            return False
        c = by
    return False


def check(raw, message, made, pinned, policies):
    """Whether a pinned authority vouches for a token of message; False: nobody is pinned.

    made is when message was made at the earliest, in nanoseconds, None if that
    is not known. Failed names the first check that fails.
    """
    try:
        t = Token(raw)
    except BadDER as e:
        raise Failed("format", str(e)) from None
    hold(hashlib.new(t.imprint_digest, message).digest() == t.imprint, "imprint", "of other bytes")
    hold(not policies or t.policy in policies, "policy", f"policy {t.policy} is not a trusted one")
    hold(made is None or t.time + t.accuracy + ALLOWANCE >= made, "time", "before what it covers")
    pinned = [certificate(p) for p in pinned]
    try:
        leaf = t.signer(t.certificates + pinned)
    except BadDER as e:
        raise Failed("signer", str(e)) from None
    hold(leaf.stamps, "usage", "the certificate is not for time stamps alone")
    hold(leaf.signs, "usage", "the certificate's key may not sign")
    hold(leaf.valid(t.time), "usage", "the certificate was not valid at that time")
    signed = bytes([SET]) + t.attributes[1][1:]  # under the tag of a set (RFC 5652, section 5.4)
    hold(leaf.key.verify(t.algorithm, t.digest, signed, t.signature), "signature", "the signature is wrong")
    if not pinned:
        return False
    hold(trusted(leaf, t.certificates, pinned, t.time), "authority", "no pinned certificate vouches for it")
    return True


def judged(case):
    """How a case ends, in the words of the Go package: stamped, unknown, or the check that fails."""
    read = {k: base64.b64decode(case[k]) for k in ("token", "message")}
    pinned = [base64.b64decode(c) for c in case.get("certificates") or []]
    try:
        vouched = check(read["token"], read["message"], None, pinned, case.get("policies"))
    except Failed as e:
        return e.check
    return "stamped" if vouched else "unknown"


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] != "--judge":
        sys.exit("verify_timestamp.py --judge FILE: how each {token, message, certificates, policies} of a list ends")
    with open(sys.argv[2], encoding="utf-8") as f:
        json.dump([judged(c) for c in json.load(f)], sys.stdout)
