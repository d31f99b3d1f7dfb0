# SPDX-License-Identifier: Apache-2.0
# Makes golden_tables.json: a sample, and what numpy, pandas, scipy, scikit-learn
# and statsmodels say of the figures in a report's tables. golden_tables_test.go
# builds the report of the sample and reads the figures out of it.
#
#   python3 golden_tables.py > golden_tables.json
#
# Made with numpy 2.4.6, pandas 2.3.3, scipy 1.17.1, scikit-learn 1.9.1 and
# statsmodels 0.15.0 from PyPI.
import json
import sys

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.metrics import auc, roc_auc_score, roc_curve
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

r = np.random.default_rng(20)
n = 500
z = r.normal(size=n)
x = z.round(2)  # ties in the variable, none in the PD
kind = r.integers(0, 4, size=n)
p = 1 / (1 + np.exp(-(-1.1 + 1.3 * z + 0.5 * (kind == 1))))
y = (r.uniform(size=n) < p).astype(int)
y[kind == 3] = 0  # a level without bad rows
x[r.uniform(size=n) < 0.1] = np.nan
xt = (r.normal(size=700) * 1.2 + 0.3).round(2)
xt[r.uniform(size=700) < 0.05] = np.nan
amount = r.integers(1, 50, size=n) * 100.0
rival = x.copy()
rival[np.isnan(rival)] = 0
rival = rival + r.normal(size=n)
group = r.integers(0, 2, size=n)
month = np.arange(n) * 5 // n


def woe(codes):
    """WOE and IV by bin, half a row added where a class is empty."""
    t = pd.crosstab(codes, y).reindex(columns=[0, 1], fill_value=0).astype(float)
    bad, good = t[1].copy(), t[0].copy()
    empty = (bad == 0) | (good == 0)
    bad[empty] += 0.5
    good[empty] += 0.5
    pb, pg = bad / t[1].sum(), good / t[0].sum()
    w = np.log(pb / pg)
    return t, w, float(((pb - pg) * w).sum())


