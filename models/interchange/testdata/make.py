# SPDX-License-Identifier: Apache-2.0
"""Make the models that the tests of models/interchange read.

usage: make.py lightgbm|xgboost OUT

Run it once for each version of the library that the tests know, with that
version importable. It writes OUT/<library>-<version>-<case>.<txt|json|ubj|bin>
and, next to each case, <library>-<version>-<case>.rows.json:

  {"rows": [[number or null, ...], ...], "margins": ["hex float64", ...],
   "contributions": [[...], ...]}

with what the library itself answers for the rows, and the contributions of the
first twenty. Those of XGBoost 1.7.6's files are what 2.1.4 answers of them.
"""
import importlib
import json
import pathlib
import sys

import numpy as np

FEATURES = 6


def data(seed, n, cats):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, FEATURES)).astype(np.float32).astype(np.float64)
    x[:, 1] = np.round(x[:, 1] * 4) / 4
    x[:, 2] = np.exp(x[:, 2]).astype(np.float32)
    if cats:
        x[:, 4] = rng.integers(0, 5, n)
        x[:, 5] = rng.integers(0, 40, n)
    z = np.nan_to_num(x)
    m = z[:, 0] * z[:, 1] + z[:, 2] - 1 + (np.sin(z[:, 4] * 2.4) + np.sin(z[:, 5] * 1.7) if cats else z[:, 4])
    y = (m + rng.logistic(size=n) / 3 > 0).astype(float)
    x[:, :3][rng.random((n, 3)) < 0.15] = np.nan
    if cats:
        x[:, 5][rng.random(n) < 0.1] = np.nan
    return x, y, m


def expect(path, rows, margins, contributions=None):
    out = {
        "rows": [[None if np.isnan(v) else float(v) for v in r] for r in rows],
        "margins": [float(m).hex() for m in margins],
    }
    if contributions is not None:
        out["contributions"] = [[float(v) for v in r] for r in contributions]
    path.write_text(json.dumps(out, separators=(",", ":")) + "\n")


def thresholds_of(booster):
    """The split values of a model as XGBoost dumps them: rows on the edge."""
    frame = booster.trees_to_dataframe()
    return [(int(f[1:]), v) for f, v in zip(frame["Feature"], frame["Split"]) if f != "Leaf" and v == v]


def make_xgboost(xgb, out):
    base = dict(max_depth=4, eta=0.4, nthread=1, seed=1, tree_method="hist")
    cases = {
        "binary": dict(objective="binary:logistic"),
        "score": dict(objective="binary:logistic", base_score=0.3),
        "raw": dict(objective="binary:logitraw", base_score=0.25),
        "regression": dict(objective="reg:squarederror"),
        "cats": dict(objective="binary:logistic", cats=True, max_cat_to_onehot=1),
        "onehot": dict(objective="binary:logistic", cats=True, max_cat_to_onehot=50),
        "forest": dict(objective="binary:logistic", num_parallel_tree=3, subsample=0.7),
        "dart": dict(objective="binary:logistic", booster="dart", rate_drop=0.5),
        "linear": dict(objective="binary:logistic", booster="gblinear", tree_method="auto"),
        "classes": dict(objective="multi:softprob", num_class=3),
        "poisson": dict(objective="count:poisson"),
    }
    for name, case in cases.items():
        case = dict(case)
        cats = case.pop("cats", False)
        x, y, m = data(1, 600, cats)
        if name == "regression":
            y = m
        if name == "classes":
            y = np.clip(np.round(m), 0, 2)
        types = ["q"] * 4 + ["c"] * 2 if cats else None
        train = xgb.DMatrix(x, y, feature_types=types, enable_categorical=cats)
        b = xgb.train(base | case, train, 6)
        stem = out / f"xgboost-{xgb.__version__}-{name}"
        b.save_model(f"{stem}.json")
        if name in ("binary", "cats"):
            b.save_model(f"{stem}.ubj")
        if xgb.__version__.startswith("1.") and name in ("binary", "score", "regression"):
            b.save_model(f"{stem}.deprecated")
            pathlib.Path(f"{stem}.deprecated").rename(f"{stem}.bin")
        if name in ("linear", "classes", "poisson"):
            continue
        rows, _, _ = data(2, 60, cats)
        if cats:
            rows[:10, 4:] = np.array([[0, 39], [4, 45], [7, 0], [1, 100], [2, 1], [3, 2], [0, 3],
                                      [1, 4], [2, 5], [3, 6]])
        edge = rows[:40].copy()
        if not cats:
            for r, (f, v) in zip(edge, thresholds_of(b)[:40]):
                r[f] = np.float32(v)
        rows = np.vstack([rows, edge])
        asked = xgb.DMatrix(rows, feature_types=types, enable_categorical=cats)
        expect(stem.with_name(stem.name + ".rows.json"), rows, b.predict(asked, output_margin=True),
               b.predict(asked, pred_contribs=True)[:20])


def make_lightgbm(lgb, out):
    cases = {
        "binary": dict(objective="binary"),
        "cats": dict(objective="binary", cats=True, min_data_per_group=5, cat_smooth=1),
        "zero": dict(objective="binary", zero_as_missing=True),
        "nomissing": dict(objective="binary", use_missing=False),
        "regression": dict(objective="regression"),
        "entropy": dict(objective="cross_entropy"),
        "quantile": dict(objective="quantile", alpha=0.8),
        "sigmoid": dict(objective="binary", sigmoid=0.7, monotone_constraints=[1, 0, 0, -1, 0, 0]),
        "forest": dict(objective="regression", boosting="rf", bagging_freq=1, bagging_fraction=0.6),
        "linear": dict(objective="regression", linear_tree=True),
        "classes": dict(objective="multiclass", num_class=3),
    }
    for name, case in cases.items():
        case = dict(case)
        cats = case.pop("cats", False)
        x, y, m = data(1, 600, cats)
        if case["objective"] in ("regression", "quantile"):
            y = m
        if name == "classes":
            y = np.clip(np.round(m), 0, 2)
        train = lgb.Dataset(x, y, categorical_feature=[4, 5] if cats else [], params=dict(linear_tree=True)
                            if name == "linear" else {})
        params = dict(num_leaves=9, learning_rate=0.3, num_threads=1, seed=1, verbose=-1, min_data_in_leaf=5)
        b = lgb.train(params | case, train, 6)
        stem = out / f"lightgbm-{lgb.__version__}-{name}"
        b.save_model(f"{stem}.txt")
        if name in ("linear", "classes"):
            continue
        rows, _, _ = data(2, 80, cats)
        if cats:
            rows[:10, 4:] = np.array([[0, 39], [4, 45], [7, 0], [1, 100], [-1, 1], [3, -2], [0.5, 3],
                                      [1, 4.9], [2, 5], [3, 6]])
        rows[10:14, 0] = [0, 1e-36, -1e-36, 1e300]
        margins, contributions = b.predict(rows, raw_score=True), b.predict(rows[:20], pred_contrib=True)
        if name == "forest":  # LightGBM averages neither
            margins, contributions = b.predict(rows), None
        expect(stem.with_name(stem.name + ".rows.json"), rows, margins, contributions)


def main():
    library, out = sys.argv[1], pathlib.Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    globals()[f"make_{library}"](importlib.import_module(library), out)


if __name__ == "__main__":
    main()
