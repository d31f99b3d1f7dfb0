# SPDX-License-Identifier: Apache-2.0
# Makes golden_intervals.json: samples, made-up resamples of their statistics, and
# the intervals that docs/reports.md describes, worked out with numpy, scipy,
# scikit-learn and statsmodels. intervals_golden_test.go compares.
#
#   python3 golden_intervals.py > golden_intervals.json
#
# Made with numpy 2.4.6, scipy 1.17.1, scikit-learn 1.9.1 and statsmodels 0.15.0 from PyPI.
import json
import sys

import numpy as np
from scipy import stats
from sklearn.metrics import brier_score_loss, roc_auc_score, roc_curve
from statsmodels.stats.proportion import proportion_confint


def effective(w):
    return w.sum() ** 2 / (w**2).sum()


def worth(w, hit):
    """Rows of equal weight whose rate has the variance that the rate of these has."""
    p = np.average(hit, weights=w)
    v = np.sum((w * (hit - p)) ** 2) / w.sum() ** 2
    return min(effective(w), p * (1 - p) / v) if v > 0 and p < 1 and np.ptp(w) > 0 else effective(w)


def moved(value, draws, rarer, to, back):
    """An interval on a scale, less the bias: at the lower end twice, and never upwards."""
    d = to(draws[~np.isnan(draws)])
    half, bias = stats.t.ppf(0.975, rarer - 1) * d.std(ddof=1), d.mean() - to(value)
    return [back(to(value) - 2 * max(bias, 0) - half), back(to(value) - bias + half)]


def catch(value, draws, m, rarer):
    """Wilson's interval of as many rows as have the variance of the resamples."""
    p = (value * m + 1) / (m + 2)
    m = min(m, p * (1 - p) / np.var(draws[~np.isnan(draws)], ddof=1))
    alpha = 2 * stats.norm.sf(stats.t.ppf(0.975, rarer - 1))
    return list(proportion_confint(value * m, m, alpha=alpha, method="wilson"))


def components(y, s, w):
    b, g = s[y == 1][:, None], s[y == 0][None, :]
    won = (b > g) + 0.5 * (b == g)
    return [(won @ w[y == 0] / w[y == 0].sum(), w[y == 1]), (w[y == 1] @ won / w[y == 1].sum(), w[y == 0])]


def area_variance(y, s, w):
    """DeLong's variance by comparing all pairs, and its degrees of freedom."""
    parts, rows = [], []
    for v, u in components(y, s, w):
        k = effective(u)
        parts.append(np.sum((u * (v - np.average(v, weights=u))) ** 2) / u.sum() ** 2 * k / (k - 1))
        rows.append(k - 1)
    return sum(parts), sum(parts) ** 2 / sum(v**2 / k for v, k in zip(parts, rows))


def make(seed, n, shift, weighted):
    r = np.random.default_rng(seed)
    y = (r.uniform(size=n) < 0.3).astype(int)
    s = np.round(1 / (1 + np.exp(1 - shift * y - r.normal(size=n))), 2).clip(0.01, 0.99)
    return r, y, s, r.integers(1, 9, size=n) / 4 if weighted else np.ones(n)


