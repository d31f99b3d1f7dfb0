# SPDX-License-Identifier: Apache-2.0
"""Writes files of other libraries with columns that are read in a way of their
own, or not at all; TestForeignColumns says what becomes of each.

    python foreign.py        # pandas 2.3, polars 2.1, pyarrow 26
"""
import datetime
import uuid
from decimal import Decimal

import duckdb
import numpy as np
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
pq.write_table(table, "split.parquet", use_dictionary=False,
               column_encoding={"split": "BYTE_STREAM_SPLIT", "x": "PLAIN"})
pq.write_table(table, "lz4raw.parquet", compression={"split": "lz4", "x": "zstd"})

frame = pl.DataFrame({"x": x, "view": ["a", "longer than the twelve bytes of a view", None]}).with_columns(
    pl.Series("list", [[1], [2, 3], []]),
    pl.Series("bytes", [b"1", b"2", b"3"]),
    pl.Series("decimal", [Decimal("0.35"), None, Decimal("2.50")], dtype=pl.Decimal(38, 2)),
    pl.Series("unsigned", [1, 2, 3], dtype=pl.UInt8),
)
frame.write_ipc("polars.arrow", compat_level=pl.CompatLevel.newest())
frame = frame.with_columns(pl.Series("category", ["u", "v", "u"], dtype=pl.Categorical),
                           pl.Series("enum", ["u", None, "v"], dtype=pl.Enum(["u", "v"])))
frame.write_ipc("categories.arrow", compat_level=pl.CompatLevel.newest())
frame.write_ipc("oldest.arrow", compat_level=pl.CompatLevel.oldest())
frame.write_parquet("polars.parquet")
pl.DataFrame({"wide": pl.Series([1, 2**70], dtype=pl.Int128), "x": [1.5, 2.5]}).write_ipc(
    "int128.arrow", compat_level=pl.CompatLevel.newest())

table = pa.table({"small": pa.array([Decimal("1.25")], pa.decimal32(7, 2)), "x": pa.array([1.5])})
with pa.ipc.new_file("decimal32.arrow", table.schema) as w:
    w.write_table(table)

table = pa.table({"id": pa.array([2**53 + 1, 2**53 + 2, 7]),
                  "account": pa.array([2**63 + 1, 2**63 + 2, 7], pa.uint64()), "x": pa.array(x)})
pq.write_table(table, "ids.parquet")

frame = pd.DataFrame({"x": x, "target": [1, 0, 1]}, index=[7, 3, 5])
frame.to_parquet("index.parquet")

# Every kind of column that pyarrow 26 writes, before and between those that are read.
nested = pa.struct({"a": pa.dictionary(pa.int8(), pa.string()), "b": pa.list_(pa.decimal64(10, 3)),
                    "c": pa.string_view()})
