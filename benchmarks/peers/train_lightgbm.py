# SPDX-License-Identifier: Apache-2.0
"""Trains one table of benchmarks/train with LightGBM, as often as asked (train_table.py).

usage: train_lightgbm.py <directory> row|col|quant
"""
import sys

import lightgbm as lgb

import train_table

at, mode = sys.argv[1], sys.argv[2]
modes = {"row": {"force_row_wise": True}, "col": {"force_col_wise": True}, "quant": {"use_quantized_grad": True}}


def params(meta, request):
    seed = {"seed": request["seed"]} if request["seed"] else {}  # 0: LightGBM's default seeds
    return dict(meta["params"], num_threads=request["threads"], verbosity=-1, **seed, **modes[mode])


def bin_rows(meta, request, x, y):
    return lgb.Dataset(x, y, categorical_feature=meta["categorical"] or [], params=params(meta, request)).construct()


def boost(meta, request, data):
    return lgb.train(params(meta, request), data, num_boost_round=request["rounds"])


train_table.serve(at, bin_rows, boost, lambda meta, model, x: model.predict(x, raw_score=True))
