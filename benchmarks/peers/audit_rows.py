# SPDX-License-Identifier: Apache-2.0
# The rows of a report, and the statistics that several of its parts show. See eval_audit.py.
import json

import lightgbm
import numpy as np
import pandas as pd
import statsmodels.api as sm
from hmeasure import h_score
from scipy import optimize, special, stats
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve
from statsmodels.stats.proportion import proportion_confint

Z = stats.norm.ppf(0.975)
nan = float("nan")


def ones(y, w):
    return np.ones(len(y)) if w is None else np.asarray(w, float)


def effective(w):
    """The number of rows of equal weight that carry as much information (Kish 1965)."""
    return w.sum() ** 2 / (w**2).sum() if len(w) else 0.0


def worth(w):
    return int(np.floor(effective(w) * (1 + 1e-12)))


def uneven(w):
    return effective(w) < len(w) * (1 - 1e-9)


def effective_for(y, w):
    """The number of rows of equal weight whose rate has the same variance, at most the effective number."""
    p, n = np.average(y, weights=w), effective(w)
    v = np.sum((w * (y - p)) ** 2) / w.sum() ** 2
    return min(n, p * (1 - p) / v) if uneven(w) and 0 < p < 1 else n


def rate(y, w):
    """A rate by weight, with Wilson's interval for the effective number of rows."""
    if not len(y):
        return nan, nan, nan
    p, n = np.average(y, weights=w), effective_for(y, w)
    low, high = proportion_confint(p * n, n, method="wilson")
    return p, 0 if p == 0 else low, 1 if p == 1 else high


def auc(y, s, w=None):
    return roc_auc_score(y, s, sample_weight=w) if 0 < np.sum(y) < len(y) else nan


def placements(y, s, w=None):
    """DeLong's structural components of the bad and of the good rows, and the weights of each."""
    y, s, w = np.asarray(y), np.asarray(s), ones(y, w)
    step = np.unique(s, return_inverse=True)[1]
    bad, good = (np.bincount(step, np.where(y == c, w, 0)) for c in (1, 0))
    below = (np.cumsum(good) - good / 2) / good.sum()
    above = 1 - (np.cumsum(bad) - bad / 2) / bad.sum()
    return below[step][y == 1], above[step][y == 0], w[y == 1], w[y == 0]


def spread(v, w):
    """The variance of a mean by weight, and its effective number of rows."""
    n = effective(w)
    return np.sum((w * (v - np.average(v, weights=w))) ** 2) / w.sum() ** 2 * n / (n - 1), n


def satterthwaite(a, b, wa, wb):
    (u, m), (v, n) = spread(a, wa), spread(b, wb)
    return u + v, max(1, (u + v) ** 2 / (u**2 / (m - 1) + v**2 / (n - 1))) if u + v > 0 else np.inf


def area(y, s, w=None):
    """An AUC with its interval: logit scale; Newcombe's where classes are small or the ranking is perfect."""
    y, s, w = np.asarray(y), np.asarray(s), ones(y, w)
    m, n = effective(w[y == 1]), effective(w[y == 0])
    a = auc(y, s, w)
    if min(np.sum(y == 1), np.sum(y == 0)) < 2:
        return a, nan, nan

    def outside(x):
        v = x * (1 - x) / (m * n) * (1 + ((m + n) / 2 - 1) * ((1 - x) / (2 - x) + x / (1 + x)))
        return (a - x) ** 2 - Z**2 * v

    def down():
        return optimize.brentq(outside, 1e-12, a, xtol=1e-15) if a > 0 else 0.0

    var, df = satterthwaite(*placements(y, s, w))
    if var <= 0 or a in (0, 1):
        return a, down(), optimize.brentq(outside, a, 1 - 1e-12) if a < 1 else 1.0
    half = stats.t.ppf(0.975, df) * np.sqrt(var) / (a * (1 - a))
    low, high = special.expit(special.logit(a) + np.array([-half, half]))
    return a, min(low, down()) if min(m, n) < 30 or uneven(w) else low, high


def enough(y, s, w=None):
    w = ones(y, w)
    return area(y, s, w) if min(worth(w[y == 1]), worth(w[y == 0])) >= 10 else (nan, nan, nan)


def paired(y, s, t, w=None):
    """The difference of two AUCs on the same rows: value, interval, p."""
    (a, b, wa, wb), (c, d, _, _) = placements(y, s, w), placements(y, t, w)
    var, df = satterthwaite(a - c, b - d, wa, wb)
    value = auc(y, s, w) - auc(y, t, w)
    half = stats.t.ppf(0.975, df) * np.sqrt(var)
    p = 2 * stats.norm.sf(abs(value) / np.sqrt(var)) if var > 0 else nan
    return value, max(-1, value - half), min(1, value + half), p


