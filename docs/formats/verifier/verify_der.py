#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads DER (ITU-T X.690), for verify_timestamp.py: one spelling of each length
and number, nothing else."""

BOOLEAN, INTEGER, BITS, OCTETS, OID, UTC, GENERALIZED, SEQUENCE, SET = 1, 2, 3, 4, 6, 0x17, 0x18, 0x30, 0x31


def inside(n):
    """The tag of a constructed element that only its place explains: [n]."""
    return 0xA0 | n


class BadDER(Exception):
    """The bytes are not the DER that is wanted."""


def need(ok, why):
    if not ok:
        raise BadDER(why)


class Reader:
    """Reads one element after another."""

    def __init__(self, raw):
        self.raw = raw

    def empty(self):
        return not self.raw

    def ended(self):
        need(self.empty(), "bytes that nothing explains")

    def next_is(self, tag):
        return self.raw[:1] == bytes([tag])

    def element(self, tag=None):
        """(content, the whole element) of the next one, which must have the tag."""
        b = self.raw
        need(len(b) >= 2 and b[0] & 31 != 31 and tag in (None, b[0]), f"no element with tag {tag}")
        start, n = 2, b[1]
        if n & 0x80:
            digits = b[2 : 2 + (n & 0x7F)]
            start, n = 2 + len(digits), int.from_bytes(digits, "big")
            need(1 <= len(digits) <= 4 and len(digits) == b[1] & 0x7F, "a length is cut short or too long")
            need(n >= 128 and digits[0], "a length is not in its one spelling")
        need(start + n <= len(b), "an element is cut short")
        self.raw = b[start + n :]
        return b[start : start + n], b[: start + n]

    def content(self, tag):
        return self.element(tag)[0]

    def enter(self, tag):
        return Reader(self.content(tag))

    def only(self, tag):
        """Like enter, and nothing follows."""
        inner = self.enter(tag)
        self.ended()
        return inner

    def integer(self, tag=INTEGER):
        b = self.content(tag)
        need(b and not (len(b) > 1 and (b[0], b[1] >> 7) in ((0, 0), (0xFF, 1))), "a number is not in its one spelling")
        return int.from_bytes(b, "big", signed=True)

    def boolean(self):
        b = self.content(BOOLEAN)
        need(b in (b"\x00", b"\xff"), "neither true nor false")
        return b == b"\xff"

    def bits(self):
        """The bytes of a bit string, and how many bits it has."""
        b = self.content(BITS)
        need(b and b[0] <= 7 and (len(b) > 1 or b[0] == 0), "a bit string")
        need(len(b) == 1 or b[-1] & ((1 << b[0]) - 1) == 0, "unused bits that are set")
        return b[1:], 8 * (len(b) - 1) - b[0]

    def whole_bytes(self):
        """A bit string without unused bits."""
        b, n = self.bits()
        need(n == 8 * len(b), "a bit string with unused bits")
        return b

    def oid(self):
        """An object identifier, as numbers with dots between."""
        b, arcs, n, started = self.content(OID), [], 0, False
        need(b and not b[-1] & 0x80, "an object identifier is cut short")
        for x in b:
            need(started or x != 0x80, "an object identifier is not in its one spelling")
            n, started = n << 7 | x & 0x7F, x & 0x80
            need(n < 2**31, "an object identifier has too large a number")
            if not started:
                arcs, n = arcs + [n], 0
        first = min(arcs[0] // 40, 2)
        return ".".join(str(a) for a in [first, arcs[0] - 40 * first] + arcs[1:])
