# SPDX-License-Identifier: Apache-2.0
"""Writes Arrow batches of one application, by other libraries and of types that
are newer than the server's Arrow; TestForeignBatches sends them.

    python batches.py        # polars 2.1, pyarrow 26
"""
from decimal import Decimal

import polars as pl
import pyarrow as pa

frame = pl.DataFrame({
    "amount": pl.Series([Decimal("1234.5")], dtype=pl.Decimal(20, 4)),
    "income": pl.Series([600], dtype=pl.Int128),
    "sector": pl.Series(["steel"], dtype=pl.Categorical),
    "insured": [True],
    "buyer": pl.Series(["B-1"], dtype=pl.Enum(["B-1", "B-2"])),
})
frame.write_ipc_stream("polars.arrows", compat_level=pl.CompatLevel.newest())

columns = {
    "amount": pa.array([Decimal("1234.50")], pa.decimal32(7, 2)),
    "income": pa.array([Decimal("600.000")], pa.decimal64(12, 3)),
    "sector": pa.array(["steel"], pa.string_view()),
    "insured": pa.array([1], pa.int8()),
    "buyer": pa.array(["B-1"]),
}


def write(name, columns):
    table = pa.table(columns)
    with pa.ipc.new_stream(name, table.schema) as w:
        w.write_table(table)


write("decimals.arrows", columns)
write("list.arrows", columns | {"amount": pa.array([[1234.5]])})
write("runs.arrows", columns | {"extra": pa.RunEndEncodedArray.from_arrays(pa.array([1], pa.int32()), pa.array([1.5]))})