def ks(y, s, w=None):
    if w is None:
        return stats.ks_2samp(s[y == 1], s[y == 0], method="asymp").statistic
    fpr, tpr, _ = roc_curve(y, s, sample_weight=w, drop_intermediate=False)
    return np.max(np.abs(tpr - fpr))


def turns_right(a, b, c):
    return (b[0] - a[0]) * (c[1] - a[1]) < (b[1] - a[1]) * (c[0] - a[0])


def beta_h(y, s, a, b, w=None):
    """Hand's measure with costs spread by Beta(a, b), over the corners of the hull."""
    fpr, tpr, _ = roc_curve(y, s, sample_weight=w, drop_intermediate=False)
    hull = []
    for point in zip(fpr, tpr):
        while len(hull) > 1 and not turns_right(hull[-2], hull[-1], point):
            hull.pop()
        hull.append(point)
    f, t = np.array(hull).T
    p = np.average(y, weights=w)
    q = 1 - p
    rise, run = p * np.diff(t), q * np.diff(f)
    edge = np.r_[1, rise / (rise + run), 0]  # costs for which each corner is best, falling
    first = a / (a + b) * special.betainc(a + 1, b, edge)
    second = b / (a + b) * special.betainc(a, b + 1, edge)
    loss = np.sum(q * f * -np.diff(first) + p * (1 - t) * -np.diff(second))
    worst = q * a / (a + b) * special.betainc(a + 1, b, p) + p * b / (a + b) * (1 - special.betainc(a, b + 1, p))
    return 1 - loss / worst


def h(y, s, w=None):
    """H with Beta(1 + p, 2 - p) for a bad rate p (Hand and Anagnostopoulos 2014), which the report names."""
    p = np.average(y, weights=w)
    return beta_h(y, s, 1 + p, 2 - p, w) if 0 < p < 1 else nan


def against_hmeasure(y, s):
    """hmeasure's value and ours with its default costs, Beta(2, 1 + q/p): both must be the same."""
    p = np.mean(y)
    theirs = float(h_score(y, stats.rankdata(s) / (len(s) + 1), pos_label=1))
    return theirs, beta_h(y, s, 2, 1 + (1 - p) / p)


