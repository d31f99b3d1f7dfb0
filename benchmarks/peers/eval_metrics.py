# SPDX-License-Identifier: Apache-2.0
# Times AUC, average precision, KS, Brier score and log-loss in scikit-learn and
# scipy on rows written by benchmarks/eval: labels, then PDs, little-endian
# float64. Prints the seconds and the five values.
import sys
import time

import numpy as np
from scipy.stats import ks_2samp
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

x = np.fromfile(sys.argv[1], dtype="<f8")
y, p = x[: len(x) // 2], x[len(x) // 2 :]
start = time.perf_counter()
values = [
    roc_auc_score(y, p),
    average_precision_score(y, p),
    ks_2samp(p[y == 1], p[y == 0], method="asymp").statistic,
    brier_score_loss(y, p),
    log_loss(y, p),
]
print(time.perf_counter() - start, *(repr(float(v)) for v in values))
