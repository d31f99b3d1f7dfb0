# SPDX-License-Identifier: Apache-2.0
"""Writes screening.json: information value, stability index and rank correlation
by pandas, scikit-learn and scipy. Run with numpy, pandas, scipy and scikit-learn:

    python features/screening/testdata/screening.py > features/screening/testdata/screening.json
"""
import json
import sys

import numpy as np
import pandas as pd
from scipy.special import rel_entr
from scipy.stats import rankdata, spearmanr
from sklearn.isotonic import IsotonicRegression


def bins_of(train, x, bins, categorical):
    """The bin of each value: -1 for missing, else counted from the left; each edge belongs to the bin below it."""
    known = np.sort(train[~np.isnan(train)])
    if categorical:
        edges = np.unique(known)
    else:
        edges = np.unique([known[k * len(known) // bins] for k in range(1, bins)])
    return np.where(np.isnan(x), -1, np.searchsorted(edges, x, side="left"))


def divergence(p, q):
    """The sum of (p - q) ln(p / q), as two relative entropies."""
    return float(np.sum(rel_entr(p, q) + rel_entr(q, p)))


def information(table):
    bad, good = table["sum"], table["count"] - table["sum"]
    return divergence((bad + 0.5) / (bad.sum() + 0.5), (good + 0.5) / (good.sum() + 0.5))


def information_value(x, y, bins, categorical):
    """The greater value of the bins merged to rising and to falling bad rates by isotonic regression."""
    table = pd.DataFrame({"bin": bins_of(x, x, bins, categorical), "y": y}).groupby("bin")["y"].agg(["count", "sum"])
    if categorical:
        return information(table), len(table)
    best = (0.0, 1)
    known = table[table.index >= 0]
    for rising in (True, False):
        rate = known["sum"] / known["count"]
        fit = IsotonicRegression(increasing=rising).fit(known.index, rate, known["count"]).predict(known.index)
        level = pd.Series(np.cumsum(np.abs(np.diff(fit, prepend=fit[0])) > 1e-12), index=known.index)
        # Bins of the same level stay apart where nothing forces them together: those to the left have its rate already.
        left, whole = known.groupby(level).cumsum(), known.groupby(level).transform("sum")
        level_ends = left["sum"] * whole["count"] == whole["sum"] * left["count"]
        block = level_ends.cumsum().shift(fill_value=0)
        merged = pd.concat([table[table.index < 0], known.groupby(block).sum()])
        if information(merged) > best[0]:
            best = (information(merged), len(merged))
    return best


def stability(train, later, bins, categorical):
    here, there = bins_of(train, train, bins, categorical), bins_of(train, later, bins, categorical)
    both = np.union1d(here, there)
    p = np.array([(here == b).sum() for b in both])
    q = np.array([(there == b).sum() for b in both])
    return divergence((p + 0.5) / (len(train) + 0.5), (q + 0.5) / (len(later) + 0.5))


def case(name, x, y, later, bins=20, categorical=False):
    iv, merged = information_value(x, y, bins, categorical)
    nulls = lambda a: [None if np.isnan(v) else float(v) for v in a]
    filled = pd.Series(x).fillna(pd.Series(x).quantile(0.5, interpolation="lower"))
    other = np.arange(len(x)) % 97 + 10 * y
    return {"name": name, "x": nulls(x), "y": y.tolist(), "later": nulls(later), "bins": bins,
            "categorical": categorical, "iv": iv, "merged": merged, "missing": float(np.isnan(x).mean()),
            "psi": stability(x, later, bins, categorical), "ranks": (rankdata(filled) - 1).tolist(),
            "other": other.tolist(), "correlation": float(spearmanr(filled, other).statistic)}


r = np.random.default_rng(7)


def sample(n, digits, truth, gaps=0.0):
    x = np.round(r.normal(0, 1, n), digits)
    y = (r.random(n) < 1 / (1 + np.exp(1 - truth(x)))).astype(float)
    x[r.random(n) < gaps] = np.nan
    return x, y


n = 400
x, y = sample(n, 4, lambda x: 1.5 * x)
rising = case("rising", x, y, np.round(r.normal(0.3, 1, 300), 4))
x, y = sample(n, 4, lambda x: -2 * x)
falling = case("falling", x, y, np.round(r.normal(0, 1.5, 300), 4), bins=10)
x, y = sample(n, 4, lambda x: 2 * x * x - 2)
hollow = case("bad at both ends", x, y, x[:100])
x, y = sample(n, 0, lambda x: x)
ties = case("ties", x, y, np.round(r.normal(1, 1, 200)))
x, y = sample(n, 2, lambda x: x, gaps=0.2)
gaps = case("missing in a fifth", x, y, np.where(r.random(300) < 0.5, np.nan, r.normal(0, 1, 300)), bins=8)
x, y = sample(n, 4, lambda x: 0 * x)
noise = case("noise", x, y, np.round(r.normal(0, 1, 300), 4))
x = r.integers(0, 5, n).astype(float)
y = (r.random(n) < np.array([0.1, 0.5, 0.2, 0.7, 0.3])[x.astype(int)]).astype(float)
x[r.random(n) < 0.1] = np.nan
categories = case("categories", x, y, r.integers(0, 4, 200).astype(float), categorical=True)
sparse = np.where(r.random(n) < 0.9, 0.0, np.round(r.exponential(1, n), 3))
zeros = case("nine zeros in ten", sparse, (r.random(n) < 0.1 + 0.5 * (sparse > 0)).astype(float), sparse[:50])

json.dump([rising, falling, hollow, ties, gaps, noise, categories, zeros], sys.stdout, separators=(",", ":"))
print()
