# SPDX-License-Identifier: Apache-2.0
# The metrics and verdicts of a report. See eval_audit.py.
import re

import numpy as np
from scipy import stats
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

from audit_rows import (Z, against_hmeasure, area, auc, counts, cuts, effective, effective_for, groups, h, half_row, ks,
                        line, nan, ones, paired, placements, psi_parts, rate, satterthwaite, uneven, worth)

SHARES = (0.01, 0.05, 0.10, 0.20)


def calibration(y, p, w=None):
    """The figures of section 6, in the order of its table."""
    g = groups(p, 10, w)
    one = ones(y, w)
    rate = np.average(y, weights=w)
    mass, size = np.array([one[i].sum() for i in g]), np.array([effective(one[i]) for i in g])
    mean, bad = (np.array([np.average(x[i], weights=one[i]) for i in g]) for x in (p, y))
    share = mass / mass.sum()
    brier = brier_score_loss(y, p, sample_weight=w) if len(set(y)) > 1 else float(np.average((p - y) ** 2, weights=w))
    rel, res, unc = np.sum(share * (mean - bad) ** 2), np.sum(share * (bad - rate) ** 2), rate * (1 - rate)
    (a, b, large), _ = line(y, p, w)
    v = mean * (1 - mean)
    hl = np.sum((size * bad - size * mean) ** 2 / (size * v)) if np.all(v > 0) else nan
    top, under = np.sum(one * (y - p) * (1 - 2 * p)), np.sum((one * (1 - 2 * p)) ** 2 * p * (1 - p))
    z = top / np.sqrt(under) if under > 0 else nan
    loss = log_loss(y, p, labels=[0, 1], sample_weight=w)
    lift = mean - np.sum(share * mean)
    chance = {"ece": np.sum(share * np.sqrt(2 / np.pi * v / size)), "brier_reliability": np.sum(share * v / size),
              "brier_resolution": np.sum(share * lift**2) + np.sum(share * (1 - share) * v / size),
              "hosmer_lemeshow": len(g)}
    return [brier, rel, res, unc, brier - rel + res - unc, loss, b, a, large, np.sum(share * np.abs(mean - bad)), hl,
            stats.chi2.sf(hl, len(g)), z, 2 * stats.norm.sf(abs(z))], chance


# The metrics that calibration returns, in its order; None for those that have intervals from the bootstrap.
NAMES = [None, "brier_reliability", "brier_resolution", "brier_uncertainty", "brier_within", None, "calibration_slope",
         "calibration_intercept", "calibration_in_the_large", "ece", "hosmer_lemeshow", "hosmer_lemeshow_p",
         "spiegelhalter_z", "spiegelhalter_p"]


def bootstrap(r, draws=600):
    """Draws of the statistics whose intervals have no closed form, by numpy."""
    rng, out = np.random.default_rng(7), []
    for _ in range(draws):
        i = rng.integers(0, r.n, r.n)
        y, m, p, w = r.y[i], r.margin[i], r.pd[i], r.all[i]
        order = np.argsort(-m, kind="stable")
        last = np.r_[np.diff(m[order]) != 0, True]
        tp, fp = np.cumsum((w * y)[order])[last], np.cumsum((w * (1 - y))[order])[last]
        t, f = np.r_[0, tp / tp[-1]], np.r_[0, fp / fp[-1]]
        precision = tp / (tp + fp)
        q = np.clip(p, 2.0**-52, 1 - 2.0**-52)
        out.append([np.max(np.abs(t - f)), h(y, m, None if r.w is None else w), np.sum(np.diff(t) * precision),
                    *(np.interp(s, f, t) for s in SHARES),
                    np.average((p - y) ** 2, weights=w),
                    -np.average(y * np.log(q) + (1 - y) * np.log(1 - q), weights=w), np.average(p, weights=w),
                    roc_auc_score(y, m, max_fpr=0.2, sample_weight=None if r.w is None else w)])
    return np.array(out).T


