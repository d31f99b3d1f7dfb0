#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Computes what kernels should return, with numpy, pandas and DuckDB, and writes golden.json.

    python features/kernels/testdata/golden.py

It knows the definitions in docs/plan.md and nothing of the Go code. A missing value is null; an infinity is a text.
"""
import json
import math
import pathlib

import duckdb
import numpy as np
import pandas as pd

rng = np.random.default_rng(20240301)
DAY = 86_400_000_000
NAN, INF = math.nan, math.inf


def plain(x):
    if isinstance(x, (list, tuple, np.ndarray, pd.Series)):
        return [plain(y) for y in x]
    if isinstance(x, dict):
        return {k: plain(v) for k, v in x.items()}
    if isinstance(x, (np.integer, int)):
        return int(x)
    if isinstance(x, (float, np.floating)):
        return None if math.isnan(x) else str(float(x)) if math.isinf(x) else float(x)
    return x


def finite(x):
    return np.where(np.isfinite(x), x, NAN)


def numbers():
    edges = [0.0, -0.0, 1, -1, 0.5, -5, 50, 1e-300, -1e-300, 1e300, -1e300, 1.7e308, INF, -INF, NAN, 10, 20, 100, 150,
             -200]
    pairs = [(a, b) for a in edges for b in (0.0, -3, 7, 1.7e308, 1e-300, INF, NAN)]
    a = np.array([p[0] for p in pairs] + list(np.round(rng.normal(0, 200, 40), 2)))
    b = np.array([p[1] for p in pairs] + list(np.round(rng.normal(0, 200, 40), 2)))
    c = np.roll(a, 5)
    with np.errstate(all="ignore"):
        most = np.maximum(np.abs(a), np.abs(b))
        gap = np.where(most == 0, 0, (a - b) / most)

        def rows(kernel, value, inputs=(a,), **params):
            return {"kernel": kernel, "params": params, "in": inputs, "want": value}
        missing = np.isnan(a)
        return [
            rows("passthrough", a),
            rows("log1p", np.sign(a) * np.log1p(np.abs(a))),
            rows("clip", np.clip(a, -5, 50), bounds=[-5, 50]),
            rows("ratio", np.where(b == 0, NAN, finite(a / b)), (a, b)),
            rows("difference", finite(a - b), (a, b)),
            rows("sum", finite(a + b + c), (a, b, c)),
            rows("product", finite(a * b * c), (a, b, c)),
            rows("gap", finite(gap), (a, b)),
            rows("bucket", np.where(missing, NAN, np.digitize(a, [-10, 0, 10, 20])), edges=[-10, 0, 10, 20]),
            rows("missing", missing.astype(float)),
            rows("outside", np.where(missing, NAN, (a < -5) | (a > 50)), bounds=[-5, 50]),
            # numpy has no remainder of an infinity, and an infinity is no multiple of anything
            rows("round_amount", np.where(missing, NAN, (a != 0) & (np.fmod(a, 100) == 0))),
            rows("round_amount", np.where(missing, NAN, (a != 0) & (np.fmod(a, 0.5) == 0)), step=0.5),
        ]


def times():
    out = []
    us = np.concatenate([rng.integers(-60 * 365 * DAY, 60 * 365 * DAY, 25), [0, -1, DAY - 1, DAY, -DAY]])
    # the clocks of Berlin leap on 2024-03-31, and go back on 2024-10-27
    us = np.concatenate([us, pd.to_datetime(["2024-03-31T00:59:59", "2024-03-31T01:00:00", "2024-10-27T00:30:00",
                                             "2024-10-27T01:30:00", "2024-02-29T23:30:00"]).as_unit("us").asi8])
    for zone in ("", "Europe/Berlin", "America/New_York", "Asia/Kathmandu"):
        at = pd.to_datetime(us, unit="us", utc=True).tz_convert(zone or "UTC")
        for part, value in {"year": at.year, "quarter": at.quarter, "month": at.month, "day": at.day,
                            "weekday": at.weekday + 1, "hour": at.hour, "year_day": at.dayofyear}.items():
            out.append({"kernel": "date_part", "params": {"part": part, **({"zone": zone} if zone else {})},
                        "in": [list(us) + [NAN]], "want": [float(x) for x in value] + [NAN]})
    shifted = np.roll(us, 3)
    days = [(pd.Timestamp(int(b), unit="us") - pd.Timestamp(int(a), unit="us")) / pd.Timedelta(days=1)
            for a, b in zip(us, shifted)]
    out.append({"kernel": "days_between", "params": {}, "in": [list(us) + [NAN, 0], list(shifted) + [0, NAN]],
                "want": days + [NAN, NAN]})
    return out


def clips():
    out = []
    for n in (1, 2, 7, 100):
        x = np.round(rng.lognormal(3, 2, n), 3)
        for low, high in ((0, 1), (0.01, 0.99), (0.25, 0.5), (0.1, 0.9)):
            out.append({"in": list(x) + [NAN], "quantiles": [low, high],
                        "want": np.quantile(x, [low, high], method="inverted_cdf")})
    return out


def encodings():
    """Weights of evidence and target means, with every training row's value from the other folds."""
    out = []
    texts = ["a", "b", "c", "d", "rare"]
    for min_count, smoothing, folds in ((1, 2.0, 2), (5, 10.0, 3), (8, 0.5, 5)):
        n = 120
        raw = rng.choice([0, 1, 2, 3, 4, -1, NAN], n, p=[.3, .25, .2, .1, .03, .07, .05])
        bad = (rng.random(n) < 0.3).astype(int)
        t = pd.DataFrame({"raw": raw, "bad": bad, "fold": np.arange(n) % folds})

        def fit(train):
            total, total_bad = len(train), train.bad.sum()
            rate = total_bad / total
            groups = train.groupby("raw").bad.agg(["size", "sum"])
            common = groups[(groups["size"] >= min_count) & (groups.index >= 0)]
            rest = groups.drop(common.index)

            def values(size, bads):
                goods = size - bads
                woe = math.log((bads + smoothing * rate) / (total_bad + smoothing)) - math.log(
                    (goods + smoothing * (1 - rate)) / (total - total_bad + smoothing))
                return {"woe": woe, "target_mean": (bads + smoothing * rate) / (size + smoothing)}
            table = {code: values(g["size"], g["sum"]) for code, g in common.iterrows()}
            other = values(rest["size"].sum(), rest["sum"].sum())
            return lambda code, kernel: NAN if math.isnan(code) else table.get(code, other)[kernel]
        full = fit(t)
        parts = [fit(t[t.fold != k]) for k in range(folds)]
        for kernel in ("woe", "target_mean"):
            out.append({"kernel": kernel, "params": {"min_count": min_count, "smoothing": smoothing, "folds": folds},
                        "texts": texts, "in": raw, "labels": bad,
                        "table": [full(c, kernel) for c in range(len(texts))], "other": full(-1, kernel),
                        "out_of_fold": [parts[f](c, kernel) for c, f in zip(t.raw, t.fold)]})
    return out