def bins(values, reference):
    """Tenths of the reference, each ending with the floor(b n / 10)-th value; missing values last."""
    known = np.sort(reference[~np.isnan(reference)])
    cuts = np.unique(known[np.arange(1, 10) * len(known) // 10 - 1])
    return np.where(np.isnan(values), len(cuts) + 1, np.searchsorted(cuts, values, side="left"))


def psi(expected, actual, k):
    e, a = np.bincount(expected, minlength=k).astype(float), np.bincount(actual, minlength=k).astype(float)
    ne, na = e.sum(), a.sum()
    keep = (e > 0) | (a > 0)
    e, a = e[keep], a[keep]
    z = (e == 0) | (a == 0)
    e[z] += 0.5
    a[z] += 0.5
    return float(((a / na - e / ne) * np.log((a / na) / (e / ne))).sum())


out = {"label": y.tolist(), "pd": p.tolist(), "x": [None if np.isnan(v) else v for v in x],
       "train": [None if np.isnan(v) else v for v in xt],
       "kind": kind.tolist(), "amount": amount.tolist(), "rival": rival.tolist(), "group": group.tolist(),
       "month": month.tolist()}
want = {}
t, w, iv = woe(bins(x, x))
want["woe_x"] = [{"good": int(a), "bad": int(b), "woe": float(c)} for a, b, c in zip(t[0], t[1], w)]
want["iv_x"] = iv
t, w, iv = woe(kind)
want["woe_kind"] = [{"good": int(a), "bad": int(b), "woe": float(c)} for a, b, c in zip(t[0], t[1], w)]
want["iv_kind"] = iv
known = ~np.isnan(x)
want["auc_x"] = roc_auc_score(y[known], x[known])
want["psi_x"] = psi(bins(xt, xt), bins(x, xt), 11)
q1, q3 = np.quantile(x[known], [0.25, 0.75])
want["far_x"] = int(((x < q1 - 3 * (q3 - q1)) | (x > q3 + 3 * (q3 - q1))).sum())
want["missing_x"], want["missing_train"] = float(np.isnan(x).mean()), float(np.isnan(xt).mean())
want["spread_x"] = stats.iqr(x[known]) / 1.349

# Gains: riskiest first, ties in the order of rows, ten parts.
order = np.argsort(-p, kind="stable")
gains = []
for d in range(10):
    rows = order[d * n // 10:(d + 1) * n // 10]
    so_far = order[: (d + 1) * n // 10]
    caught, lost = y[so_far].sum() / y.sum(), (1 - y)[so_far].sum() / (1 - y).sum()
    gains.append([len(rows), p[rows].min(), p[rows].max(), p[rows].mean(), int(y[rows].sum()), y[rows].mean(),
                  y[rows].mean() / y.mean(), caught, lost, caught - lost])
want["gains"] = [[float(v) for v in g] for g in gains]

# Strategy: profit 0.1 and loss 0.6 of the amount.
safe = order[::-1]
strategy = []
for k in range(1, 11):
    rows = safe[: n * k // 10]
    worth = np.where(y[rows] == 1, -0.6, 0.1) * amount[rows]
    hoped = ((1 - p[rows]) * 0.1 - p[rows] * 0.6) * amount[rows]
    strategy.append([len(rows) / n, p[rows].max(), y[rows].mean(), p[rows].mean(), worth.sum(), hoped.sum()])
want["strategy"] = [[float(v) for v in s] for s in strategy]

# Swap set: as many approvals by the rival.
swap = []
rival_safe = np.argsort(-rival, kind="stable")[::-1]
for share in (0.5, 0.6, 0.7, 0.8, 0.9):
    k = round(share * n)
    mine, theirs = set(safe[:k].tolist()), set(rival_safe[:k].tolist())
    new, gone = sorted(mine - theirs), sorted(theirs - mine)
    swap.append([share, len(new), y[new].mean(), len(gone), y[gone].mean(), y[sorted(theirs)].mean(),
                 y[sorted(mine)].mean()])
want["swap"] = [[float(v) for v in s] for s in swap]

# Fairness at the break-even cut-off 0.1 / 0.7.
approved = p <= 0.1 / 0.7
fair = []
ref = int(np.argmax(np.bincount(group)))
for g in (0, 1):
    m, good = group == g, (group == g) & (y == 0)
    row = {"rows": int(m.sum()), "approved": float(approved[m].mean()), "good_approved": float(approved[good].mean()),
           "pd": float(p[m].mean()), "bad": float(y[m].mean()), "auc": roc_auc_score(y[m], p[m])}
    if g != ref:
        o, ogood = group == ref, (group == ref) & (y == 0)
        row["ratio"] = list(map(float, confint_proportions_2indep(int(approved[m].sum()), int(m.sum()),
                                                                  int(approved[o].sum()), int(o.sum()),
                                                                  compare="ratio", method="log")))
        row["difference"] = list(map(float, confint_proportions_2indep(int(approved[good].sum()), int(good.sum()),
                                                                       int(approved[ogood].sum()), int(ogood.sum()),
                                                                       compare="diff", method="newcomb")))
    fair.append(row)
want["fairness"], want["reference"] = fair, ref

# By month: the score's bins are the tenths of all PDs.
pb = bins(p, p)
months = []
for k in range(5):
    m = month == k
    lo, hi = proportion_confint(int(y[m].sum()), int(m.sum()), method="wilson")
    months.append([int(m.sum()), int(y[m].sum()), float(y[m].mean()), float(p[m].mean()), roc_auc_score(y[m], p[m]),
                   float(np.mean((p[m] - y[m]) ** 2)), psi(pb, pb[m], 11), float(lo), float(hi)])
want["months"] = months

fpr, tpr, _ = roc_curve(y, p, drop_intermediate=False)
want["tpr"] = [float(np.interp(f, fpr, tpr)) for f in (0.01, 0.05, 0.1, 0.2)]
for k, f in enumerate((0.01, 0.05, 0.1, 0.2)):
    at = tpr[fpr == f]
    if len(at):
        want["tpr"][k] = float(at.max())
want["roc_area"] = float(auc(fpr, tpr))
cap_x = np.r_[0, np.arange(1, n + 1) / n]
cap_y = np.r_[0, np.cumsum(y[order]) / y.sum()]
want["cap_gini"] = float((auc(cap_x, cap_y) - 0.5) / ((1 - y.mean() / 2) - 0.5))
want["uncertainty"] = float(y.mean() * (1 - y.mean()))

# Grades: thirds of the PD.
grade = np.minimum(2, (3 * p).astype(int))
want["grades"] = [[int((grade == g).sum()), float(p[grade == g].mean()), int(y[grade == g].sum()),
                   float(stats.binomtest(int(y[grade == g].sum()), int((grade == g).sum()), float(p[grade == g].mean()),
                                         alternative="greater").pvalue)] for g in range(3)]
out["grade"] = grade.tolist()

# Declined rows: the weighted Kolmogorov-Smirnov distance and bad rate.
declined = 1 / (1 + np.exp(-r.normal(size=40)))
out["declined"] = declined.tolist()
rejects = []
for k in (1, 1.5, 2, 3):
    q = k * declined / (k * declined + 1 - declined)
    yy, ss, ww = np.r_[y, np.ones(40), np.zeros(40)], np.r_[p, declined, declined], np.r_[np.ones(n), q, 1 - q]
    f, tp, _ = roc_curve(yy, ss, sample_weight=ww, drop_intermediate=False)
    rejects.append([float(np.average(yy, weights=ww)), roc_auc_score(yy, ss, sample_weight=ww),
                    float(np.abs(tp - f).max()), float(np.average((ss - yy) ** 2, weights=ww))])
want["rejects"] = rejects
out["want"] = want
json.dump(out, sys.stdout, indent=0, allow_nan=False)
