# SPDX-License-Identifier: Apache-2.0
# Makes golden.json: samples, and what scikit-learn, scipy and statsmodels say
# about them. Where no library has a statistic, it is computed here from its
# definition, by another way than the Go code takes.
#
#   python3 golden.py > golden.json
#
# Made with numpy 2.4.6, scipy, scikit-learn 1.9.1 and statsmodels from PyPI.
import json

import numpy as np
from scipy import integrate, optimize, special, stats
from scipy.spatial import ConvexHull
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score, roc_curve
import statsmodels.api as sm
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint


def delong(y, *scores):
    """AUCs and their covariance by counting all pairs."""
    rows = []
    for s in scores:
        bad, good = s[y == 1], s[y == 0]
        psi = (bad[:, None] > good[None, :]) + 0.5 * (bad[:, None] == good[None, :])
        rows.append((psi.mean(axis=1), psi.mean(axis=0)))
    v10, v01 = np.array([r[0] for r in rows]), np.array([r[1] for r in rows])
    cov = np.atleast_2d(np.cov(v10)) / v10.shape[1] + np.atleast_2d(np.cov(v01)) / v01.shape[1]
    # Satterthwaite's degrees of freedom: of each score, and of the difference of two.
    def freedom(a, b):
        a, b = np.var(a, ddof=1) / len(a), np.var(b, ddof=1) / len(b)
        return (a + b) ** 2 / (a**2 / (v10.shape[1] - 1) + b**2 / (v01.shape[1] - 1))

    df = [freedom(v10[0], v01[0]), freedom(v10[0] - v10[-1], v01[0] - v01[-1])]
    return v10.mean(axis=1), cov, df


def area(y, s):
    """The interval of an AUC on the logit scale, and down to Newcombe's with few rows of a class."""
    auc, cov, df = delong(y, s)
    a, m, n = auc[0], int(y.sum()), int((1 - y).sum())
    half = stats.t.ppf(0.975, df[0]) * np.sqrt(cov[0, 0]) / (a * (1 - a))
    low, high = special.expit(special.logit(a) + np.array([-half, half]))

    def outside(x):
        v = x * (1 - x) / (m * n) * (1 + ((m + n) / 2 - 1) * ((1 - x) / (2 - x) + x / (1 + x)))
        return (a - x) ** 2 - stats.norm.ppf(0.975) ** 2 * v

    if min(m, n) < 30:
        low = min(low, optimize.brentq(outside, 1e-9, a, xtol=1e-14))
    return low, high


def h_measure(y, s):
    """1 - loss / worst loss, integrated over the cost with a minimum over every threshold."""
    p = y.mean()
    q = 1 - p
    fpr, tpr, _ = roc_curve(y, s, drop_intermediate=False)
    u = stats.beta(1 + p, 1 + q)

    def loss(c):
        return np.min(c * q * fpr + (1 - c) * p * (1 - tpr)) * u.pdf(c)

    # The minimum has corners where two neighbours on the hull tie: integrate
    # between them, with qhull's hull to find them and all thresholds in loss.
    hull = ConvexHull(np.c_[np.r_[fpr, 1], np.r_[tpr, 0]])
    on = sorted({(fpr[i], tpr[i]) for i in hull.vertices if i < len(fpr)})
    corners = {0.0, 1.0} | {p * (t1 - t0) / (p * (t1 - t0) + q * (f1 - f0)) for (f0, t0), (f1, t1) in zip(on, on[1:])}
    corners = sorted(corners)
    got = sum(integrate.quad(loss, a, b, epsabs=1e-13, epsrel=1e-12, limit=200)[0]
              for a, b in zip(corners, corners[1:]))
    worst = integrate.quad(lambda c: min(c * q, (1 - c) * p) * u.pdf(c), 0, 1, points=[p],
                           epsabs=1e-14, epsrel=1e-13)[0]
    return 1 - got / worst


def interval(value, sd, lo, hi):
    z = stats.norm.ppf(0.975)
    return [max(lo, value - z * sd), min(hi, value + z * sd)]