def lookups():
    """What DuckDB's ASOF join finds in a table of dated rows."""
    rows = pd.DataFrame({"key": rng.integers(0, 4, 30), "since": rng.integers(-50, 50, 30)})
    rows = rows.drop_duplicates().sort_values(["key", "since"], ignore_index=True)
    rows["value"] = np.where(rng.random(len(rows)) < 0.15, None, np.round(rng.normal(0, 9, len(rows)), 2))
    rows["value"] = rows.value.astype(float)
    reads = pd.DataFrame({"place": range(80), "key": rng.integers(-1, 6, 80), "moment": rng.integers(-60, 60, 80)})
    found = duckdb.sql("""select case when isnan(value) then null else value end as value
        from reads asof left join rows on reads.key = rows.key and reads.moment >= rows.since
        order by place""").df()
    return {"rows": {c: rows[c].tolist() for c in rows}, "keys": reads.key.tolist(), "at": reads.moment.tolist(),
            "want": found.value.astype(float).tolist()}


def window(days, values, members, at, k, q, counted, half_life=30):
    """Every window kernel over the events of one key, given in the order of their times."""
    v = pd.Series(values, dtype=float)
    age = at - np.array(days)
    sums, counts = v.groupby(np.array(members)).sum(), pd.Series(members).value_counts()
    weight = np.exp2(-np.maximum(age, 0) / half_life)
    total, n = v.sum(), len(v)
    positive = total > 0
    last = v.iloc[-k:]
    shares = sums / total
    above = v.iloc[::-1] > 0
    out = {
        "count": n, "window_sum": total, "mean": v.mean(), "min": v.min(), "max": v.max(), "std": v.std(ddof=1),
        "distinct": len(sums), "share": shares.max() if positive else NAN,
        "since_last": age[-1], "age": age[0], "latest": v.iloc[-1], "earliest": v.iloc[0],
        "median": v.median(), "quantile": np.quantile(v, q, method="linear"),
        "nth_latest": v.iloc[-k] if n >= k else NAN, "since_nth": age[-k] if n >= k else NAN,
        "change": v.iloc[-1] - v.iloc[-1 - k] if n > k else NAN,
        "last_sum": last.sum(), "last_mean": last.mean(), "last_min": last.min(), "last_max": last.max(),
        "streak": min(k, int(above.cumprod().sum())),
        "slope": np.polyfit(days, v, 1)[0] if len(set(days)) > 1 else NAN,
        "decayed_count": weight.sum(), "decayed_sum": (weight * v).sum(), "decayed_mean": np.average(v, weights=weight),
        "top_share": sums.nlargest(k).sum() / total if positive else NAN,
        "hhi": (shares ** 2).sum() if positive else NAN,
        "entropy": (-sum(p * math.log(p) for p in shares if p > 0) if positive and shares.min() >= 0 else NAN),
        "count_of": counts.reindex(counted).fillna(0).sum(),
        "share_of": counts.reindex(counted).fillna(0).sum() / n,
    }
    return {"days": days, "values": values, "members": members, "at": at, "k": k, "quantile": q, "is": counted,
            "want": out}


def windows():
    out = []
    for n in (1, 2, 3, 5, 12, 40):
        for signed in (False, True):
            days = sorted(int(x) for x in rng.integers(0, 60, n))
            values = np.round(rng.normal(20 if signed else 60, 40 if signed else 10, n), 2)
            members = [str(x) for x in rng.choice(["a", "b", "c", "d", "e"], n)]
            out.append(window(days, values.tolist(), members, 60, int(rng.integers(1, 6)),
                              round(float(rng.random()), 3), ["b", "d", "nobody"]))
    out.append(window([7, 7, 7], [1.0, 1.0, 1.0], ["a", "a", "a"], 7, 2, 0.0, ["a"]))
    out.append(window([1, 2], [0.0, 0.0], ["a", "b"], 3, 2, 1.0, ["a"]))
    out.append(window([1, 2, 3, 4], [5.0, -1.0, 2.0, 3.0], ["a", "b", "a", "c"], 5, 3, 0.5, ["c"]))
    return out


golden = {"rows": numbers() + times(), "clips": clips(), "encodings": encodings(), "lookup": lookups(),
          "windows": windows()}
text = json.dumps(plain(golden), separators=(",", ":"))
pathlib.Path(__file__).with_name("golden.json").write_text(text.replace('{"', '\n{"') + "\n")
