# SPDX-License-Identifier: Apache-2.0
"""Trains one table of benchmarks/train with LightGBM and prints JSON.

usage: train_lightgbm.py <directory> <threads> row|col|quant
"""
import json, os, resource, sys, time

import lightgbm as lgb
import numpy as np

at, threads, mode = sys.argv[1], int(sys.argv[2]), sys.argv[3]
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


x, y = read("train.f64", meta["rows"])
params = dict(meta["params"], num_threads=threads, verbosity=-1)
if mode == "row":
    params["force_row_wise"] = True
elif mode == "col":
    params["force_col_wise"] = True
elif mode == "quant":
    params["use_quantized_grad"] = True
t0 = time.perf_counter()
data = lgb.Dataset(x, y, categorical_feature=meta["categorical"] or [], params=params).construct()
t1 = time.perf_counter()
model = lgb.train(params, data, num_boost_round=meta["rounds"])
t2 = time.perf_counter()
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
del data, x, y
xt, yt = read("test.f64", meta["test_rows"])
s = model.predict(xt, raw_score=True)
values, inverse, counts = np.unique(s, return_inverse=True, return_counts=True)
rank = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
pos = yt > 0
auc = (rank[pos].sum() - pos.sum() * (pos.sum() + 1) / 2) / (pos.sum() * (~pos).sum())
print(json.dumps({"bin_s": t1 - t0, "train_s": t2 - t1, "auc": auc, "peak_mb": peak}))
