# SPDX-License-Identifier: Apache-2.0
"""Train the models that benchmarks/predict scores, with LightGBM.

usage: predict_models.py OUT [CASE ...]

For each case it writes OUT/CASE.txt (LightGBM text) and OUT/CASE.f64 (4096
held-out rows of 50 float64, row-major, little-endian).
"""
import pathlib
import sys

import lightgbm as lgb
import numpy as np

FEATURES = 50
CASES = {
    "100x31": dict(trees=100, num_leaves=31),
    "300x31": dict(trees=300, num_leaves=31),
    "300x63": dict(trees=300, num_leaves=63),
    "500d8": dict(trees=500, num_leaves=255, max_depth=8),
    "1000x255": dict(trees=1000, num_leaves=255),
    "cats300x63": dict(trees=300, num_leaves=63, cats=True),
}


def rows(rng, n, cats):
    x = rng.normal(size=(n, FEATURES))
    x[:, 20:30] = np.exp(x[:, 20:30])
    x[:, 30:35] = np.round(x[:, 30:35] * 3)
    if cats:
        for f, k in zip(range(40, 48), (3, 5, 8, 12, 20, 40, 80, 200)):
            x[:, f] = rng.integers(0, k, n)
        x[:, :20][rng.random((n, 20)) < 0.1] = np.nan
    return x


def margin(x, cats, effects):
    z = np.nan_to_num(x)
    m = z[:, :10] @ effects[:10] + z[:, 10] * z[:, 11] + np.sin(2 * z[:, 12]) * z[:, 13]
    m += 0.5 * np.log1p(np.abs(z[:, 20:25])).sum(axis=1) + (z[:, 30] > 1) * z[:, 31] / 3
    m += 0.2 * (z[:, 14:20] @ effects[14:20]) * (z[:, 32] > 0)
    if cats:
        for f in range(40, 48):
            m += np.sin(z[:, f].astype(int) * 2.399 + f)
    return m


def main():
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[2:] or CASES:
        case = dict(CASES[name])
        cats, trees = case.pop("cats", False), case.pop("trees")
        rng = np.random.default_rng(1)
        effects = rng.normal(size=FEATURES) / 2
        n = 60000
        x = rows(rng, n, cats)
        m = margin(x, cats, effects)
        y = (m - np.median(m) + rng.logistic(size=n) > 0).astype(float)
        data = lgb.Dataset(x, y, categorical_feature=list(range(40, 48)) if cats else [])
        params = dict(objective="binary", learning_rate=0.05, num_threads=2, seed=1, verbose=-1,
                      deterministic=True, force_row_wise=True)
        lgb.train(params | case, data, trees).save_model(out / f"{name}.txt")
        rows(np.random.default_rng(2), 4096, cats).astype("<f8").tofile(out / f"{name}.f64")
        print(name, "written", flush=True)


if __name__ == "__main__":
    main()
