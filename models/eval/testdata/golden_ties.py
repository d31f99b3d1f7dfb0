# SPDX-License-Identifier: Apache-2.0
# Makes golden_ties.json: samples with many ties, few rows of a class, and
# weights, and what scikit-learn and scipy say about them.
#
#   python3 golden_ties.py > golden_ties.json
#
# Made with numpy 2.4.6, scipy 1.17.1 and scikit-learn 1.9.1 from PyPI.
import json

import numpy as np
from scipy import stats
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score, roc_curve


def figures(y, p, w):
    fpr, tpr, _ = roc_curve(y, p, sample_weight=w, drop_intermediate=False)
    out = {
        "auc": roc_auc_score(y, p, sample_weight=w),
        "average_precision": average_precision_score(y, p, sample_weight=w),
        "brier": brier_score_loss(y, p, sample_weight=w),
        "logloss": log_loss(y, p, sample_weight=w),
        "partial_auc": roc_auc_score(y, p, sample_weight=w, max_fpr=0.2),
        "ks": np.abs(tpr - fpr).max(),
        "tpr_0.05": np.interp(0.05, fpr, tpr) if 0.05 not in fpr else tpr[fpr <= 0.05].max(),
        "tpr_0.2": np.interp(0.2, fpr, tpr) if 0.2 not in fpr else tpr[fpr <= 0.2].max(),
    }
    if w is None:
        out["ks_scipy"] = stats.ks_2samp(p[y == 1], p[y == 0]).statistic
        out["mann_whitney"] = stats.mannwhitneyu(p[y == 1], p[y == 0]).statistic / (y.sum() * (1 - y).sum())
    return {k: float(v) for k, v in out.items()}


samples = []
for seed, (n, levels, rate, weighted) in enumerate(
    [(60, 5, 0.5, False), (200, 8, 0.1, False), (300, 1000, 0.03, False), (250, 3, 0.4, True), (400, 50, 0.2, True)]
):
    r = np.random.default_rng(seed)
    z = r.normal(size=n) + np.log(rate / (1 - rate))
    p = np.clip(np.round(levels / (1 + np.exp(-z))) / levels, 0.001, 0.999)
    y = (r.uniform(size=n) < 1 / (1 + np.exp(-z))).astype(int)
    y[:3], y[3:6] = 1, 0
    w = r.integers(1, 9, size=n) / 4 if weighted else None
    x = np.round(p + r.normal(size=n), 1)
    samples.append({
        "label": y.tolist(), "pd": p.tolist(), "weight": None if w is None else w.tolist(), "x": x.tolist(),
        "spearman": float(stats.spearmanr(p, x).statistic), "want": figures(y, p, w),
    })
print(json.dumps(samples))
