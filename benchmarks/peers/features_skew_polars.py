# SPDX-License-Identifier: Apache-2.0
"""The plan of benchmarks/features/skew.go written for polars, to compare their times.

    features_skew_polars.py log.parquet [--lean] [--memory BYTES]

reads the event log, computes every feature of every application with rolling windows over event time (closed on the
left), and prints one JSON object: seconds (without reading), peak memory in bytes, rows, and the mean of each feature.

The plan is written in two ways. Without --lean it is what one writes at first: an aggregate may filter its window (the
sellers that are not null, the time of the last order). polars then makes a table of each row's window, and the windows
of a busy key hold a sixth of all events: memory grows with the square of the log. With --lean no aggregate filters:
null is counted as a seller and subtracted, and the time of the last order is filled forward before windows are made.

--memory bounds the address space of this process on Linux, so that the process ends before the machine runs out of
memory. How it ends depends on which allocation fails: with MemoryError, or with polars' abort and the message "memory
allocation of ... bytes failed" or "failed to spawn thread".
"""
import argparse
import json
import resource
import sys
import time

from peak import peak_bytes

args = argparse.ArgumentParser()
args.add_argument("log")
args.add_argument("--lean", action="store_true")
args.add_argument("--memory", type=int, default=0)
args = args.parse_args()
if args.memory and sys.platform == "linux":  # other systems do not enforce this bound
    resource.setrlimit(resource.RLIMIT_AS, (args.memory, args.memory))

import polars as pl  # after the bound is set, which then also limits its threads and arenas

QUARTER = pl.duration(days=90)

log = pl.read_parquet(args.log).with_row_index("seq")
start = time.perf_counter()

v, m, t = pl.col("v"), pl.col("m"), pl.col("time")
fed = pl.col("kind") == "order"
# An application feeds nothing: its value and its seller are null.
both = log.select("seq", "buyer", "time", "kind", pl.when(fed).then("amount").alias("v"),
                  pl.when(fed).then("seller").alias("m"))
keyed = both.sort(["buyer", "time"], maintain_order=True)
if args.lean:
    keyed = keyed.with_columns(pl.when(v.is_not_null()).then(t).forward_fill().over("buyer").alias("last"))
    sellers, last = m.n_unique() - (m.null_count() > 0).cast(pl.UInt32), pl.col("last").last()
else:
    sellers, last = m.drop_nulls().n_unique(), t.filter(v.is_not_null()).last()


def window(length, aggs):
    out = (keyed if args.lean else both).rolling(index_column="time", period=length, closed="left",
                                                 group_by="buyer").agg(aggs)
    out = out.sort(["buyer", "time"], maintain_order=True)  # rolling returns the groups in its own order
    return out.with_columns(keyed["seq"], keyed["kind"]).filter(pl.col("kind") == "application").drop("kind", "buyer")


quarter = window("90d", [v.count().alias("orders"), v.sum().alias("ordered"), v.mean().alias("order_mean"),
                         v.max().alias("order_max"), v.std().alias("order_std"), sellers.alias("sellers"),
                         last.alias("last")])
month = window("30d", [v.count().alias("orders_month"), v.sum().alias("ordered_month")]).drop("time")
# A time that was filled forward may be older than the window.
since = pl.when(pl.col("last") >= t - QUARTER).then((t - pl.col("last")).dt.total_microseconds() / 86_400e6)
x = quarter.join(month, on="seq").with_columns(since.alias("since_order"))
seconds = time.perf_counter() - start
names = ["orders", "ordered", "order_mean", "order_max", "order_std", "sellers", "since_order",
         "orders_month", "ordered_month"]
peak = peak_bytes()
print(json.dumps({"seconds": seconds, "peak": peak, "rows": x.height,
                  "means": {n: x[n].cast(pl.Float64).mean() for n in names}}))