def cuts(x, k, w=None):
    """Upper ends of k bins of nearly equal size, by weight."""
    known = ~np.isnan(x)
    order = np.argsort(x[known], kind="stable")
    v, out = x[known][order], []
    if w is None:
        ends = [b * len(v) // k for b in range(1, k)]
    else:
        up = np.cumsum(w[known][order])
        ends = [int(np.searchsorted(up, b * up[-1] / k * (1 - 1e-12))) + 1 for b in range(1, k)] if len(v) else []
    for i in ends:
        if 0 < i < len(v) and v[i - 1] < v[-1] and (not out or v[i - 1] > out[-1]):
            out.append(v[i - 1])
    return np.array(out)


def counts(c, x, w=None):
    """Rows by bin, by weight, the missing ones last."""
    known, w = ~np.isnan(x), ones(x, w)
    return np.r_[np.bincount(np.searchsorted(c, x[known], side="left"), w[known], minlength=len(c) + 1),
                 w[~known].sum()]


def half_row(w):
    """Half a row of mean weight, which is added to empty bins."""
    return w.mean() / 2


def psi_parts(e, a, he=0.5, ha=0.5):
    n, m = e.sum(), a.sum()
    e, a = e.astype(float), a.astype(float)
    one = ((e == 0) | (a == 0)) & (e + a > 0)
    e, a = np.where(one, e + he, e) / n, np.where(one, a + ha, a) / m
    with np.errstate(all="ignore"):
        return np.where(e + a > 0, (a - e) * np.log(a / e), 0)


def groups(pd_, k, w=None):
    """At most k groups of rows by rising PD, of nearly equal weight; equal PDs stay in one."""
    order, out, at = np.argsort(pd_, kind="stable"), [], 0
    n = len(order)
    left = None if w is None else w.sum()
    while at < n:
        rest = k - len(out)
        if rest <= 1:
            to = n
        elif w is None:
            to = at + (n - at + rest // 2) // rest
        else:
            to, size = at, 0.0
            while to < n and size < left / rest * (1 - 1e-12):
                size += w[order[to]]
                to += 1
        to = min(max(to, at + 1), n)
        while to < n and pd_[order[to]] == pd_[order[to - 1]]:
            to += 1
        out.append(order[at:to])
        if w is not None:
            left -= w[order[at:to]].sum()
        at = to
    return out


def line(y, p, w=None):
    """Cox's calibration line: intercept, slope, level, and their standard errors; HC3's where rows have weights."""
    q = np.clip(p, 2.0**-52, 1 - 2.0**-52)
    x = np.log(q / (1 - q))
    how = {"var_weights": w} if w is not None else {}

    def errors(fit, design):
        """The sandwich with each row's residual over one less its leverage (MacKinnon and White 1985)."""
        mu = fit.fittedvalues
        inverse = np.linalg.inv(design.T @ (design * (w * mu * (1 - mu))[:, None]))
        leverage = w * mu * (1 - mu) * np.einsum("ij,jk,ik->i", design, inverse, design)
        part = (design * (w * (y - mu) / (1 - np.minimum(leverage, 0.999)))[:, None]) @ inverse
        return np.sqrt((part**2).sum(axis=0))

    if np.ptp(x) == 0:
        fit = None
    elif w is None:
        fit = sm.Logit(y, sm.add_constant(x)).fit(disp=0, tol=1e-14, maxiter=200)
    else:
        fit = sm.GLM(y, sm.add_constant(x), family=sm.families.Binomial(), **how).fit(tol=1e-15, maxiter=200)
    large = sm.GLM(y, np.ones(len(y)), family=sm.families.Binomial(), offset=x, **how).fit(tol=1e-15, maxiter=200)
    out = list(fit.params) if fit is not None else [nan, nan]
    if w is not None:
        err = list(errors(fit, sm.add_constant(x))) if fit is not None else [nan, nan]
        return (*out, large.params[0]), (*err, errors(large, np.ones((len(y), 1)))[0])
    err = list(fit.bse) if fit is not None else [nan, nan]
    return (*out, large.params[0]), (*err, large.bse[0])


class Rows:
    """rows.csv and train.csv, the model by LightGBM, and who is approved."""

    def __init__(self, rows, model, profit, loss):
        self.t = pd.read_csv(rows / "rows.csv", float_precision="round_trip", keep_default_na=False,
                             na_values=[""], low_memory=False)
        for c in self.t.columns:
            if c.startswith(("segment:", "group:")):
                self.t[c] = self.t[c].astype(object)
        self.train = None
        if (rows / "train.csv").exists():
            self.train = pd.read_csv(rows / "train.csv", float_precision="round_trip")
        self.y, self.pd, self.margin = (self.t[c].to_numpy(float) for c in ("label", "pd", "margin"))
        self.n = len(self.y)
        # None where rows have no weights; all is 1 for each then.
        self.w = self.t["weight"].to_numpy(float) if "weight" in self.t else None
        self.all = ones(self.y, self.w)
        self.train_w = None
        if self.train is not None and "weight" in self.train:
            self.train_w = self.train["weight"].to_numpy(float)
        self.train_all = ones(self.train, self.train_w) if self.train is not None else None
        self.bad, self.good = self.all[self.y == 1], self.all[self.y == 0]
        self.total = self.all.sum()
        self.profit, self.loss = profit, loss
        self.amount = self.t["amount"].to_numpy(float) if "amount" in self.t else np.ones(self.n)
        self.names = [c[8:] for c in self.t.columns if c.startswith("feature:")]
        self.x = self.t[[f"feature:{c}" for c in self.names]].to_numpy(float)
        self.phi = self.t[[f"contribution:{c}" for c in self.names]].to_numpy(float)
        self.expected = self.t["contribution:expected"].to_numpy(float)
        self.fpr = self.tpr = np.array([0])
        if 0 < self.y.sum() < self.n:
            self.fpr, self.tpr, _ = roc_curve(self.y, self.margin, sample_weight=self.w, drop_intermediate=False)
        if "outcome" in self.t:
            self.approved = (self.t["outcome"] == "approve").to_numpy()
            self.cut = self.pd[self.approved].max() if self.approved.any() else profit / (profit + loss)
        else:
            self.cut = profit / (profit + loss)
            self.approved = self.pd <= self.cut
        self.booster = lightgbm.Booster(model_file=str(model / "model.txt"))
        self.plan = json.loads((model / "plan.json").read_text())
        self.calibration = json.loads((model / "calibration.json").read_text())["calibration"]
        self.order = np.argsort(self.t["place"].to_numpy())  # the report's own
        self.some = self.sample(2000)  # the rows of sections 9 and 11

    def sample(self, most):
        """Evenly spaced rows of the report's order, as the report samples them."""
        k = min(self.n, most)
        return self.order[np.arange(k) * self.n // k]

    def score(self, x):
        """PDs by LightGBM and the bundle's calibration."""
        m, c = self.booster.predict(x, raw_score=True), self.calibration
        if c["method"] == "platt":
            return special.expit(c["a"] * m + c["b"])
        if c["method"] == "beta":
            below, above = -np.logaddexp(0, -m), np.logaddexp(0, m)
            return special.expit(c.get("a", 0) * below + c.get("b", 0) * above + c.get("c", 0))
        if c["method"] == "isotonic":
            return np.interp(m, c["x"], c["y"])
        return special.expit(m)

    def ap(self):
        return average_precision_score(self.y, self.margin, sample_weight=self.w) if self.y.any() else nan

    def caught(self, share):
        at = self.tpr[self.fpr == share]
        return at.max() if len(at) else float(np.interp(share, self.fpr, self.tpr))
