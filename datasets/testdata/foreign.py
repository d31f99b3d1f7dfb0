# SPDX-License-Identifier: Apache-2.0
"""Writes files of other libraries with columns that are read in a way of their
own, or not at all; TestForeignColumns says what becomes of each.

    python foreign.py        # pandas 2.3, polars 2.1, pyarrow 26
"""
from decimal import Decimal

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

x = [1.5, 2.5, None]
unread = {
    "list": pa.array([[1], [2, 3], []]),
    "struct": pa.array([{"a": 1}, {"a": 2}, {"a": 3}]),
    "binary": pa.array([b"1", b"2", b"3"]),
    "map": pa.array([[("k", 1)], [], []], pa.map_(pa.string(), pa.int64())),
    "time": pa.array([1, 2, 3], pa.time64("us")),
}
table = pa.table(unread | {"x": pa.array(x), "s": pa.array(["a", "b", "c"]), "flag": pa.array([True, False, None])})
pq.write_table(table, "unread.parquet")
with pa.ipc.new_file("unread.arrow", table.schema) as w:
    w.write_table(table)

table = pa.table({"split": pa.array([1.5, 2.5, 3.5]), "x": pa.array(x)})
pq.write_table(table, "split.parquet", use_dictionary=False, column_encoding={"split": "BYTE_STREAM_SPLIT", "x": "PLAIN"})
pq.write_table(table, "lz4raw.parquet", compression={"split": "lz4", "x": "zstd"})

frame = pl.DataFrame({"x": x, "view": ["a", "longer than the twelve bytes of a view", None]}).with_columns(
    pl.Series("list", [[1], [2, 3], []]),
    pl.Series("bytes", [b"1", b"2", b"3"]),
    pl.Series("decimal", [Decimal("0.35"), None, Decimal("2.50")], dtype=pl.Decimal(38, 2)),
    pl.Series("unsigned", [1, 2, 3], dtype=pl.UInt8),
)
frame.write_ipc("polars.arrow", compat_level=pl.CompatLevel.newest())
frame = frame.with_columns(pl.Series("category", ["u", "v", "u"], dtype=pl.Categorical), pl.Series("enum", ["u", None, "v"], dtype=pl.Enum(["u", "v"])))
frame.write_ipc("categories.arrow", compat_level=pl.CompatLevel.newest())
frame.write_ipc("oldest.arrow", compat_level=pl.CompatLevel.oldest())
frame.write_parquet("polars.parquet")
pl.DataFrame({"wide": pl.Series([1, 2**70], dtype=pl.Int128), "x": [1.5, 2.5]}).write_ipc("int128.arrow", compat_level=pl.CompatLevel.newest())

table = pa.table({"small": pa.array([Decimal("1.25")], pa.decimal32(7, 2)), "x": pa.array([1.5])})
with pa.ipc.new_file("decimal32.arrow", table.schema) as w:
    w.write_table(table)

table = pa.table({"id": pa.array([2**53 + 1, 2**53 + 2, 7]), "account": pa.array([2**63 + 1, 2**63 + 2, 7], pa.uint64()), "x": pa.array(x)})
pq.write_table(table, "ids.parquet")

frame = pd.DataFrame({"x": x, "target": [1, 0, 1]}, index=[7, 3, 5])
frame.to_parquet("index.parquet")
