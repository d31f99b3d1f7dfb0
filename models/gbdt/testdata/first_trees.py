# SPDX-License-Identifier: Apache-2.0
"""Writes first_trees.json: rows whose values are their own bins, and the first
trees that LightGBM grows on them.

usage: python3 first_trees.py > first_trees.json      (LightGBM 4.7.0)
"""
import json, random

import lightgbm as lgb
import numpy as np

rng = random.Random(5)
n = 3000
rows, label = [], []
for i in range(n):
    r = [rng.randrange(16) for _ in range(5)]
    if rng.random() < 0.15:
        r[3] = None
    r[4] = int(rng.random() * rng.random() * 12)
    z = 0.25 * r[0] - 0.2 * r[1] + (0.9 if r[3] is None else 0.05 * r[3]) + [1.2, -0.7, 0.4][r[4] % 3] - 0.8
    rows.append(r)
    label.append(int(rng.random() < 1 / (1 + np.exp(-z))))
x = np.array([[np.nan if v is None else v for v in r] for r in rows], float)
out = {"rows": rows, "label": label, "cases": []}
for params in (
    {},
    {"lambda_l1": 0.7, "lambda_l2": 3.0, "min_gain_to_split": 0.1},
    {"max_depth": 3, "scale_pos_weight": 2.0, "min_sum_hessian_in_leaf": 5.0},
    {"path_smooth": 4.0},
    {"monotone_constraints": [1, -1, 0, 0, 0]},
    {"monotone_constraints": [-1, -1, 0, 0, 0]},
    {"objective": "regression", "cat_smooth": 1.0, "min_data_per_group": 30},
    {"max_cat_to_onehot": 11, "cat_smooth": 1.0, "cat_l2": 1.0, "min_data_per_group": 30},
    # eleven codes and the bin of the others: sorted
    {"max_cat_to_onehot": 12, "cat_smooth": 1.0, "cat_l2": 1.0, "min_data_per_group": 30},  # one against the rest
):
    p = {"objective": "binary", "num_leaves": 8, "num_threads": 1, "verbosity": -1, "deterministic": True}
    p.update(params)
    m = lgb.train(p, lgb.Dataset(x, label, categorical_feature=[4]), num_boost_round=4)
    trees = []
    for t in m.dump_model()["tree_info"]:
        nodes = []

        def walk(s):
            if "split_feature" in s:
                nodes.append([s["split_index"], s["split_feature"], s["split_gain"], s["internal_count"]])
                walk(s["left_child"])
                walk(s["right_child"])

        walk(t["tree_structure"])
        trees.append(sorted(nodes))
    text = {k: ",".join(map(str, v)) if isinstance(v, list) else str(v) for k, v in params.items()}
    out["cases"].append({"params": text, "trees": trees,
                         "margins": [round(v, 7) for v in m.predict(x[:400], raw_score=True)]})
print(json.dumps(out, separators=(",", ":")))