def ends(r, name, value, d):
    """The interval that docs/reports.md describes, from this program's own draws d."""
    m, n = effective(r.bad), effective(r.good)
    rarer = min(m, n)
    t = stats.t.ppf(0.975, rarer - 1)
    if name == "ks":
        order = np.argsort(-r.margin, kind="stable")
        last = np.r_[np.diff(r.margin[order]) != 0, True]
        tp, fp = np.cumsum((r.all * r.y)[order])[last], np.cumsum((r.all * (1 - r.y))[order])[last]
        k = np.argmax(np.abs(tp / tp[-1] - fp / fp[-1]))
        above = (r.margin >= np.sort(r.margin)[::-1][np.flatnonzero(last)[k]]).astype(float)
        m, n = (effective_for(above[r.y == c], r.all[r.y == c]) for c in (1, 0))
        p, q = (tp[k] / tp[-1] * m + 1) / (m + 2), (fp[k] / fp[-1] * n + 1) / (n + 2)
        se = np.sqrt(p * (1 - p) / m + q * (1 - q) / n)
        half = t * (max(se, d.std(ddof=1)) if uneven(r.all) else se)
        bias = max(0, d.mean() - value)
        return np.clip([value - 2 * bias - half, value - bias + half], 0, 1)
    if name in ("h_measure", "average_precision", "partial_auc"):
        v, s = np.arcsin(np.sqrt(value)), np.arcsin(np.sqrt(np.clip(d, 0, 1)))
        half, bias = t * s.std(ddof=1), s.mean() - v
        return np.sin(np.clip([v - 2 * max(0, bias) - half, v - bias + half], 0, np.pi / 2)) ** 2
    if name in ("brier", "logloss", "mean_pd"):
        if name == "mean_pd":
            t = stats.t.ppf(0.975, effective(r.all) - 1)
        half = t * np.log(d).std(ddof=1)
        return value * np.exp([-half, half])
    p = (value * m + 1) / (m + 2)
    m = min(m, p * (1 - p) / d.var(ddof=1)) if d.var(ddof=1) > 0 else m
    mid = (value + t * t / (2 * m)) / (1 + t * t / m)
    half = t / (1 + t * t / m) * np.sqrt(value * (1 - value) / m + t * t / (4 * m * m))
    return np.clip([mid - half, mid + half], 0, 1)


