# SPDX-License-Identifier: Apache-2.0
"""The plan of datasets/scf/plan.yaml written for polars, to compare their times.

    features_polars.py scf.parquet

reads the event log, computes every feature of every application with rolling
windows over event time (closed on the left: an event does not see itself), and
prints one JSON object: seconds (without reading), rows, and the mean of each
feature, so that the caller can check that both plans compute the same. Windows
here are exact at the tail; the Go plan's tail moves in hops.
"""
import json
import sys
import time

import polars as pl

log = pl.read_parquet(sys.argv[1]).with_row_index("seq")
start = time.perf_counter()

apps = log.filter(pl.col("kind") == "application")


def window(key, on, length, where=None, value=None, member=None, aggs=()):
    """One row per application: aggregates over the events before it."""
    feed = log.filter(pl.col("kind") == on)
    if where is not None:
        feed = feed.filter(where)
    cols = key + ["seq", "time"]
    f = feed.select(cols + [pl.col(value).alias("v") if value else pl.lit(1.0).alias("v"),
                            pl.col(member).alias("m") if member else pl.lit("").alias("m"), pl.lit(False).alias("ask")])
    a = apps.select(cols + [pl.lit(None, dtype=pl.Float64).alias("v"), pl.lit(None, dtype=pl.String).alias("m"),
                            pl.lit(True).alias("ask")])
    both = pl.concat([f, a]).sort("seq")
    if length is None:
        length = "36500d"
    # A null value is an application, which feeds nothing.
    out = both.rolling(index_column="time", period=length, closed="left", group_by=key).agg(
        [pl.col("seq").last().alias("_")] + list(aggs))
    # rolling gives a row for each input row, grouped by key and in order.
    keyed = both.sort(key + ["time"], maintain_order=True)
    out = out.sort(key + ["time"], maintain_order=True)
    names = [a.meta.output_name() for a in aggs]
    return out.with_columns(keyed["seq"], keyed["ask"]).filter(pl.col("ask")).select(["seq"] + names)


v, t, m = pl.col("v"), pl.col("time"), pl.col("m")
fed = v.is_not_null()


def days(e):
    return e.dt.total_microseconds() / 86_400e6


frames = [
    window(["buyer"], "payment", "180d", value="days_past_due",
           aggs=[v.mean().alias("days_late"), v.max().alias("days_late_max"), v.std().alias("days_late_std"),
                 v.count().alias("payments"),
                 t.filter(fed).last().alias("last_payment")]),
    window(["buyer"], "payment", "30d", value="days_past_due", aggs=[v.mean().alias("days_late_recent")]),
    window(["buyer"], "payment", "180d", where=pl.col("days_past_due") > 0, aggs=[v.count().alias("late_payments")]),
    window(["buyer"], "order", "90d", value="amount", member="seller",
           aggs=[v.count().alias("orders"), v.mean().alias("order_mean"), v.std().alias("order_std"),
                 m.drop_nulls().n_unique().alias("buyer_sellers")]),
    window(["buyer"], "order", None, aggs=[t.filter(fed).first().alias("buyer_first")]),
    window(["buyer"], "default", "365d", aggs=[v.count().alias("buyer_defaults")]),
    window(["seller"], "dispute", "180d", aggs=[v.count().alias("disputes")]),
    window(["seller"], "invoice", "180d", aggs=[v.count().alias("seller_invoices")]),
    window(["buyer", "seller"], "order", None,
           aggs=[t.filter(fed).first().alias("pair_first"), v.count().alias("pair_orders")]),
    window(["buyer", "seller"], "invoice", "365d", value="amount", aggs=[v.sum().alias("pair_invoiced")]),
    window(["buyer", "seller"], "credit_note", "365d", value="amount", aggs=[v.sum().alias("pair_credited")]),
    window(["order"], "order", "365d", value="amount", aggs=[v.sum().alias("ordered")]),
    window(["order"], "receipt", "365d", value="amount", aggs=[v.sum().alias("received")]),
    window(["sector"], "index", "60d", value="level", aggs=[v.drop_nulls().last().alias("sector_index")]),
]


