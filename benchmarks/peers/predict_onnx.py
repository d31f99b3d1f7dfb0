# SPDX-License-Identifier: Apache-2.0
"""Score rows with ONNX Runtime, one thread, and time it.

usage: predict_onnx.py MODEL.txt ROWS.f64 FEATURES

The model is converted from LightGBM text. ONNX trees are float32, so their
margins differ: in place of margins it prints an empty line. Then, for each line
that it reads (single or batch, and a number of rows), it scores that many rows
and prints the nanoseconds for one row. A single row includes the cost of the
Python binding.
"""
import sys
import time

import lightgbm as lgb
import numpy as np
import onnxruntime as ort
from onnxmltools import convert_lightgbm
from onnxmltools.convert.common.data_types import FloatTensorType

model, path, features = sys.argv[1], sys.argv[2], int(sys.argv[3])
onnx = convert_lightgbm(lgb.Booster(model_file=model), initial_types=[("x", FloatTensorType([None, features]))],
                        zipmap=False, target_opset=15)
options = ort.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
session = ort.InferenceSession(onnx.SerializeToString(), options, providers=["CPUExecutionProvider"])
rows = np.fromfile(path).reshape(-1, features).astype(np.float32)
print("", flush=True)
for line in sys.stdin:
    what, n = line.split()
    size = 1024 if what == "batch" else 1
    n = (int(n) + size - 1) // size
    start = time.perf_counter()
    for i in range(n):
        at = i * size % (len(rows) - size + 1)
        session.run(["probabilities"], {"x": rows[at : at + size]})
    print((time.perf_counter() - start) * 1e9 / (n * size), flush=True)
