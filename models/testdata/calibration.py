# SPDX-License-Identifier: Apache-2.0
"""Writes calibration.json: what statsmodels and scikit-learn fit to the same
margins and labels. Run with numpy, statsmodels and scikit-learn:

    python models/testdata/calibration.py > models/testdata/calibration.json
"""
import json

import numpy as np
import statsmodels.api as sm
from sklearn.isotonic import IsotonicRegression


def softplus(x):
    return np.logaddexp(0, x)


def logit(y, columns, w):
    """Maximum likelihood; y may be a share. The order of the columns is kept."""
    fit = sm.GLM(y, np.column_stack(columns), family=sm.families.Binomial(), freq_weights=w).fit(maxiter=200, tol=1e-15,
                                                                                                 tol_criterion="params")
    return [float(b) for b in fit.params]


def platt(m, y, w):
    bad, good = float(np.sum(w * y)), float(np.sum(w * (1 - y)))
    target = np.where(y == 1, (bad + 1) / (bad + 2), 1 / (good + 2))
    return logit(target, [m, np.ones_like(m)], w)


def beta(m, y, w):
    p, q, one = -softplus(-m), softplus(m), np.ones_like(m)
    a, b, c = logit(y, [p, q, one], w)
    if a >= 0 and b >= 0:
        return [a, b, c]
    if a < 0:
        b, c = logit(y, [q, one], w)
        return [0.0, b, c]
    a, c = logit(y, [p, one], w)
    return [a, 0.0, c]


def isotonic(m, y, w):
    n = len(y)
    fit = IsotonicRegression(y_min=1 / (n + 2), y_max=(n + 1) / (n + 2)).fit(m, y, sample_weight=w)
    return [float(x) for x in fit.predict(m)]


def case(name, seed, n, digits, truth, weighted):
    r = np.random.default_rng(seed)
    m = np.round(r.normal(0, 2, n), digits)
    y = (r.random(n) < truth(m)).astype(float)
    w = np.round(r.uniform(0.5, 3, n), 2) if weighted else np.ones(n)
    return {
        "name": name,
        "margin": m.tolist(),
        "label": y.tolist(),
        "weight": w.tolist() if weighted else None,
        "platt": platt(m, y, w),
        "beta": beta(m, y, w),
        "isotonic": isotonic(m, y, w),
    }


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


print(json.dumps([
    case("too sure", 1, 300, 6, lambda m: sigmoid(0.6 * m - 1), False),
    case("weights", 2, 300, 6, lambda m: sigmoid(1.5 * m + 0.5), True),
    case("ties", 3, 400, 0, lambda m: sigmoid(m), False),
    case("one side", 4, 500, 6, lambda m: 0.05 + 0.6 * sigmoid(2 * m), False),
    case("flat above", 5, 500, 6, lambda m: sigmoid(np.minimum(m, 0)), True),
], indent=0))