def sample(seed, n, shift, weighted):
    r, y, s, w = make(seed, n, shift, weighted)
    _, y2, s2, w2 = make(seed + 100, n // 2, shift / 2, weighted)
    fpr, tpr, cut = roc_curve(y, s, sample_weight=w, drop_intermediate=False)
    k = np.argmax(np.abs(tpr - fpr))
    ks, at = abs(tpr[k] - fpr[k]), cut[k]
    bad, good = effective(w[y == 1]), effective(w[y == 0])
    rarer = min(bad, good)
    high, low = np.round(ks + 0.05 + 0.15 * r.normal(size=40), 6), np.round(ks - 0.02 + 0.05 * r.normal(size=40), 6)
    high[3] = low[7] = np.nan  # a resample without one of the classes
    want = {}
    for name, d in (("high", high), ("low", low)):
        known = d[~np.isnan(d)]
        want[f"share_{name}"] = moved(ks, d, rarer, lambda x: np.arcsin(np.sqrt(np.clip(x, 0, 1))),
                                      lambda x: np.sin(np.clip(x, 0, np.pi / 2)) ** 2)
        centre = stats.t.ppf(0.975, rarer - 1) * np.log(known).std(ddof=1)
        want[f"size_{name}"] = [ks * np.exp(-centre), ks * np.exp(centre)]
        a, b = w[y == 1], w[y == 0]
        nb, ng = worth(a, s[y == 1] >= at), worth(b, s[y == 0] >= at)
        p = (np.average(s[y == 1] >= at, weights=a) * nb + 1) / (nb + 2)
        q = (np.average(s[y == 0] >= at, weights=b) * ng + 1) / (ng + 2)
        se = np.sqrt(p * (1 - p) / nb + q * (1 - q) / ng)
        if weighted:
            se = max(se, known.std(ddof=1))
        half, bias = stats.t.ppf(0.975, rarer - 1) * se, max(0, known.mean() - ks)
        want[f"distance_{name}"] = [max(0, ks - 2 * bias - half), min(1, ks - bias + half)]
        want[f"catch_{name}"] = catch(ks, d, bad, rarer)
        want[f"corrected_{name}"] = [float(np.clip(2 * ks - known.mean(), 0, 1))]
    v1, df1 = area_variance(y, s, w)
    v2, df2 = area_variance(y2, s2, w2)
    gap = roc_auc_score(y, s, sample_weight=w) - roc_auc_score(y2, s2, sample_weight=w2)
    half = max(stats.t.ppf(0.975, df1), stats.t.ppf(0.975, df2)) * np.sqrt(v1 + v2)
    want["gap"] = [gap - half, gap + half]
    group = np.arange(n) % 2
    rows = {}
    for g in (0, 1):
        u, hit = w[group == g], y[group == g]
        rows[g] = np.average(hit, weights=u), worth(u, hit)
        want[f"rate_{g}"] = list(proportion_confint(rows[g][0] * rows[g][1], rows[g][1], method="wilson"))
    (p1, n1), (p2, n2) = rows[0], rows[1]
    z, se = stats.norm.ppf(0.975), np.sqrt((1 - p1) / (p1 * n1) + (1 - p2) / (p2 * n2))
    want["ratio"] = [p1 / p2 * np.exp(-z * se), p1 / p2 * np.exp(z * se)]
    (l1, u1), (l2, u2) = want["rate_0"], want["rate_1"]
    want["difference"] = [p1 - p2 - np.hypot(p1 - l1, u2 - p2), p1 - p2 + np.hypot(u1 - p1, p2 - l2)]
    yy, ss = np.r_[y, np.ones(len(s2)), np.zeros(len(s2))], np.r_[s, s2, s2]
    q = 1.5 * s2 / (1.5 * s2 + 1 - s2)
    ww = np.r_[w, w2 * q, w2 * (1 - q)]
    fpr, tpr, _ = roc_curve(yy, ss, sample_weight=ww, drop_intermediate=False)
    want["augmented"] = [np.average(yy, weights=ww), roc_auc_score(yy, ss, sample_weight=ww),
                         np.abs(tpr - fpr).max(), brier_score_loss(yy, ss, sample_weight=ww)]
    return {"label": y.tolist(), "score": s.tolist(), "weight": w.tolist() if weighted else None,
            "label2": y2.tolist(), "score2": s2.tolist(), "weight2": w2.tolist() if weighted else None, "ks": ks,
            "high": [None if np.isnan(v) else v for v in high], "low": [None if np.isnan(v) else v for v in low],
            "want": {k: [float(x) for x in v] for k, v in want.items()}}


json.dump([sample(5, 200, 1.2, False), sample(6, 150, 0.6, True), sample(7, 60, 2.5, False)], sys.stdout, indent=0,
          allow_nan=False)
