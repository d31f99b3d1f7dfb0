# SPDX-License-Identifier: Apache-2.0
# The figures of a report. See eval_audit.py.
import re

import numpy as np
from scipy import special

from audit_rows import auc, groups, line, paired, rate
from audit_shares import walk
from audit_tables import Tables


class Figures:
    def __init__(self, audit, report, r):
        self.audit, self.r = audit, r
        self.tables = Tables(audit, report, r)
        self.all = [b["figure"] for s in report["sections"] for b in s.get("blocks") or [] if "figure" in b]
        self.shown = {b["table"]["title"]: b["table"] for s in report["sections"] for b in s.get("blocks") or []
                      if "table" in b}

    def series(self, f, n, **want):
        for k, values in want.items():
            for i, v in enumerate(values):
                if v is not None and v == v:
                    self.audit.check(f"figure:{f['id']}:{n}:{k}:{i}", v)

    def on(self, f, n, points):
        """Each point of a series, which may be thinned, is one of the given points."""
        s = f["series"][n]
        for i, (x, y) in enumerate(zip(s["x"], s["y"])):
            k = np.argmin(np.abs(points[:, 0] - x) + np.abs(points[:, 1] - y))
            self.audit.check(f"figure:{f['id']}:{n}:x:{i}", points[k, 0])
            self.audit.check(f"figure:{f['id']}:{n}:y:{i}", points[k, 1])

    def run(self):
        named = {"roc": self.roc, "cap": self.cap, "lift": self.lift, "ks": self.ks,
                 "score-distribution": self.distribution, "reliability": self.reliability,
                 "reliability-odds": self.odds, "strategy-curve": self.strategy, "value-curve": self.value,
                 "challenger-differences": self.differences, "score-shift": self.score_shift,
                 "variable-shift": self.variable_shift, "information-value": self.iv,
                 "importance": self.importance, "group-importance": self.group_importance, "noise": self.noise,
                 "bad-by-month": self.by_month, "auc-by-month": self.by_month, "rate-by-month": self.by_month,
                 "psi-by-month": self.by_month}
        for f in self.all:
            if f["id"] in named:
                named[f["id"]](f)
            elif f["id"].startswith("woe-"):
                _, w, _ = self.tables.woe(f["title"].removeprefix("Weight of evidence of "))
                self.matched(f, w)
            elif f["id"].startswith("dependence-"):
                self.dependence(f)
            elif f["id"].startswith("impact-"):
                t = self.shown["Approval by " + f["title"].removeprefix("Adverse impact ratio by ")]
                rows = [row for row in t["rows"] if row[1]]
                self.series(f, 0, x=[x[3] for x in rows], low=[x[4] for x in rows], high=[x[5] for x in rows])

    def matched(self, f, values):
        """Bars whose order follows names: each is one of the values."""
        for i, x in enumerate(f["series"][0]["x"]):
            self.audit.check(f"figure:{f['id']}:0:x:{i}", values[np.argmin(np.abs(values - x))])

    def curve(self, score):
        from sklearn.metrics import roc_curve

        f, t, _ = roc_curve(self.r.y, score, sample_weight=self.r.w, drop_intermediate=False)
        return f, t

    def roc(self, f):
        for n, s in enumerate(f["series"]):
            if s["mark"] != "reference":
                score = self.r.margin if s["name"] == "model" else self.r.t[f"challenger:{s['name']}"].to_numpy(float)
                self.on(f, n, np.array(self.curve(score)).T)

    def cap(self, f):
        x, t = self.curve(self.r.margin)
        p = np.average(self.r.y, weights=self.r.w)
        self.on(f, 1, np.array([p * t + (1 - p) * x, t]).T)
        self.series(f, 2, x=[0, p, 1], y=[0, 1, 1])

    def lift(self, f):
        x, t = self.curve(self.r.margin)
        p = np.average(self.r.y, weights=self.r.w)
        at = p * t + (1 - p) * x
        self.on(f, 0, np.array([at[1:], t[1:] / at[1:]]).T)

    def ks(self, f):
        r = self.r
        for n, c in ((0, 0), (1, 1)):
            s = f["series"][n]
            of, w = r.pd[r.y == c], r.all[r.y == c]
            for i, x in enumerate(s["x"]):
                near = r.pd[np.argmin(np.abs(r.pd - x))]
                self.audit.check(f"figure:ks:{n}:x:{i}", near)
                self.audit.check(f"figure:ks:{n}:y:{i}", w[of <= near].sum() / w.sum())

    def distribution(self, f):
        r, top = self.r, f["x"]["max"]
        k = np.minimum(24, (r.pd / top * 25).astype(int))
        for n in (0, 1):
            self.series(f, n, x=(np.arange(25) + 0.5) / 25 * top,
                        y=np.bincount(k[r.y == n], r.all[r.y == n], minlength=25) / max(1e-300, r.all[r.y == n].sum()))

    def reliable(self, p, k):
        g = groups(p, k, self.r.w)
        w = [rate(self.r.y[i], self.r.all[i]) for i in g]
        mean = [np.average(p[i], weights=self.r.all[i]) for i in g]
        return mean, [x[0] for x in w], [x[1] for x in w], [x[2] for x in w]

    def reliability(self, f):
        for n, s in enumerate(f["series"]):
            if s["mark"] != "reference":
                pd = self.r.pd if s["name"] == "calibrated" else self.r.t["raw_pd"].to_numpy(float)
                x, y, low, high = self.reliable(pd, 10)
                self.series(f, n, x=x, y=y, low=low if s.get("low") else [], high=high if s.get("high") else [])

    def odds(self, f):
        logit = lambda v: [special.logit(x) if 0 < x < 1 else None for x in v]
        x, y, low, high = (logit(v) for v in self.reliable(self.r.pd, 20))
        self.series(f, 0, x=x, y=y, low=low, high=high)
        for n, s in enumerate(f["series"]):
            if s["name"] == "calibration line":
                (a, b, _), _ = line(self.r.y, self.r.pd, self.r.w)
                ends = [min(v for v in x if v is not None), max(v for v in x if v is not None)]
                self.series(f, n, x=ends, y=[a + b * v for v in ends])

    def strategy(self, f):
        w = walk(self.r)
        self.on(f, 0, w[:, [0, 2]])
        self.on(f, 1, w[:, [0, 3]])

    def value(self, f):
        w = np.vstack([np.zeros(6), walk(self.r)])
        self.on(f, 0, w[:, [0, 4]])
        self.on(f, 1, w[:, [0, 5]])

    def differences(self, f):
        r = self.r
        d = [paired(r.y, r.margin, r.t[f"challenger:{c}"].to_numpy(float), r.w) for c in f["y"]["labels"]]
        self.series(f, 0, x=[v[0] for v in d], low=[v[1] for v in d], high=[v[2] for v in d])

    def score_shift(self, f):
        t = self.shown["Score against training"]
        self.series(f, 0, x=[x[1] for x in t["rows"]])
        self.series(f, 1, x=[x[2] for x in t["rows"]])

    def column(self, title, k):
        return {row[0]: row[k] for row in self.shown[title]["rows"]}

    def variable_shift(self, f):
        psi = self.column("Variables by information value", 5)
        self.series(f, 0, x=[psi[c] for c in f["y"]["labels"]])

    def iv(self, f):
        self.series(f, 0, x=[self.tables.woe(c)[2] for c in f["y"]["labels"]])

    def importance(self, f):
        r = self.r
        size = dict(zip(r.names, np.average(np.abs(r.phi[r.some]), axis=0, weights=r.all[r.some])))
        self.series(f, 0, x=[size.get(c) for c in f["y"]["labels"]])

    def group_importance(self, f):
        group = {x["name"]: x.get("group") or x["name"] for x in self.r.plan["spec"]["features"]}
        size = {}
        for g in set(group.values()):
            some = [j for j, c in enumerate(self.r.names) if group.get(c, c) == g]
            size[g] = np.average(np.abs(self.r.phi[self.r.some][:, some].sum(axis=1)), weights=self.r.all[self.r.some])
        self.series(f, 0, x=[size.get(c) for c in f["y"]["labels"]])

    def noise(self, f):
        for n in range(len(f["series"])):
            self.series(f, n, x=[0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1])
        self.series(f, 0, y=[auc(self.r.y[self.r.some], self.r.pd[self.r.some], self.r.all[self.r.some])])

    def dependence(self, f):
        r = self.r
        j = r.names.index(re.sub("^What (.*) does$", r"\1", f["title"]))
        x, phi = r.x[r.some, j], r.phi[r.some, j]
        for n, s in enumerate(f["series"]):
            if s["mark"] == "dots":
                self.on(f, n, np.array([x[~np.isnan(x)], phi[~np.isnan(x)]]).T) if s.get("x") else None
            elif s["mark"] == "hbars":
                levels = [phi[x == v] for v in set(x[~np.isnan(x)])] + [phi[np.isnan(x)]]
                levels = [p for p in levels if len(p)]
                for i, v in enumerate(s["x"]):
                    p = min(levels, key=lambda p: abs(p.mean() - v))
                    self.series(f, n,
                                **{k: [None] * i + [w]
                                   for k, w in zip(("x", "low", "high"), (p.mean(), *np.quantile(p, [0.05, 0.95])))})

    def by_month(self, f):
        t = self.shown.get("By month of decision")
        if not t:
            return
        col = lambda k: [row[k] for row in t["rows"]]
        order = [float(i) for i in range(len(t["rows"]))]
        at = self.tables.month()
        w = [rate(self.r.y[at == row[0]], self.r.all[at == row[0]]) for row in t["rows"]]
        low, high = [v[1] for v in w], [v[2] for v in w]
        if f["id"] == "auc-by-month":
            self.series(f, 0, x=order, y=col(5), low=col(6), high=col(7))
        elif f["id"] == "psi-by-month":
            self.series(f, 0, x=order, y=col(9))
        else:
            self.series(f, 0, x=order, y=col(3), low=low, high=high)
            if f["id"] == "rate-by-month":
                self.series(f, 1, x=order, y=col(4))


def figures(audit, report, r):
    Figures(audit, report, r).run()
