# SPDX-License-Identifier: Apache-2.0
"""Writes decimals.parquet, decimals.arrow and decimals.csv: decimals of several
precisions and scales, and what Python makes of each: the double nearest to it
(float.hex) and its digits without zeros at the end of a fraction.

    python decimals.py        # pyarrow 26
"""
import csv
import decimal
import random
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq

decimal.getcontext().prec = 100
TYPES = {
    "p9s2": pa.decimal128(9, 2),
    "p18s2": pa.decimal128(18, 2),
    "p38s0": pa.decimal128(38, 0),
    "p38s10": pa.decimal128(38, 10),
    "p38s18": pa.decimal128(38, 18),
    "p38s37": pa.decimal128(38, 37),
    "p76s20": pa.decimal256(76, 20),
}


def digits(d):
    s = format(d, "f")
    if "." in s:
        s = s.rstrip("0").rstrip(".")
    return "0" if s in ("-0", "") else s


def main():
    r = random.Random(7)
    columns, rows = {}, []
    for name, t in TYPES.items():
        values = []
        for i in range(150):
            most = r.randint(1, t.precision)
            unscaled = r.randrange(10**most) * (1 if i % 3 else -1)
            values.append(Decimal(unscaled).scaleb(-t.scale))
        values[0], values[1] = Decimal(0), None
        if t.scale == 2:  # amounts that a rounded power of ten gets wrong
            values[2:8] = [Decimal(x) for x in ("0.35", "0.30", "1.10", "19.99", "1234.56", "8.41")]
        if name == "p38s0":  # two accounts, one double
            values[2:4] = [Decimal("90071992547409921"), Decimal("90071992547409922")]
        columns[name] = pa.array(values, t)
        rows += [(name, i, "" if v is None else digits(v), "" if v is None else float(v).hex())
                 for i, v in enumerate(values)]
    table = pa.table(columns)
    pq.write_table(table, "decimals.parquet", compression="zstd")
    with pa.ipc.new_file("decimals.arrow", table.schema) as w:
        w.write_table(table)
    with open("decimals.csv", "w", newline="") as f:
        w = csv.writer(f, lineterminator="\n")
        w.writerow(["column", "row", "digits", "nearest"])
        w.writerows(rows)


main()
