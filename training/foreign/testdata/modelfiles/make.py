# SPDX-License-Identifier: Apache-2.0
"""Make the model files that TestModelFiles imports, and what their own libraries say of rows.

usage: make.py

The committed files are of lightgbm 4.7.0, xgboost 3.2.0, scikit-learn 1.9.1 and catboost 1.2.10.

For each case it writes the model file, as its library saves it, and <case>.answers.json:

  {"from": "lightgbm", "file": "...", "names": [...], "rows": [[text, number, boolean or null, ...], ...],
   "margins": ["hex float64", ...], "pds": [number, ...], "contributions": [[..., expected], ...], "bad": "..."}

Rows hold the values as the training frame had them, with missing and unknown ones where the library takes them.
Contributions of scikit-learn's models are the Shapley values of the game that path-dependent TreeSHAP is defined by,
summed over all sets of features: scikit-learn computes none. A case with "refused" must be refused with these words.
"""
import itertools
import json
import math
import pathlib
import pickle
import warnings

import catboost
import lightgbm as lgb
import numpy as np
import pandas as pd
import sklearn
import xgboost as xgb
from sklearn import ensemble, tree
from sklearn.calibration import CalibratedClassifierCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

OUT = pathlib.Path(__file__).parent
ROWS = 16
warnings.filterwarnings("ignore")
LGB = dict(objective="binary", num_leaves=6, learning_rate=0.3, num_threads=1, seed=1, verbose=-1, min_data_in_leaf=10,
           min_data_per_group=5, cat_smooth=1, deterministic=True)
XGB = dict(objective="binary:logistic", max_depth=3, eta=0.4, nthread=1, seed=1,
           tree_method="hist", max_cat_to_onehot=1)


def plain(v):
    if v is None or v is pd.NA or isinstance(v, float) and math.isnan(v):
        return None
    return v.item() if isinstance(v, np.generic) else v


def answers(name, source, file, names, rows, margins, pds, contributions, **more):
    text = dict(file=file, names=list(names), rows=[[plain(v) for v in r] for r in rows],
                margins=[float(m).hex() for m in np.ravel(margins)], pds=[float(p) for p in np.ravel(pds)],
                contributions=[[float(v) for v in r] for r in contributions], **more)
    text["from"] = source
    (OUT / f"{name}.answers.json").write_text(json.dumps(text, separators=(",", ":")) + "\n")


def refused(name, source, file, words):
    (OUT / f"{name}.answers.json").write_text(json.dumps({"from": source, "file": file, "refused": words}) + "\n")


def numbers(seed=1, n=400, missing=True):
    """Six columns of numbers that float32 holds, a label, and the log-odds that made it."""
    r = np.random.default_rng(seed)
    x = r.normal(size=(n, 5)).astype(np.float32).astype(float)
    x[:, 1] = np.round(x[:, 1] * 4) / 4
    z = x[:, 0] * x[:, 1] + np.exp(x[:, 2] / 2) - 1 + x[:, 4]
    y = (z + r.logistic(size=n) / 3 > 0).astype(int)
    if missing:
        x[:, :3][r.random((n, 3)) < 0.12] = np.nan
    return x, y


def coded(seed=1, n=500, missing=True):
    """Codes of categories in columns 0 and 2."""
    r = np.random.default_rng(seed)
    x = np.column_stack([r.integers(0, 8, n), r.normal(size=n), r.integers(0, 3, n)]).astype(np.float32).astype(float)
    z = np.where(np.isin(x[:, 0], [1, 2, 6]), 1.5, -1) + x[:, 1] + np.where(x[:, 2] == 1, 1, -0.5)
    y = (r.logistic(size=n) / 2 < z).astype(int)
    if missing:
        x[:, 0][r.random(n) < 0.15] = np.nan
        x[:, 2][r.random(n) < 0.1] = np.nan
    return x, y


def frame(kind, seed=3, n=500, ascii=False):
    """A pandas frame with a category of some kind, one value of which is rare, and two numbers."""
    r = np.random.default_rng(seed)
    values = {"texts": ["east", "north", "süd", "west", "other"], "numbers": [3, 4, 8, 70, 5],
              "flags": [False, True]}[kind]
    values = [v.replace("ü", "ue") for v in values] if ascii and kind == "texts" else values
    at = r.choice(len(values), n, p=[0.3, 0.3, 0.2, 0.19, 0.01] if len(values) == 5 else None)
    x = pd.DataFrame({"where": [values[i] for i in at], "income": r.normal(size=n).astype(np.float32).astype(float),
                      "age": np.round(r.normal(40, 9, n))})
    z = np.where(np.isin(at, [1, 3]), 1.4, -0.8) - x.income + (x.age - 40) / 20
    y = (r.logistic(size=n) / 2 < z).astype(int)
    return x, np.asarray(y), values


