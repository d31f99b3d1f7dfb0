# SPDX-License-Identifier: Apache-2.0
"""What the scripts of the peers' trainers share: reading a table of benchmarks/train, and answering its requests.

The benchmark writes requests to standard input, one JSON object a line: {"seed": 0, "rounds": 100, "threads": 2}.
With "draw": k and "share": s the model is trained on the rows that draw k picks, about the share s of the table
(drawn). The script answers each request with one line: seconds of binning and of boosting, AUC on the test rows, and
the peak memory of the process so far.
"""
import json, os, sys, time

import numpy as np

from peak import peak_bytes


def read(at, name, n, k):
    x, y = np.empty((n, k)), np.empty(n)
    with open(os.path.join(at, name), "rb") as f:
        for i in range(0, n, 65536):  # in pieces: the process must not hold the table twice
            t = np.fromfile(f, "<f8", min(65536, n - i) * (k + 1)).reshape(-1, k + 1)
            x[i:i + 65536], y[i:i + 65536] = t[:, :k], t[:, k]
    return x, y


def auc(s, y):
    _, inverse, counts = np.unique(s, return_inverse=True, return_counts=True)
    rank = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    pos = y > 0
    return (rank[pos].sum() - pos.sum() * (pos.sum() + 1) / 2) / (pos.sum() * (~pos).sum())


def drawn(n, draw, share):
    """The rows of a draw: those whose number's hash (the finaliser of splitmix64) is in the lowest share."""
    z = np.arange(n, dtype=np.uint64) + np.uint64(draw << 32)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((z ^ (z >> np.uint64(31))) >> np.uint64(32)) < np.uint64(share * 2**32)


def serve(at, bin_rows, boost, predict):
    """Answers requests on the table in the directory at.

    bin_rows(meta, request, x, y) -> data; boost(meta, request, data) -> model; predict(meta, model, x) -> margins.
    """
    meta = json.load(open(os.path.join(at, "meta.json")))
    x, y = read(at, "train.f64", meta["rows"], meta["features"])
    test = None
    for line in sys.stdin:
        request = json.loads(line)
        rows, labels = x, y
        if request.get("draw"):
            picked = drawn(len(y), request["draw"], request["share"])
            rows, labels = x[picked], y[picked]
        t0 = time.perf_counter()
        data = bin_rows(meta, request, rows, labels)
        t1 = time.perf_counter()
        model = boost(meta, request, data)
        t2 = time.perf_counter()
        peak = peak_bytes() / (1 << 20)
        del data
        if test is None:  # not before the peak of training is known
            test = read(at, "test.f64", meta["test_rows"], meta["features"])
        area = auc(predict(meta, model, test[0]), test[1])
        del model
        print(json.dumps({"bin_s": t1 - t0, "train_s": t2 - t1, "auc": area, "peak_mb": peak}), flush=True)
