#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads the CBOR of leaves and decisions, for verify_receipt.py: core
deterministic encoding (RFC 8949, section 4.2.1) of the shapes that
docs/formats/leaf.md and decision.md define, and nothing else."""

import struct


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
            if n > 1 << 16:
                raise ValueError("a list that is too long")
            return [self.item(depth + 1) for _ in range(n)]
        if major == 5:
            out, last = {}, -1
            for _ in range(n):
                k = self.item(depth + 1)
                if type(k) is not int or k <= last:
                    raise ValueError("keys are not numbers in order")
                last, out[k] = k, self.item(depth + 1)
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


# Shapes: a range of numbers, a length of bytes, a type, a map, or a list of one shape, which is absent if empty.
U8, U64, I64 = range(2**8), range(2**64), range(-(2**63), 2**63)

LEAF = {0: range(1, 2), 1: I64, 2: range(1, 12), 3: 32, 4: 32, 5: 32, 6: 32, 7: 32}
DECISION = {
    0: range(1, 2), 1: U64, 2: str, 3: str, 4: I64, 5: range(5),
    6: {1: 32, 2: float, 3: float, 4: float, 5: str},
    7: 32, 8: 32, 9: 32, 10: [str], 11: [{1: str, 2: str, 3: float}],
}  # fmt: skip


def fits(x, shape):
    if isinstance(shape, range):
        return type(x) is int and x in shape
    if isinstance(shape, int):
        return type(x) is bytes and len(x) == shape
    if isinstance(shape, list):
        return type(x) is list and len(x) > 0 and all(fits(i, shape[0]) for i in x)
    if isinstance(shape, dict):
        want = [k for k in shape if k in x or not isinstance(shape[k], list)] if type(x) is dict else []
        return type(x) is dict and list(x) == want and all(fits(x[k], shape[k]) for k in want)
    return type(x) is shape


def read(b, shape):
    """What b encodes, which has the shape; else ValueError."""
    c = Cbor(b)
    out = c.item()
    if c.i != len(b):
        raise ValueError("bytes follow")
    if not fits(out, shape):
        raise ValueError("not of its shape")
    return out