def metrics(audit, report, r):
    y, n, w = r.y, r.n, r.w
    a, low, high = area(y, r.margin, w)
    cal, chance = calibration(y, r.pd, w)
    mean = np.average(y, weights=w)
    values = {"ks": ks(y, r.margin, w), "h_measure": h(y, r.margin, w), "average_precision": r.ap(),
              **{f"tpr_at_fpr_{s:.2f}": r.caught(s) for s in SHARES},
              "brier": cal[0], "logloss": cal[5], "mean_pd": np.average(r.pd, weights=w),
              "partial_auc": roc_auc_score(y, r.margin, max_fpr=0.2, sample_weight=w)}
    bad, good = effective(r.bad), effective(r.good)
    by_chance = {"auc": 0.5, "partial_auc": 0.5, "gini": 0, "average_precision": mean,
                 "ks": np.sqrt(np.pi / 2) * np.log(2) * np.sqrt(1 / bad + 1 / good),
                 **{f"tpr_at_fpr_{s:.2f}": s for s in SHARES}, **chance}
    for k, v in {"auc": a, "gini": 2 * a - 1, "ks": values["ks"], "brier": cal[0], "logloss": cal[5], "n": n,
                 "bad_rate": mean}.items():
        audit.check(f"top:{k}", v)
    theirs, ours = against_hmeasure(y, r.margin)
    if not abs(theirs - ours) <= 1e-7:
        audit.wrong.append(f"the audit's own H-measure is {ours!r} where hmeasure has {theirs!r}")
    draws = dict(zip(values, bootstrap(r)))
    sd = dict(zip(NAMES, cal))
    _, (sa, sb, sl) = line(y, r.pd, w)
    wald = {"calibration_slope": sb, "calibration_intercept": sa, "calibration_in_the_large": sl}
    train = r.train
    for m in report["metrics"]:
        name = m["name"]
        path = f"metric:{name}"
        if name.startswith("backtest") or name == "training_outcomes_known_later":
            continue
        audit.check(f"{path}:n", n if not name.startswith("auc_out_of_fold") or "minus" in name else len(train))
        if "level" in m:
            audit.check(f"{path}:level", 0.95)
        if "chance" in m and name in by_chance:
            audit.check(f"{path}:chance", by_chance[name])
        if name in ("auc", "gini"):
            for k, v in zip(("value", "low", "high"), (a, low, high)):
                audit.check(f"{path}:{k}", v if name == "auc" else 2 * v - 1)
        elif name in values:
            d = draws[name]
            audit.check(f"{path}:value", values[name])
            e = ends(r, name, values[name], d)
            error = 0.2 * (e[1] - e[0])  # both programs draw 500 to 600 times
            audit.check(f"{path}:low", e[0], error, "within the error of the bootstrap")
            audit.check(f"{path}:high", e[1], error, "within the error of the bootstrap")
            if m.get("corrected") is not None:
                audit.check(f"{path}:corrected", np.clip(2 * values[name] - d.mean(), 0, 1),
                            6 * d.std() / np.sqrt(len(d)), "within the error of the bootstrap")
        elif name == "bad_rate":
            for k, v in zip(("value", "low", "high"), rate(y, r.all)):
                audit.check(f"{path}:{k}", v)
        elif name in NAMES:
            audit.check(f"{path}:value", sd[name])
            if name in wald:
                audit.check(f"{path}:low", sd[name] - Z * wald[name])
                audit.check(f"{path}:high", sd[name] + Z * wald[name])
        elif name == "auc_out_of_fold":
            for k, v in zip(("value", "low", "high"),
                            area(train["label"].to_numpy(), train["out_of_fold"].to_numpy(), r.train_w)):
                audit.check(f"{path}:{k}", v)
        elif name == "auc_out_of_fold_minus_evaluation":
            u, df = satterthwaite(*placements(train["label"].to_numpy(), train["out_of_fold"].to_numpy(), r.train_w))
            v, dg = satterthwaite(*placements(y, r.margin, w))
            d = auc(train["label"], train["out_of_fold"], r.train_w) - a
            half = stats.t.ppf(0.975, min(df, dg)) * np.sqrt(u + v)
            for k, v in zip(("value", "low", "high"), (d, d - half, d + half)):
                audit.check(f"{path}:{k}", v)
        elif name.startswith("auc_minus_"):
            for c in [c for c in r.t.columns if c.startswith("challenger:")
                      and re.sub("[^a-z0-9]+", "_", c[11:].lower()) == name[10:]]:
                for k, v in zip(("value", "low", "high"), paired(y, r.margin, r.t[c].to_numpy(float), w)):
                    audit.check(f"{path}:{k}", v)
        elif name == "psi_score":
            reference = train["out_of_fold_pd" if "out_of_fold_pd" in train else "pd"].to_numpy()
            c = cuts(reference, 10, r.train_w)
            audit.check(f"{path}:value",
                        psi_parts(counts(c, reference, r.train_w), counts(c, r.pd, w), half_row(r.train_all),
                                  half_row(r.all)).sum())
            audit.check(f"{path}:chance", len(c) * (1 / effective(r.train_all) + 1 / effective(r.all)))
    for v in report["verdicts"]:
        g, path = v["grounds"], f"verdict:{v['question']}"
        if (of := g.get("of", "")) and not of.startswith("which ") or g["rows"] == 0:
            audit.check(f"{path}:rows", g["rows"])  # a sample, a group or nothing: "of" says which in words
            audit.check(f"{path}:bad", g["bad"])
        else:
            audit.check(f"{path}:rows", worth(r.bad) + worth(r.good) if g["bad"] else n)
            audit.check(f"{path}:bad", worth(r.bad) if g["bad"] else 0)
