# SPDX-License-Identifier: Apache-2.0
"""The plan of benchmarks/features/skew.go written for polars, to be timed beside it.

    features_skew_polars.py log.parquet

reads the event log, computes every feature of every application with rolling windows over event time (closed on the left),
and prints one JSON object: seconds (reading left out), rows, and the mean of each feature.
"""
import json
import sys
import time

import polars as pl

log = pl.read_parquet(sys.argv[1]).with_row_index("seq")
start = time.perf_counter()

v, m, t = pl.col("v"), pl.col("m"), pl.col("time")
fed = pl.col("kind") == "order"
# An application feeds nothing: its value and its seller are null.
both = log.select("seq", "buyer", "time", "kind", pl.when(fed).then("amount").alias("v"), pl.when(fed).then("seller").alias("m"))


def window(length, aggs):
    out = both.rolling(index_column="time", period=length, closed="left", group_by="buyer").agg(aggs)
    keyed = both.sort(["buyer", "time"], maintain_order=True)
    out = out.sort(["buyer", "time"], maintain_order=True).with_columns(keyed["seq"], keyed["kind"])
    return out.filter(pl.col("kind") == "application").drop("kind", "buyer")


quarter = window("90d", [v.count().alias("orders"), v.sum().alias("ordered"), v.mean().alias("order_mean"), v.max().alias("order_max"),
                         v.std().alias("order_std"), m.drop_nulls().n_unique().alias("sellers"), t.filter(v.is_not_null()).last().alias("last")])
month = window("30d", [v.count().alias("orders_month"), v.sum().alias("ordered_month")]).drop("time")
x = quarter.join(month, on="seq").with_columns(((t - pl.col("last")).dt.total_microseconds() / 86_400e6).alias("since_order"))
seconds = time.perf_counter() - start
names = ["orders", "ordered", "order_mean", "order_max", "order_std", "sellers", "since_order", "orders_month", "ordered_month"]
print(json.dumps({"seconds": seconds, "rows": x.height, "means": {n: x[n].cast(pl.Float64).mean() for n in names}}))
