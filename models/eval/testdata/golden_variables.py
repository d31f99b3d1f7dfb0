# SPDX-License-Identifier: Apache-2.0
# Makes golden_variables.json: a number and a category with missing values, with
# and without weights, and what numpy and scikit-learn have for their bins,
# weights of evidence, information values and stability indices; and columns
# with missing values, with scipy's rank correlations. variable_golden_test.go compares.
#
#   python3 golden_variables.py > golden_variables.json
#
# Made with numpy 2.4.6, scipy 1.17.1 and scikit-learn 1.9.1 from PyPI.
import json
import sys

import numpy as np
from scipy import stats
from scipy.sparse.csgraph import connected_components
from sklearn.metrics import roc_auc_score

r = np.random.default_rng(41)
n, m, codes = 240, 160, 14
x, train = np.round(r.standard_t(2, size=n), 1), np.round(0.4 + r.standard_t(2, size=m), 1)
y = (r.uniform(size=n) < 1 / (1 + np.exp(1 - x))).astype(int)
x[r.choice(n, 40, replace=False)] = np.nan
y[np.isnan(x)] = 0  # a bin without a bad row
train[r.choice(m, 10, replace=False)] = np.nan
frequency = np.arange(1, codes + 1) ** 1.3
kind = r.choice(codes, n, p=frequency / frequency.sum()).astype(float)
kind_train = r.choice(codes, m, p=frequency / frequency.sum()).astype(float)
kind[:4], kind[4:9], kind_train[:3] = [-1, 99, 99, -1], np.nan, np.nan
kind_train[kind_train == 12] = 3  # a level that training never saw
kind[kind == 0], kind_train[kind_train == 0] = 1, 1  # and one that neither sample has
w, v = r.integers(1, 12, size=n) / 4, r.integers(1, 9, size=m) / 2


def cuts(a, weight):
    known = ~np.isnan(a)
    at = np.quantile(a[known], np.arange(1, 10) / 10, method="inverted_cdf",
                     weights=None if weight is None else weight[known])
    at = np.unique(at)
    return at[at < a[known].max()]


def place(a, at):
    """The bin of each value: above one cut and up to the next; missing values are last."""
    return np.where(np.isnan(a), len(at) + 1, np.searchsorted(at, a))


def code(a):
    return np.where(np.isnan(a), codes + 1, np.where((a >= 0) & (a < codes), a, codes)).astype(int)


def total(bins, weight, size):
    return np.bincount(bins, weights=weight, minlength=size)


def half(weight):
    return weight.mean() / 2


def effective(weight):
    return weight.sum() ** 2 / (weight**2).sum()


def evidence(bins, weight):
    bad, good = total(bins, weight * y, bins.max() + 1), total(bins, weight * (1 - y), bins.max() + 1)
    used = bad + good > 0
    add = np.where((bad == 0) | (good == 0), half(weight), 0)
    b, g = (bad + add) / bad.sum(), (good + add) / good.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        woe = np.log(b / g)
    rate = np.divide(bad, bad + good, out=np.zeros_like(bad), where=used)
    return {"bad": bad[used].tolist(), "good": good[used].tolist(), "woe": woe[used].tolist(),
            "iv": float(np.sum(((b - g) * woe)[used])),
            "separation": float(roc_auc_score(y, rate[bins], sample_weight=weight))}


def stability(before, now, wb, wn, size):
    e, a = total(before, wb, size), total(now, wn, size)
    both = (e > 0) | (a > 0)
    add = (e == 0) ^ (a == 0)
    f, s = (e + add * half(wb)) / e.sum(), (a + add * half(wn)) / a.sum()
    s, f = s[both], f[both]
    return {"psi": float(np.sum((s - f) * np.log(s / f))), "expected": e.tolist(),
            "psi_by_chance": float((both.sum() - 1) * (1 / effective(wb) + 1 / effective(wn)))}


def number(weight, trained):
    known = ~np.isnan(x)
    at = cuts(train, trained)
    wn, wb = np.ones(n) if weight is None else weight, np.ones(m) if trained is None else trained
    q1, q3 = np.quantile(x[known], [0.25, 0.75])
    return evidence(place(x, cuts(x, weight)), wn) | stability(place(train, at), place(x, at), wb, wn, len(at) + 2) | {
        "alone": float(roc_auc_score(y[known], x[known], sample_weight=wn[known])),
        "missing": float(np.mean(~known)), "missing_in_training": float(np.mean(np.isnan(train))),
        "low": float(x[known].min()), "median": float(np.median(x[known])), "high": float(x[known].max()),
        "spread": float((q3 - q1) / 1.349), "distinct": len(np.unique(x[known])),
        "far": int(np.sum((x < q1 - 3 * (q3 - q1)) | (x > q3 + 3 * (q3 - q1))))}


def category(weight, trained):
    wn, wb = np.ones(n) if weight is None else weight, np.ones(m) if trained is None else trained
    all_codes = code(kind)
    size = total(all_codes, wn, codes + 2)
    assert np.diff(np.sort(size[:codes]))[-11] > 0, "the last level kept ties with the first gathered: change the seed"
    kept = np.sort(np.argsort(-size[:codes])[:11])
    slot = np.full(codes + 2, len(kept))
    slot[kept], slot[codes + 1] = np.arange(len(kept)), len(kept) + 1
    return evidence(slot[all_codes], wn) | stability(code(kind_train), all_codes, wb, wn, codes + 2) | {
        "names": [f"level {k}" for k in kept] + ["other", "missing"],
        "other": [f"level {k}" for k in range(codes) if k not in kept and size[k] > 0],
        "missing": float(np.mean(np.isnan(kind))), "missing_in_training": float(np.mean(np.isnan(kind_train))),
        "distinct": int(np.sum(size[: codes + 1] > 0))}


def null(a):
    return [None if np.isnan(k) else float(k) for k in a]


base = r.normal(size=60)
columns = [base, -np.exp(base) + 0.3 * r.normal(size=60), np.round(r.normal(size=60)), r.normal(size=60),
           np.round(0.5 * base + r.normal(size=60), 1)]
columns.append(columns[3] + 0.5 * r.normal(size=60))
for k, c in enumerate(columns):
    c = columns[k] = c.copy()
    c[r.choice(60, 4 * k, replace=False)] = np.nan
rho = np.eye(6)
for i in range(6):
    for j in range(i):
        both = ~np.isnan(columns[i]) & ~np.isnan(columns[j])
        rho[i, j] = rho[j, i] = stats.spearmanr(columns[i][both], columns[j][both]).statistic
others = rho - np.eye(6)
partner = np.argmax(np.abs(others), axis=1)
_, group = connected_components(np.abs(rho) >= 0.7)
json.dump({
    "label": y.tolist(), "weight": w.tolist(), "trained": v.tolist(), "number": null(x), "number_train": null(train),
    "kind": null(kind), "kind_train": null(kind_train),
    "want": {"number": number(None, None), "weighted number": number(w, v), "category": category(None, None),
             "weighted category": category(w, v)},
    "columns": [null(c) for c in columns], "partner": partner.tolist(),
    "rho": [float(others[i, j]) for i, j in enumerate(partner)],
    "groups": [g for k in range(6) if len(g := np.flatnonzero(group == k).tolist()) > 1],
}, sys.stdout, indent=0, allow_nan=False)
