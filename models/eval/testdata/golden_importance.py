# SPDX-License-Identifier: Apache-2.0
# Makes golden_importance.json: a sample, the variance inflation factors that
# statsmodels has for its columns, and the permutation importance that
# scikit-learn has for a known model. importance_test.go compares.
#
#   python3 golden_importance.py > golden_importance.json
#
# Made with numpy 2.4.6, scikit-learn 1.9.1 and statsmodels 0.15.0 from PyPI.
import json
import sys

import numpy as np
import statsmodels.api as sm
from sklearn.inspection import permutation_importance
from sklearn.metrics import roc_auc_score
from statsmodels.stats.outliers_influence import variance_inflation_factor

r = np.random.default_rng(11)
n = 300
a, b, c = r.normal(size=n), r.normal(size=n), r.normal(size=n)
x = np.column_stack([a, a + 0.5 * b, c * 1e9, b - c + 3 * r.normal(size=n)]).round(6)
x[r.uniform(size=n) < 0.15, 1] = np.nan


class Model:
    """As scoreOf in importance_test.go."""

    def fit(self, x, y):
        self.classes_ = np.array([0, 1])
        return self

    def predict_proba(self, x):
        z = np.nan_to_num(x)
        m = -1 + 1.2 * z[:, 0] + 0.6 * z[:, 1] + 0.3 * z[:, 0] * z[:, 3]
        p = 1 / (1 + np.exp(-m))
        return np.column_stack([1 - p, p])


model = Model().fit(None, None)
y = (r.uniform(size=n) < model.predict_proba(x)[:, 1]).astype(int)
filled = sm.add_constant(np.where(np.isnan(x), np.nanmean(x, axis=0), x))
p = permutation_importance(model, x, y, scoring=lambda m, u, v: roc_auc_score(v, m.predict_proba(u)[:, 1]),
                           n_repeats=2000, random_state=1)
json.dump({"x": [[None if np.isnan(v) else v for v in col] for col in x.T], "label": y.tolist(),
           "vif": [variance_inflation_factor(filled, j + 1) for j in range(4)],
           "lost": p.importances_mean.tolist(), "spread": p.importances_std.tolist()}, sys.stdout,
           indent=0, allow_nan=False)