def shapley(game, n):
    """Shapley values of a game on n features, and its value without any."""
    value = {s: game(s) for k in range(n + 1) for s in itertools.combinations(range(n), k)}
    phi = [0.0] * n
    for s, v in value.items():
        for j in set(range(n)) - set(s):
            w = math.factorial(len(s)) * math.factorial(n - len(s) - 1) / math.factorial(n)
            phi[j] += w * (value[tuple(sorted(s + (j,)))] - v)
    return phi + [value[()]]


def expected(nodes, x, known):
    """A tree's expected output when the features in known are x, by the covers. A node is a leaf's value, or
    (feature, goes_left(x), left, right, cover of left, cover of right)."""
    if not isinstance(nodes, tuple):
        return nodes
    f, left_of, left, right, cl, cr = nodes
    if f in known:
        return expected(left if left_of(x) else right, x, known)
    return (cl * expected(left, x, known) + cr * expected(right, x, known)) / (cl + cr)


def lightgbm_cases():
    def save(name, b, names, rows, frame=None, **more):
        b.save_model(OUT / f"{name}.txt")
        b = lgb.Booster(model_file=OUT / f"{name}.txt")
        x = rows if frame is None else frame
        m, c = b.predict(x, raw_score=True), b.predict(x, pred_contrib=True)
        if name.endswith("-rf"):  # LightGBM averages in predict, and in neither of these
            m, c = m / b.num_trees(), c / b.num_trees()
            assert np.allclose(1 / (1 + np.exp(-m)), b.predict(x))
        assert np.allclose(c.sum(1), m)
        answers(name, "lightgbm", f"{name}.txt", names, rows, m, b.predict(x), c, **more)

    x, y = numbers()
    new, _ = numbers(2, ROWS)
    names = [f"Column_{i}" for i in range(5)]
    for name, case in {
        "gbdt": {}, "dart": dict(boosting="dart", drop_rate=0.5),
        "goss": dict(data_sample_strategy="goss", learning_rate=0.9),
        "rf": dict(boosting="rf", bagging_freq=1, bagging_fraction=0.6, feature_fraction=0.8),
        "extra": dict(extra_trees=True),
        "entropy": dict(objective="cross_entropy"), "sigmoid": dict(sigmoid=0.7), "unbalance": dict(is_unbalance=True),
        "zero": dict(zero_as_missing=True), "nomissing": dict(use_missing=False),
        "monotone": dict(monotone_constraints=[0, 0, 1, 0, 1]),
    }.items():
        save(f"lightgbm-{name}", lgb.train(LGB | case, lgb.Dataset(x, y), 4), names, new)
    b = lgb.train(LGB, lgb.Dataset(x, np.ones(len(x))), 3)
    save("lightgbm-one-class", b, names, new)
    b = lgb.train(LGB, lgb.Dataset(x, y, weight=np.random.default_rng(1).uniform(0.5, 2, len(x))), 4)
    save("lightgbm-weights", b, names, new)
    c = lgb.LGBMClassifier(n_estimators=3, num_leaves=5, verbose=-1, n_jobs=1).fit(x, np.where(y == 1, "bad", "good"))
    save("lightgbm-classifier", c.booster_, names, new)  # the file does not say that label 0 is bad
    a = json.loads((OUT / "lightgbm-classifier.answers.json").read_text())
    a["bad"], a["margins"] = "0", [(-float.fromhex(m)).hex() for m in a["margins"]]
    a["pds"] = [float(p) for p in c.predict_proba(new)[:, list(c.classes_).index("bad")]]
    a["contributions"] = [[-v for v in r] for r in a["contributions"]]
    (OUT / "lightgbm-classifier.answers.json").write_text(json.dumps(a, separators=(",", ":")) + "\n")

    x, y = coded()
    new, _ = coded(2, ROWS)
    new[:3, 0] = [11, 3, 40]
    save("lightgbm-codes", lgb.train(LGB, lgb.Dataset(x, y, categorical_feature=[0, 2]), 4), names[:3], new)
    for kind in ("texts", "numbers", "flags"):
        x, y, values = frame(kind)
        x["where"] = pd.Categorical(x["where"], categories=values)
        b = lgb.train(LGB, lgb.Dataset(x, y), 4)
        new = frame(kind, 4, ROWS)[0]
        raw = list(new["where"])
        raw[0] = None
        if kind != "flags":
            raw[1] = {"texts": "nowhere", "numbers": 0}[kind]  # 0 is a code, and no value
            raw[2] = values[4]
        new["where"] = raw
        rows = new.values.tolist()
        new["where"] = pd.Categorical(raw)
        save(f"lightgbm-pandas-{kind}", b, x.columns, rows, new)
    # An ordered category is a number to LightGBM, but has its list; the list of a constant one comes after it.
    x, y, values = frame("texts")
    x["where"] = pd.Categorical(x["where"], categories=values)
    x["level"] = pd.Categorical(np.where(x.age > 45, "high", np.where(x.age > 35, "mid", "low")),
                                categories=["low", "mid", "high"], ordered=True)
    x["same"] = pd.Categorical(["one"] * len(x))
    x = x[["where", "income", "level", "same"]]
    b = lgb.train(LGB, lgb.Dataset(x, y), 4)
    new = x[:ROWS].copy()
    new.loc[0, "level"] = None
    rows = new.astype(object).values.tolist()
    save("lightgbm-pandas-ordered", b, x.columns, rows, new)

    x, y = numbers()
    for name, case, words in (("linear", dict(linear_tree=True), "linear trees"),
                              ("entropy-lambda", dict(objective="cross_entropy_lambda"), "cross_entropy_lambda"),
                              ("multiclass", dict(objective="multiclass", num_class=3), "only models with one output")):
        b = lgb.train(LGB | case, lgb.Dataset(x, y, params=case if name == "linear" else {}), 2)
        b.save_model(OUT / f"lightgbm-{name}.txt")
        refused(f"lightgbm-{name}", "lightgbm", f"lightgbm-{name}.txt", words)


