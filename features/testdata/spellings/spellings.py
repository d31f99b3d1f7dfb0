"""Writes one table as pandas, polars and DuckDB spell it, and what its values are.

    pip install pandas polars duckdb pyarrow
    python spellings.py

true.csv holds the values themselves: own as 0 and 1, code as the number of the code among the sorted codes,
amount as the bits of a double.
"""
import struct
from decimal import Decimal

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

n = 60
own = [i % 3 == 0 for i in range(n)]
code = [[1, 2, 3, 10][i * 7 % 4] for i in range(n)]
amount = [f"{i * 79 % 1000}.{i * 79 % 4 * 25:02d}" for i in range(n)]

with open("true.csv", "w") as f:
    f.write("own,code,amount\n")
    for o, c, a in zip(own, code, amount):
        rank = sorted(str(x) for x in set(code)).index(str(c))
        f.write(f"{int(o)},{rank},{struct.pack('>d', float(a)).hex()}\n")

written = pa.table({
    "own": pa.array(own),
    "code": pa.array(code, pa.int64()),
    "amount": pa.array([Decimal(a) for a in amount], pa.decimal128(18, 2)),
})
pandas = pd.DataFrame({"own": own, "code": code, "amount": [float(a) for a in amount]})
polars = pl.DataFrame({"own": own, "code": code, "amount": [float(a) for a in amount]})
pandas.to_csv("pandas.csv", index=False)
pandas.assign(code=pandas.code.astype(float)).to_csv("floats.csv", index=False)
pandas.assign(own=pandas.own.astype(int)).to_csv("ints.csv", index=False)
pandas.assign(own=pandas.own.map({True: "TRUE", False: "FALSE"})).to_csv("upper.csv", index=False)
pandas.assign(code=pandas.code.astype("category")).to_parquet("pandas.parquet", index=False)
polars.write_csv("polars.csv")
polars.with_columns(code=pl.col("code").cast(pl.Float32)).write_parquet("polars.parquet", compression="snappy")
duckdb.sql("COPY written TO 'duckdb.csv' (HEADER)")
duckdb.sql("COPY (SELECT own, CAST(code AS DECIMAL(9, 1)) AS code, amount FROM written) TO "
           "'duckdb.parquet' (COMPRESSION snappy)")
with pa.ipc.new_file("arrow.arrow", written.schema) as w:
    w.write_table(written)
