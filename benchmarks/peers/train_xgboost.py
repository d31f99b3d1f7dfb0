# SPDX-License-Identifier: Apache-2.0
"""Trains one table of benchmarks/train with XGBoost hist and prints JSON.

usage: train_xgboost.py <directory> <threads>
"""
import json, os, resource, sys, time

import numpy as np
import xgboost as xgb

at, threads = sys.argv[1], int(sys.argv[2])
meta = json.load(open(os.path.join(at, "meta.json")))
k = meta["features"]


def read(name, n):
    path = os.path.join(at, name)
    x, y = np.empty((n, k)), np.empty(n)
    with open(path, "rb") as f:
        for i in range(0, n, 65536):  # in pieces: the process must not hold the table twice
            t = np.fromfile(f, "<f8", min(65536, n - i) * (k + 1)).reshape(-1, k + 1)
            x[i:i + 65536], y[i:i + 65536] = t[:, :k], t[:, k]
    return x, y


p = meta["params"]
params = {
    "objective": "binary:logistic", "tree_method": "hist", "grow_policy": "lossguide", "max_depth": 0,
    "max_leaves": int(p["num_leaves"]), "eta": float(p["learning_rate"]), "max_bin": int(p["max_bin"]),
    "lambda": float(p.get("lambda_l2", 0)), "min_child_weight": 1e-3, "nthread": threads, "verbosity": 0,
}
types = ["c" if j in (meta["categorical"] or []) else "q" for j in range(k)]
more = {"feature_types": types, "enable_categorical": True} if meta["categorical"] else {}
x, y = read("train.f64", meta["rows"])
t0 = time.perf_counter()
data = xgb.QuantileDMatrix(x, y, nthread=threads, max_bin=int(p["max_bin"]), **more)
t1 = time.perf_counter()
model = xgb.train(params, data, num_boost_round=meta["rounds"])
t2 = time.perf_counter()
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
del data, x, y
xt, yt = read("test.f64", meta["test_rows"])
s = model.predict(xgb.DMatrix(xt, **more), output_margin=True)
values, inverse, counts = np.unique(s, return_inverse=True, return_counts=True)
rank = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
pos = yt > 0
auc = (rank[pos].sum() - pos.sum() * (pos.sum() + 1) / 2) / (pos.sum() * (~pos).sum())
print(json.dumps({"bin_s": t1 - t0, "train_s": t2 - t1, "auc": auc, "peak_mb": peak}))
