# SPDX-License-Identifier: Apache-2.0
"""Trains one table of benchmarks/train with XGBoost hist, as often as asked (train_table.py).

usage: train_xgboost.py <directory>
"""
import sys

import xgboost as xgb

import train_table


def kinds(meta):
    if not meta["categorical"]:
        return {}
    types = ["c" if j in meta["categorical"] else "q" for j in range(meta["features"])]
    return {"feature_types": types, "enable_categorical": True}


def bin_rows(meta, request, x, y):
    return xgb.QuantileDMatrix(x, y, nthread=request["threads"], max_bin=int(meta["params"]["max_bin"]), **kinds(meta))


def boost(meta, request, data):
    p = meta["params"]
    params = {
        "objective": "binary:logistic", "tree_method": "hist", "grow_policy": "lossguide", "max_depth": 0,
        "max_leaves": int(p["num_leaves"]), "eta": float(p["learning_rate"]), "max_bin": int(p["max_bin"]),
        "lambda": float(p.get("lambda_l2", 0)), "min_child_weight": 1e-3, "seed": request["seed"],
        "nthread": request["threads"], "verbosity": 0,
    }
    return xgb.train(params, data, num_boost_round=request["rounds"])


def predict(meta, model, x):
    return model.predict(xgb.DMatrix(x, **kinds(meta)), output_margin=True)


train_table.serve(sys.argv[1], bin_rows, boost, predict)