def xgboost_cases():
    def save(name, b, names, rows, data=None, ext="json"):
        b.save_model(OUT / f"{name}.{ext}")
        b = xgb.Booster(model_file=OUT / f"{name}.{ext}")
        d = xgb.DMatrix(rows) if data is None else data
        pds = b.predict(d)
        if "logitraw" in name:
            pds = 1 / (1 + np.exp(-pds.astype(float)))
        answers(name, "xgboost", f"{name}.{ext}", names, rows, b.predict(d, output_margin=True), pds,
                b.predict(d, pred_contribs=True))

    x, y = numbers()
    new, _ = numbers(2, ROWS)
    names = [f"f{i}" for i in range(5)]
    train = xgb.DMatrix(x, y)
    for name, case in {
        "gbtree": {}, "dart": dict(booster="dart", rate_drop=0.5), "forest": dict(num_parallel_tree=3, subsample=0.7),
        "logitraw": dict(objective="binary:logitraw"),
        "reg-logistic": dict(objective="reg:logistic"), "base-score": dict(base_score=0.2),
        "base-score-tiny": dict(base_score=1e-9),
        "base-score-great": dict(base_score=1 - 1e-7), "exact": dict(tree_method="exact"),
        "approx": dict(tree_method="approx"),
        "lossguide": dict(grow_policy="lossguide", max_leaves=6, max_depth=0),
        "monotone": dict(monotone_constraints="(0,0,1,0,1)"),
        "weighted": dict(scale_pos_weight=3.0),
    }.items():
        save(f"xgboost-{name}", xgb.train(XGB | case, train, 3), names, new)
    save("xgboost-ubj", xgb.train(XGB, train, 3), names, new, ext="ubj")
    for label in (0, 1):
        save(f"xgboost-one-class-{label}", xgb.train(XGB, xgb.DMatrix(x, np.full(len(x), label)), 2), names, new)
    c = xgb.XGBRFClassifier(n_estimators=4, max_depth=3, n_jobs=1, random_state=1).fit(x, y)
    save("xgboost-rf-classifier", c.get_booster(), names, new, ext="ubj")

    x, y = coded()
    new, _ = coded(2, ROWS)
    types = dict(feature_types=["c", "q", "c"], enable_categorical=True)
    for name, case in {"codes": {}, "codes-onehot": dict(max_cat_to_onehot=50),
                       "codes-dart": dict(booster="dart", rate_drop=0.4),
                       "codes-deep": dict(max_depth=6)}.items():
        b = xgb.train(XGB | case, xgb.DMatrix(x, y, **types), 3)
        save(f"xgboost-{name}", b, names[:3], new, xgb.DMatrix(new, **types))
    for kind, ext in (("texts", "json"), ("texts", "ubj"), ("numbers", "json"), ("numbers", "ubj")):
        x, y, values = frame(kind, ascii=True)
        x.loc[::9, "where"] = None
        x["where"] = pd.Categorical(x["where"], categories=values)
        b = xgb.train(XGB, xgb.DMatrix(x, y, enable_categorical=True), 3)
        new = frame(kind, 4, ROWS, ascii=True)[0]
        raw = list(new["where"])
        raw[0], raw[2] = None, values[4]
        new["where"] = raw
        rows = [[w, i, a] for w, i, a in zip(raw, new.income, new.age)]
        new["where"] = pd.Categorical(raw, categories=values[::-1])
        save(f"xgboost-pandas-{kind}-{ext}", b, x.columns, rows, xgb.DMatrix(new, enable_categorical=True), ext)

    # XGBoost 3.2 counts characters where it stores bytes: the texts run into each other, and the last loses its end.
    x, y, values = frame("texts")
    x["where"] = pd.Categorical(x["where"], categories=values)
    xgb.train(XGB, xgb.DMatrix(x, y, enable_categorical=True), 2).save_model(OUT / "xgboost-pandas-umlaut.json")
    refused("xgboost-pandas-umlaut", "xgboost", "xgboost-pandas-umlaut.json", "beyond ASCII")
    for name, case, words in (("linear", dict(booster="gblinear", tree_method="auto"), "gblinear"),
                              ("hinge", dict(objective="binary:hinge"), "binary:hinge"),
                              ("softprob", dict(objective="multi:softprob", num_class=2),
                               "only models with one output")):
        x, y = numbers()
        xgb.train(XGB | case, xgb.DMatrix(x, y), 2).save_model(OUT / f"xgboost-{name}.json")
        refused(f"xgboost-{name}", "xgboost", f"xgboost-{name}.json", words)