run = pa.RunEndEncodedArray.from_arrays(pa.array([2, 3], pa.int32()), pa.array([1.5, 2.5]))
union = (pa.array([0, 1, 0], pa.int8()), [pa.array([1, 2, 3]), pa.array(["p", "q", "r"])])
every = {
    "run_end_encoded": run,
    "list_view": pa.array([[1], None, [2, 3]], pa.list_view(pa.int64())),
    "x": pa.array(x),
    "large_list_view": pa.array([["a"], None, ["b"]], pa.large_list_view(pa.string())),
    "large_list": pa.array([[1], None, [2, 3]], pa.large_list(pa.int64())),
    "fixed_size_list": pa.array([[1, 2], None, [3, 4]], pa.list_(pa.int64(), 2)),
    "sparse": pa.UnionArray.from_sparse(*union),
    "dense": pa.UnionArray.from_dense(union[0], pa.array([0, 0, 1], pa.int32()), [pa.array([1, 3]), pa.array(["q"])]),
    "view": pa.array(["a", "longer than the twelve bytes of a view", None], pa.string_view()),
    "binary_view": pa.array([b"longer than the twelve bytes of a view", None, b"b"], pa.binary_view()),
    "large": pa.array(["a", None, "c"], pa.large_string()),
    "month_day_nano": pa.array([(1, 2, 3), None, (4, 5, 6)], pa.month_day_nano_interval()),
    "duration": pa.array([1, None, 2], pa.duration("s")),
    "time32": pa.array([1, None, 2], pa.time32("s")),
    "decimal32": pa.array([Decimal("1.25"), None, Decimal("-0.35")], pa.decimal32(7, 2)),
    "decimal64": pa.array([None, Decimal("123456789012.345678"), Decimal("-1.000001")], pa.decimal64(18, 6)),
    "decimal256": pa.array([Decimal("1.25"), None, Decimal("-0.35")], pa.decimal256(50, 2)),
    "nested": pa.array([{"a": "u", "b": [Decimal("1.5")], "c": "longer than the twelve bytes of a view"}, None,
                        {"a": "v", "b": [], "c": "c"}], nested),
    "map": pa.array([[("k", 1)], None, []], pa.map_(pa.string(), pa.int64())),
    "code": pa.array(["u", None, "v"]).dictionary_encode(),
    "rate": pa.DictionaryArray.from_arrays(pa.array([1, None, 0], pa.int8()),
                                           pa.array([Decimal("0.35"), Decimal("2.50")], pa.decimal128(5, 2))),
    "small_rate": pa.DictionaryArray.from_arrays(pa.array([1, None, 0], pa.int8()),
                                                 pa.array([Decimal("0.35"), Decimal("2.50")], pa.decimal32(5, 2))),
    "lists": pa.DictionaryArray.from_arrays(pa.array([1, None, 0], pa.int8()), pa.array([[1], [2]])),
    "half": pa.array([np.float16(0.5), None, np.float16(-2)], pa.float16()),
    "null": pa.nulls(3),
    "uuid": pa.array([uuid.UUID(int=1).bytes, None, uuid.UUID(int=2).bytes], pa.uuid()),
    "json": pa.array(["{}", None, "[]"], pa.json_()),
    "bool8": pa.ExtensionArray.from_storage(pa.bool8(), pa.array([1, None, 0], pa.int8())),
    "opaque": pa.ExtensionArray.from_storage(pa.opaque(pa.binary(), "point", "postgres"), pa.array([b"1", None, b"2"])),
    "tensor": pa.array([[1, 2], None, [3, 4]], pa.list_(pa.int64(), 2)).cast(pa.fixed_shape_tensor(pa.int64(), [2])),
    "day": pa.array([datetime.date(2026, 1, 2), None, datetime.date(1969, 12, 31)], pa.date64()),
    "s": pa.array(["a", "b", "c"]),
}
table = pa.table(every)
batches = table.to_batches() * 2
with pa.ipc.new_stream("every.arrows", table.schema) as w:
    for b in batches:
        w.write_batch(b)
with pa.ipc.new_file("every.arrow", table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as w:
    for b in batches:
        w.write_batch(b)
with pa.ipc.new_stream("v4.arrows", table.schema,
                       options=pa.ipc.IpcWriteOptions(metadata_version=pa.ipc.MetadataVersion.V4)) as w:
    for b in batches:
        w.write_batch(b)
written = {}
for name, column in every.items():
    try:
        pq.write_table(pa.table({name: column}), pa.BufferOutputStream())
        written[name] = column
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        pass  # Parquet has no such type
pq.write_table(pa.table(written), "every.parquet")
duckdb.sql("""COPY (SELECT 1.5::DOUBLE AS x, 42::VARIANT AS variant, {'a': [1, 2]}::VARIANT AS deep,
    gen_random_uuid() AS uuid, INTERVAL 3 DAY AS "interval", TIME '01:02:03' AS "time", TIMETZ '01:02:03+01' AS timetz,
    '101'::BIT AS bits, 170141183460469231731687303715884105727::HUGEINT AS huge, 7::UHUGEINT AS uhuge,
    'u'::ENUM ('u', 'v') AS code, '{}'::JSON AS json, 'x'::BLOB AS blob, 0.35::DECIMAL(4, 2) AS small,
    MAP {'k': 1} AS map, 'a' AS s) TO 'duckdbevery.parquet'""")
wide = [2**70, None, -(2**120)]
frame = pl.DataFrame({"x": x, "wide": pl.Series(wide, dtype=pl.Int128),
                      "unsigned": pl.Series([2**127, None, 1], dtype=pl.UInt128),
                      "time": pl.Series([datetime.time(1), None, datetime.time(2)]),
    "struct": [{"a": 1}, None, {"a": 2}], "array": pl.Series([[1, 2], None, [3, 4]], dtype=pl.Array(pl.Int8, 2)),
    "object": pl.Series([b"1", None, b"2"]),
    "s": ["a", "b", "c"]})
frame.write_ipc("polarsevery.arrow", compression="lz4")
frame.drop("unsigned").write_parquet("polarsevery.parquet")
# Blocks that are packed, with check sums.
pl.DataFrame({"x": [1.5, 2.5] * 2000, "s": ["a", "b"] * 2000}).write_ipc("lz4.arrow", compression="lz4")