def sample(name, n, seed, ties, rate):
    r = np.random.default_rng(seed)
    x = r.normal(size=n)
    pd = 1 / (1 + np.exp(-(np.log(rate / (1 - rate)) + 1.2 * x)))
    y = (r.uniform(size=n) < pd).astype(float)
    pd = 1 / (1 + np.exp(-(np.log(rate / (1 - rate)) + 1.5 * x + 0.3 * r.normal(size=n))))
    other = x + r.normal(size=n)
    if ties:
        pd = np.clip(np.round(pd * 12) / 12, 0.02, 0.98)
        other = np.round(other * 2) / 2
    c = {"name": name, "label": y.tolist(), "pd": pd.tolist(), "other": other.tolist()}
    auc, cov, df = delong(y, pd, other)
    fpr, tpr, _ = roc_curve(y, pd, drop_intermediate=False)
    want = {
        "auc": roc_auc_score(y, pd),
        "auc_other": roc_auc_score(y, other),
        "average_precision": average_precision_score(y, pd),
        "ks": stats.ks_2samp(pd[y == 1], pd[y == 0]).statistic,
        "brier": brier_score_loss(y, pd),
        "logloss": log_loss(y, pd),
        "tpr_0.05": float(np.interp(0.05, fpr, tpr)) if not ties else None,
        "h": h_measure(y, pd),
        "spearman": stats.spearmanr(pd, other).statistic,
        "partial_auc": roc_auc_score(y, pd, max_fpr=0.2),
        # Every third PD and every fourth other score missing: pairs of rows where both are present.
        "spearman_pairs": stats.spearmanr(*np.array([(a, b) for i, (a, b) in enumerate(zip(pd, other)) if i % 3
                                                     and i % 4]).T).statistic,
    }
    # TPR at a fixed FPR on straight lines between steps: the highest TPR where
    # the FPR is reached, else between the neighbours.
    want["tpr_0.05"] = max([t for f, t in zip(fpr, tpr) if f == 0.05], default=float(np.interp(0.05, fpr, tpr)))
    sd = np.sqrt(cov[0, 0])
    want["delong_low"], want["delong_high"] = interval(auc[0], sd, 0, 1)
    sd = np.sqrt(cov[0, 0] + cov[1, 1] - 2 * cov[0, 1])
    want["difference"] = auc[0] - auc[1]
    half = stats.t.ppf(0.975, df[1]) * sd
    want["difference_low"], want["difference_high"] = max(-1, auc[0] - auc[1] - half), min(1, auc[0] - auc[1] + half)
    want["area_low"], want["area_high"] = area(y, pd)
    want["difference_z"] = (auc[0] - auc[1]) / sd
    want["difference_p"] = 2 * stats.norm.sf(abs(want["difference_z"]))
    logit = np.log(pd / (1 - pd))
    fit = sm.Logit(y, sm.add_constant(logit)).fit(disp=0, tol=1e-14, maxiter=200)
    want["intercept"], want["slope"] = fit.params
    want["intercept_se"], want["slope_se"] = fit.bse
    large = sm.GLM(y, np.ones(n), family=sm.families.Binomial(), offset=logit).fit(tol=1e-15, maxiter=200)
    want["large"], want["large_se"] = large.params[0], large.bse[0]
    top = np.sum((y - pd) * (1 - 2 * pd))
    z = top / np.sqrt(np.sum((1 - 2 * pd) ** 2 * pd * (1 - pd)))
    want["spiegelhalter_z"], want["spiegelhalter_p"] = z, 2 * stats.norm.sf(abs(z))
    if not ties:  # n is a multiple of ten: groups are the same however they are cut
        order = np.argsort(pd, kind="stable")
        obs = y[order].reshape(10, -1)
        exp = pd[order].reshape(10, -1)
        k, e, m = obs.sum(axis=1), exp.mean(axis=1), obs.shape[1]
        chi = np.sum((k - m * e) ** 2 / (m * e * (1 - e)))
        want["hl"], want["hl_p"] = chi, stats.chi2.sf(chi, 10)
        want["ece"] = np.mean(np.abs(k / m - e))
        want["reliability"] = np.mean((e - k / m) ** 2)
        want["resolution"] = np.mean((k / m - y.mean()) ** 2)
        a = np.quantile(pd[: n // 2], np.arange(1, 10) / 10, method="inverted_cdf")
        first = np.histogram(pd[: n // 2], np.r_[-np.inf, np.nextafter(a, np.inf), np.inf])[0]
        second = np.histogram(pd[n // 2 :], np.r_[-np.inf, np.nextafter(a, np.inf), np.inf])[0]
        f, s = first / first.sum(), second / second.sum()
        if second.min() > 0:
            want["psi"] = np.sum((s - f) * np.log(s / f))
    declined = 1 / (1 + np.exp(-r.normal(size=50)))
    c["declined"] = declined.tolist()
    for k in (1, 2):
        q = k * declined / (k * declined + 1 - declined)
        yy = np.r_[y, np.ones(50), np.zeros(50)]
        ss = np.r_[pd, declined, declined]
        ww = np.r_[np.ones(n), q, 1 - q]
        want[f"fuzzy_auc_{k}"] = roc_auc_score(yy, ss, sample_weight=ww)
        want[f"fuzzy_brier_{k}"] = brier_score_loss(yy, ss, sample_weight=ww)
    c["want"] = {k: float(v) for k, v in want.items()}
    return c


def proportions():
    out = []
    for k1, n1, k2, n2 in [(7, 20, 30, 60), (1, 50, 12, 80), (40, 40, 70, 100), (5, 9, 4, 11), (300, 1000, 350, 1000)]:
        w = proportion_confint(k1, n1, method="wilson")
        d = confint_proportions_2indep(k1, n1, k2, n2, compare="diff", method="newcomb")
        r = confint_proportions_2indep(k1, n1, k2, n2, compare="ratio", method="log")
        out.append({"k1": k1, "n1": n1, "k2": k2, "n2": n2, "wilson": list(map(float, w)),
                    "newcombe": list(map(float, d)), "katz": list(map(float, r)),
                    "binomial": float(stats.binomtest(k1, n1, 0.2, alternative="greater").pvalue)})
    return out


json.dump({
    "samples": [sample("continuous", 400, 1, False, 0.3), sample("rare", 1000, 2, False, 0.04),
                sample("ties", 300, 3, True, 0.3), sample("small", 60, 4, False, 0.4)],
    "proportions": proportions(),
    "quantiles": {"x": [3.0, 1.0, 4.0, 1.5, 9.0, 2.6], "p": [0, 0.025, 0.3, 0.5, 0.975, 1],
                  "want": np.quantile([3.0, 1.0, 4.0, 1.5, 9.0, 2.6], [0, 0.025, 0.3, 0.5, 0.975, 1]).tolist()},
}, __import__("sys").stdout, indent=0)