def cart(t, i, value):
    """A tree of sklearn.tree as expected() takes it: weights are the covers, values are compared as float32."""
    if t.children_left[i] < 0:
        return value(t.value[i][0])
    f, c, miss = int(t.feature[i]), t.threshold[i], bool(t.missing_go_to_left[i])
    left, right = int(t.children_left[i]), int(t.children_right[i])

    def goes(x):
        return miss if math.isnan(x[f]) else np.float32(x[f]) <= c
    w = t.weighted_n_node_samples
    return (f, goes, cart(t, left, value), cart(t, right, value), w[left], w[right])


def hist(p, nodes, i, order):
    n = nodes[i]
    if n["is_leaf"]:
        return float(n["value"])
    f, miss = order[int(n["feature_idx"])], bool(n["missing_go_to_left"])

    def goes(x):
        v = x[f]
        if math.isnan(v):
            return miss
        if n["is_categorical"]:
            return bool(p.raw_left_cat_bitsets[n["bitset_idx"]][int(v) // 32] >> (int(v) % 32) & 1)
        return v <= n["num_threshold"]
    left, right = int(n["left"]), int(n["right"])
    return (f, goes, hist(p, nodes, left, order), hist(p, nodes, right, order), int(nodes[left]["count"]),
            int(nodes[right]["count"]))


def sklearn_cases():
    def save(name, c, names, rows, trees, init, codes=None, scale=1.0, bad=None, flag=None, inputs=None):
        """trees are of the margin of classes_[1]; codes are the rows as the trees see them."""
        (OUT / f"{name}.pkl").write_bytes(pickle.dumps(c, 4))
        inputs = np.array(rows, float) if inputs is None else inputs
        bad = c.classes_[1] if bad is None else bad
        k = list(c.classes_).index(bad)
        pds = c.predict_proba(inputs)[:, k]
        m = c.decision_function(inputs) * (1 if k else -1) if hasattr(c, "decision_function") else pds
        codes = inputs if codes is None else codes
        n = len(names)
        contributions = []
        for x in codes:
            phi = shapley(lambda s: init + scale * sum(expected(t, x, s) for t in trees), n)
            if not k:
                phi = [-v for v in phi]
                if not hasattr(c, "decision_function"):
                    phi[n] += 1
            contributions.append(phi)
        assert np.allclose(np.sum(contributions, 1), m), name
        answers(name, "sklearn", f"{name}.pkl", names, rows, m, pds, contributions, **({"bad": flag} if flag else {}))

    def boosting(c):
        prior = 0.0 if c.init == "zero" else float(c.init_.class_prior_[1])
        init = 0.0 if c.init == "zero" else math.log(prior / (1 - prior)) / (2 if c.loss == "exponential" else 1)
        return [cart(e.tree_, 0, lambda v: c.learning_rate * v[0]) for s in c.estimators_ for e in s], init

    x, y = numbers(missing=False)
    new, _ = numbers(2, ROWS, missing=False)
    names = [f"f{i}" for i in range(5)]
    common = dict(n_estimators=4, max_depth=3, random_state=1)
    gb = ensemble.GradientBoostingClassifier
    weights = np.random.default_rng(1).uniform(0.2, 3, len(x))
    for name, c, label, w, bad, flag in (
        ("gb", gb(**common), y, None, None, None),
        ("gb-exponential", gb(loss="exponential", **common), y, None, None, None),
        ("gb-zero", gb(init="zero", **common), y, None, None, None),
        ("gb-subsample", gb(subsample=0.6, **common), y, None, None, None),
        ("gb-weights", gb(**common), y, weights, None, None),
        ("gb-bad-good", gb(**common), np.where(y == 1, "bad", "good"), None, "bad", None),
        ("gb-n-y", gb(**common), np.where(y == 1, "N", "Y"), None, "N", "N"),
        ("gb-1-2", gb(**common), np.where(y == 1, 2, 1), None, 2, "2"),
        ("gb-flags", gb(**common), y == 1, None, True, None),
        ("gb-minus", gb(**common), np.where(y == 1, 1, -1), None, 1, None),
    ):
        c.fit(x, label, sample_weight=w)
        trees, init = boosting(c)
        save(f"sklearn-{name}", c, names, new.tolist(), trees, init, bad=bad, flag=flag)

    for name, c, label, bad in (
        ("forest", ensemble.RandomForestClassifier(n_estimators=5, max_depth=3, random_state=1), y, None),
        ("forest-balanced", ensemble.RandomForestClassifier(n_estimators=5, max_depth=3, random_state=1,
                                                            class_weight="balanced"), y, None),
        ("forest-default-paid", ensemble.RandomForestClassifier(n_estimators=5, max_depth=3, random_state=1),
         np.where(y == 1, "default", "paid"), "default"),
        ("extra-trees", ensemble.ExtraTreesClassifier(n_estimators=5, max_depth=3, random_state=1), y, None),
        ("tree", tree.DecisionTreeClassifier(max_depth=3, random_state=1), y, None),
        ("extra-tree", tree.ExtraTreeClassifier(max_depth=3, random_state=1), y, None),
    ):
        c.fit(x, label)
        estimators = c.estimators_ if hasattr(c, "estimators_") else [c]
        trees = [cart(e.tree_, 0, lambda v: v[1]) for e in estimators]
        save(f"sklearn-{name}", c, names, new.tolist(), trees, 0.0, scale=1 / len(trees), bad=bad)
    x, y = numbers()
    new, _ = numbers(2, ROWS)
    c = ensemble.RandomForestClassifier(n_estimators=5, max_depth=3, random_state=1).fit(x, y)
    save("sklearn-forest-missing", c, names, new.tolist(), [cart(e.tree_, 0, lambda v: v[1]) for e in c.estimators_],
         0.0, scale=1 / 5)

    histogram = ensemble.HistGradientBoostingClassifier
    common = dict(max_iter=3, max_leaf_nodes=6, random_state=1, max_bins=20, early_stopping=False)

    def forest(c, order):
        return [hist(p, p.nodes, 0, order) for it in c._predictors for p in it], float(c._baseline_prediction[0, 0])
    for name, c, label, bad in (("hist", histogram(**common), y, None),
                                ("hist-bad-good", histogram(**common), np.where(y == 1, "bad", "good"), "bad"),
                                ("hist-monotone", histogram(monotonic_cst=[0, 0, 1, 0, 1], **common), y, None)):
        c.fit(x, label)
        trees, init = forest(c, range(5))
        save(f"sklearn-{name}", c, names, new.tolist(), trees, init, bad=bad)
    for kind in ("texts", "numbers", "flags"):
        x, y, values = frame(kind)
        if kind != "flags":
            x.loc[::7, "where"] = None
        x["where"] = pd.Categorical(x["where"], categories=values)
        x = x[["income", "where", "age"]]  # the encoder moves the category to the front
        c = histogram(categorical_features="from_dtype", **common).fit(x, y)
        new = frame(kind, 4, ROWS)[0][["income", "where", "age"]]
        raw = list(new["where"])
        raw[0] = None
        if kind != "flags":
            raw[1], raw[2] = {"texts": "nowhere", "numbers": 0}[kind], values[4]
        new["where"] = raw
        rows = [[i, w, a] for i, w, a in zip(new.income, raw, new.age)]
        new["where"] = pd.Categorical(raw)
        trees, init = forest(c, [1, 0, 2])
        if kind == "flags":  # scikit-learn lists them as 0.0 and 1.0
            rows = [[i, None if w is None else float(w), a] for i, w, a in rows]
        known = [v for v in c._preprocessor.named_transformers_["encoder"].categories_[0] if v == v]
        codes = [[i, float(known.index(w)) if w is not None and w in known else math.nan, a] for i, w, a in rows]
        save(f"sklearn-hist-{kind}", c, x.columns, rows, trees, init, codes=codes, inputs=new)

    x, y = numbers(missing=False)
    for name, c, words in (
        ("ada", ensemble.AdaBoostClassifier(n_estimators=2), "AdaBoostClassifier"),
        ("pipeline", make_pipeline(StandardScaler(), gb(n_estimators=2, max_depth=2)), "pipeline[-1]"),
        ("calibrated", CalibratedClassifierCV(gb(n_estimators=2, max_depth=2), cv=2), "wrapper"),
    ):
        (OUT / f"sklearn-{name}.pkl").write_bytes(pickle.dumps(c.fit(x, y), 4))
        refused(f"sklearn-{name}", "sklearn", f"sklearn-{name}.pkl", words)


def catboost_cases():
    def slim(k, name, **more):
        """Save a model without what no reader needs, which is most of it."""
        k.save_model(str(OUT / f"{name}.json"), format="json", **more)
        d = json.loads((OUT / f"{name}.json").read_text())
        d["model_info"] = {"class_params": d["model_info"].get("class_params", {}),
                           "params": {"loss_function": d["model_info"]["params"]["loss_function"]}}
        (OUT / f"{name}.json").write_text(json.dumps(d, separators=(",", ":")) + "\n")

    def save(name, k, rows, bad=None):
        slim(k, name)
        pool = catboost.Pool(rows)
        sign = 1
        if len(k.classes_) == 2 and bad is not None and k.classes_[0] == bad:
            sign = -1
        m = sign * k.predict(pool, prediction_type="RawFormulaVal")
        answers(name, "catboost", f"{name}.json", [f"f{i}" for i in range(5)], rows.tolist(), m, 1 / (1 + np.exp(-m)),
                sign * k.get_feature_importance(pool, type="ShapValues"))

    x, y = numbers()
    new, _ = numbers(2, ROWS)
    common = dict(iterations=5, depth=3, learning_rate=0.4, random_seed=1, verbose=0, thread_count=1,
                  allow_writing_files=False)
    for name, case in {"symmetric": {}, "nan-max": dict(nan_mode="Max"), "entropy": dict(loss_function="CrossEntropy"),
                       "balanced": dict(auto_class_weights="Balanced"),
                       "average": dict(boost_from_average=True), "ordered": dict(boosting_type="Ordered")}.items():
        save(f"catboost-{name}", catboost.CatBoostClassifier(**common | case).fit(x, y), new)
    save("catboost-bad-good", catboost.CatBoostClassifier(**common).fit(x, np.where(y == 1, "bad", "good")), new, "bad")
    k = catboost.CatBoostClassifier(grow_policy="Depthwise", **common).fit(x, y)
    slim(k, "catboost-depthwise")
    refused("catboost-depthwise", "catboost", "catboost-depthwise.json", "not symmetric")
    x, y, values = frame("texts")
    k = catboost.CatBoostClassifier(**common).fit(x, y, cat_features=[0])
    slim(k, "catboost-categories", pool=catboost.Pool(x, y, cat_features=[0]))
    refused("catboost-categories", "catboost", "catboost-categories.json", "train on numbers")


if __name__ == "__main__":
    print("lightgbm", lgb.__version__, "xgboost", xgb.__version__, "scikit-learn", sklearn.__version__,
          "catboost", catboost.__version__)
    lightgbm_cases()
    xgboost_cases()
    sklearn_cases()
    catboost_cases()