def own(key, length, aggs):
    """Windows that applications feed themselves."""
    out = apps.sort("seq").rolling(index_column="time", period=length, closed="left", group_by=key).agg(aggs)
    keyed = apps.sort(key + ["time"], maintain_order=True)
    names = [a.meta.output_name() for a in aggs]
    return out.sort(key + ["time"], maintain_order=True).with_columns(keyed["seq"]).select(["seq"] + names)


frames += [
    own(["buyer"], "90d", [pl.col("amount").sum().alias("asked_before")]),
    own(["buyer"], "7d", [pl.len().alias("asked_week")]),
    own(["invoice"], "365d", [pl.len().alias("offered_before")]),
]


def concentration(key, on, member, name):
    """Greatest share of one member: sums by key and member, as of each application."""
    feed = log.filter(pl.col("kind") == on).select(key + ["time", "amount", pl.col(member).alias("m")])
    period = {"order": 90, "invoice": 180}[on]
    pairs = apps.select(key + ["seq", "time"]).join(feed, on=key, suffix="_f").filter(
        (pl.col("time_f") < pl.col("time")) & (pl.col("time_f") >= pl.col("time") - pl.duration(days=period)))
    sums = pairs.group_by(["seq", "m"]).agg(pl.col("amount").sum())
    return sums.group_by("seq").agg((pl.col("amount").max() / pl.col("amount").sum()).alias(name))


frames += [concentration(["buyer"], "order", "seller", "buyer_concentration"),
           concentration(["seller"], "invoice", "buyer", "seller_concentration")]

x = apps
for f in frames:
    x = x.join(f, on="seq", how="left")
c = pl.col


def ratio(a, b):
    return pl.when(b != 0).then(a / b)


def gap(a, b):
    larger = pl.max_horizontal(a.abs(), b.abs())
    return pl.when(larger == 0).then(0.0).otherwise((a - b) / larger)


counts = ["payments", "late_payments", "orders", "buyer_defaults", "disputes", "seller_invoices", "pair_orders",
          "pair_invoiced", "pair_credited", "ordered", "received", "asked_before", "asked_week", "offered_before",
          "buyer_sellers"]
x = x.with_columns([c(n).fill_null(0) for n in counts])
out = x.select(
    "seq",
    c("amount").log1p().alias("amount"), days(c("due") - c("time")).alias("tenor"),
    ratio(c("amount"), c("invoice_amount")).alias("asked_share"),
    ratio(c("collateral"), c("amount")).alias("cover"), ratio(c("amount"), c("limit")).alias("of_limit"),
    ((c("invoice_amount") != 0) & (c("invoice_amount") % 1000 == 0)).cast(pl.Float64).alias("round"),
    c("sector").cast(pl.Categorical).to_physical().alias("sector_code"),
    "days_late", "days_late_max", "days_late_std", "days_late_recent", "payments", "late_payments",
    ratio(c("late_payments"), c("payments")).alias("late_share"),
    days(c("time") - c("last_payment")).alias("since_payment"),
    ratio(c("asked_before") + c("amount"), c("limit")).alias("utilisation"), "asked_week", "orders", "order_std",
    ratio(c("invoice_amount"), c("order_mean")).alias("amount_to_usual"), "buyer_sellers", "buyer_concentration",
    days(c("time") - c("buyer_first")).alias("buyer_age"), "buyer_defaults", "seller_invoices",
    ratio(c("disputes"), c("seller_invoices")).alias("dispute_share"), "seller_concentration",
    days(c("time") - c("pair_first")).alias("pair_age"), "pair_orders",
    ratio(c("pair_credited"), c("pair_invoiced")).alias("dilution"),
    gap(c("invoice_amount"), c("received")).alias("receipt_gap"),
    gap(c("invoice_amount"), c("ordered")).alias("order_gap"),
    "offered_before", "sector_index",
)
seconds = time.perf_counter() - start
means = {n: out[n].cast(pl.Float64).mean() for n in out.columns if n not in ("seq", "sector_code")}
print(json.dumps({"seconds": seconds, "rows": out.height, "means": {k: m for k, m in means.items() if m is not None}}))
