# SPDX-License-Identifier: Apache-2.0
# Makes golden_weights.json: a sample of rows of unequal weight, and what
# scikit-learn (sample_weight), statsmodels (var_weights) and numpy
# have for its figures. weights_test.go compares.
#
#   python3 golden_weights.py > golden_weights.json
#
# Made with numpy 2.4.6, scikit-learn 1.9.1, scipy 1.17.1 and statsmodels 0.15.0 from PyPI.
import json
import sys

import numpy as np
import statsmodels.api as sm
from scipy import special
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score, roc_curve
from statsmodels.stats.proportion import proportion_confint

r = np.random.default_rng(23)
n = 400
x = r.normal(size=n).round(1)  # ties
p = special.expit(-1.4 + 1.1 * x + 0.3 * r.normal(size=n)).round(2).clip(0.01, 0.99)
y = (r.uniform(size=n) < special.expit(-1.2 + 1.0 * x)).astype(int)
w = np.exp(0.8 * r.normal(size=n)).round(3) * 10
rival = (p + r.uniform(size=n)).round(2)
fpr, tpr, _ = roc_curve(y, p, sample_weight=w, drop_intermediate=False)


def effective(v):
    return v.sum() ** 2 / (v**2).sum()


def components(s):
    """DeLong's structural components by comparing every bad row with every good one."""
    b, g = s[y == 1][:, None], s[y == 0][None, :]
    won = (b > g) + 0.5 * (b == g)
    return won @ w[y == 0] / w[y == 0].sum(), w[y == 1] @ won / w[y == 1].sum()


def variance(vb, vg, mean):
    out = []
    for v, c in ((vb, 1), (vg, 0)):
        u = w[y == c]
        k = effective(u)
        out.append(np.sum((u * (v - mean)) ** 2) / u.sum() ** 2 * k / (k - 1))
    return out


auc = roc_auc_score(y, p, sample_weight=w)
other = roc_auc_score(y, rival, sample_weight=w)
vb, vg = components(p)
ub, ug = components(rival)
logit = special.logit(p)
fit = sm.GLM(y, sm.add_constant(logit), family=sm.families.Binomial(), var_weights=w).fit(tol=1e-15, maxiter=200)
large = sm.GLM(y, np.ones(n), family=sm.families.Binomial(), offset=logit, var_weights=w).fit(tol=1e-15, maxiter=200)


def errors(fit, design):
    """HC3 (MacKinnon and White 1985), with the hat matrix written out."""
    mu = fit.fittedvalues
    v = w * mu * (1 - mu)
    inverse = np.linalg.inv(design.T @ np.diag(v) @ design)
    leverage = np.diag(design @ inverse @ design.T) * v
    e = w * (y - mu) / (1 - leverage)
    return np.sqrt(np.diag(inverse @ design.T @ np.diag(e**2) @ design @ inverse))


intercept_se, slope_se = errors(fit, sm.add_constant(logit))
rate = np.average(y, weights=w)
rows = min(effective(w), rate * (1 - rate) / (np.sum((w * (y - rate)) ** 2) / w.sum() ** 2))
low, high = proportion_confint(rate * rows, rows, method="wilson")
want = {
    "auc": auc, "auc_variance": sum(variance(vb, vg, auc)), "difference": auc - other,
    "difference_variance": sum(variance(vb - ub, vg - ug, auc - other)),
    "ks": np.max(np.abs(tpr - fpr)), "average_precision": average_precision_score(y, p, sample_weight=w),
    "partial_auc": roc_auc_score(y, p, sample_weight=w, max_fpr=0.2), "brier": brier_score_loss(y, p, sample_weight=w),
    "logloss": log_loss(y, p, sample_weight=w), "bad_rate": np.average(y, weights=w),
    "bad_rate_low": low, "bad_rate_high": high,
    "mean_pd": np.average(p, weights=w), "tpr_at_fpr_0.10": np.interp(0.1, fpr, tpr), "effective": effective(w),
    "slope": fit.params[1], "intercept": fit.params[0], "slope_se": slope_se, "intercept_se": intercept_se,
    "large": large.params[0], "large_se": errors(large, np.ones((n, 1)))[0],
    "spiegelhalter": np.sum(w * (y - p) * (1 - 2 * p)) / np.sqrt(np.sum((w * (1 - 2 * p)) ** 2 * p * (1 - p))),
}
json.dump({"label": y.tolist(), "pd": p.tolist(), "weight": w.tolist(), "rival": rival.tolist(),
           "want": {k: float(v) for k, v in want.items()}}, sys.stdout, indent=0, allow_nan=False)
