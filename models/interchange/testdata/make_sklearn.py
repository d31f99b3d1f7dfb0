# SPDX-License-Identifier: Apache-2.0
"""Make the pickled scikit-learn models that the tests of models/interchange read.

usage: make_sklearn.py OUT

Run it once for each version of scikit-learn that the tests know, on its own
interpreter: 0.20.4 on Python 2.7, whose pickles differ. It writes
OUT/sklearn-<version>-<case>.pkl and, next to each,
sklearn-<version>-<case>.rows.json as make.py does, with what the library
itself answers for the rows. Of 1.2.2, which keeps the leaves of forests as
weights and encodes no categories, only the cases forest and hist are kept.
"""
import json
import os
import pickle
import sys

import numpy as np
import sklearn
from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor, RandomForestClassifier


def data(seed, n):
    rng = np.random.RandomState(seed)
    x = rng.normal(size=(n, 5))
    x[:, 1] = np.round(x[:, 1] * 4) / 4
    m = x[:, 0] * x[:, 1] + np.exp(x[:, 2] / 2) - 1 + x[:, 4]
    return x, (m + rng.logistic(size=n) / 3 > 0).astype(int), m


def edges(model, rng, n):
    """Rows on the thresholds of the model's trees and next to them."""
    if hasattr(model, "_predictors"):
        at = [(n["feature_idx"], n["num_threshold"]) for stage in model._predictors for p in stage
              for n in p.nodes if not n["is_leaf"]]
    else:
        at = [(f, t) for stage in model.estimators_ for e in np.ravel(stage)
              for f, t in zip(e.tree_.feature, e.tree_.threshold) if f >= 0]
    rows = []
    for f, t in [at[i] for i in rng.randint(len(at), size=n)]:
        for v in (t, np.nextafter(t, 1e300), np.nextafter(t, -1e300), np.nextafter(np.float32(t), np.float32(1e30))):
            row = rng.normal(size=5)
            row[f] = v
            rows.append(row)
    return np.array(rows)


def main():
    def write(name, content):
        with open(os.path.join(sys.argv[1], name), "wb") as f:
            f.write(content)

    x, y, m = data(1, 500)
    common = dict(n_estimators=5, max_depth=3, random_state=1)
    cases = {
        "binary": (GradientBoostingClassifier(**common), y, 2),
        "binary-old": (GradientBoostingClassifier(**common), y, 0),
        "deep": (GradientBoostingClassifier(n_estimators=5, max_leaf_nodes=20, max_depth=None, subsample=0.7,
                                            random_state=2), y, pickle.HIGHEST_PROTOCOL),
        "regression": (GradientBoostingRegressor(**common), m, pickle.HIGHEST_PROTOCOL),
        "exponential": (GradientBoostingClassifier(loss="exponential", **common), y, 2),
        "zero": (GradientBoostingClassifier(init="zero", **common), y, 2),
        "classes": (GradientBoostingClassifier(n_estimators=2, max_depth=2), np.clip(np.round(m), 0, 2).astype(int), 2),
        "forest": (RandomForestClassifier(n_estimators=4, max_depth=3, class_weight="balanced", random_state=1), y, 2),
        "other": (RandomForestClassifier(n_estimators=2, max_depth=2), y, 2),
    }
    try:
        from sklearn.ensemble import HistGradientBoostingClassifier
        cases["hist"] = (HistGradientBoostingClassifier(max_iter=3, max_leaf_nodes=5, max_bins=20), y, 4)
    except ImportError:
        pass  # before 1.0
    for name, (model, target, protocol) in cases.items():
        stem = "sklearn-%s-%s" % (sklearn.__version__, name)
        try:
            model.fit(x, target)
        except ValueError:
            sys.stderr.write(stem + " left out: this version cannot\n")
            continue
        write(stem + ".pkl", pickle.dumps(model, protocol))
        if name in ("classes", "other"):
            continue
        rng = np.random.RandomState(3)
        rows = np.vstack([data(2, 10)[0], edges(model, rng, 6)])
        if name == "regression":
            margins = model.predict(rows)
        elif name == "forest":
            margins = model.predict_proba(rows)[:, 1]
        else:
            margins = model.decision_function(rows)
        text = {"rows": [[float(v) for v in r] for r in rows], "margins": [float(v).hex() for v in np.ravel(margins)]}
        write(stem + ".rows.json", (json.dumps(text, separators=(",", ":")) + "\n").encode())


if __name__ == "__main__":
    main()
