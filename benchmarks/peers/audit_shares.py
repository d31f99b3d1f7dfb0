# SPDX-License-Identifier: Apache-2.0
# Shares of rows: groups and their rates, cut-offs, and who is among the safest. See eval_audit.py.
import numpy as np

from audit_rows import Z, effective_for, nan, rate


def split(r, column):
    """Levels of a segment or group column; rows of no level come last."""
    values = r.t[column]
    return lambda name: (values.isna() if name == "not known" else values.astype(str) == str(name)).to_numpy()


def ratio(a1, w1, a2, w2):
    """An impact ratio with Katz's interval, half a row added where it is degenerate.

    a1 and a2 say who is approved, w1 and w2 are the weights.
    """
    (k1, n1), (k2, n2) = ((np.average(a, weights=w) * effective_for(a, w), effective_for(a, w))
                          for a, w in ((a1, w1), (a2, w2)))
    value = k1 / n1 / (k2 / n2)
    if k1 == 0 or (a1.all() and a2.all()):
        k1, n1, k2, n2 = k1 + 0.5, n1 + 0.5, k2 + 0.5, n2 + 0.5
    sd, middle = np.sqrt(1 / k1 - 1 / n1 + 1 / k2 - 1 / n2), k1 / n1 / (k2 / n2)
    low, high = middle * np.exp(-Z * sd), middle * np.exp(Z * sd)
    return value, 0 if value == 0 else min(low, value), max(high, value)


def newcombe(a1, w1, a2, w2):
    if not len(w1) or not len(w2):
        return nan, nan, nan
    (p, l1, u1), (q, l2, u2) = rate(a1, w1), rate(a2, w2)
    return p - q, p - q - np.hypot(p - l1, u2 - q), p - q + np.hypot(u1 - p, q - l2)


def walk(r):
    """Rows from the safest on, in whole groups of equal score: the cut-offs of the strategy curve."""
    order = np.argsort(r.margin, kind="stable")
    last = np.flatnonzero(np.r_[np.diff(r.margin[order]) != 0, True])
    y, p, w = r.y[order], r.pd[order], r.all[order]
    m, k = r.amount[order] * w, np.cumsum(w)
    cols = [k / k[-1], np.maximum.accumulate(p), np.cumsum(w * y) / k, np.cumsum(w * p) / k,
            np.cumsum(m * np.where(y == 1, -r.loss, r.profit)), np.cumsum(m * ((1 - p) * r.profit - p * r.loss))]
    return np.array(cols).T[last]


def shares(score, k, w):
    """The weight of each row that is among the k safest: rows of equal score count in proportion."""
    order = np.argsort(score, kind="stable")
    edge = score[order][min(len(score) - 1, np.searchsorted(np.cumsum(w[order]), k * (1 - 1e-12)))]
    below, tied = score < edge, score == edge
    return w * np.where(below, 1.0, np.where(tied, (k - w[below].sum()) / w[tied].sum(), 0.0))
