# SPDX-License-Identifier: Apache-2.0
# The tables of a report; audit_variables.py has those about single variables. See eval_audit.py.
import numpy as np
from scipy import special
from sklearn.inspection import permutation_importance

from audit_metrics import calibration
from audit_rows import (area, auc, counts, cuts, effective, effective_for, enough, h, half_row, ks, nan, ones, paired,
                        psi_parts, rate, worth)
from audit_shares import newcombe, ratio, shares, split, walk
from audit_variables import VariableTables


class Scored:
    """The model as scikit-learn takes one."""

    def __init__(self, r):
        self.predict = r.score

    def fit(self, x, y):
        return self


class Tables(VariableTables):
    def run(self):
        plain = {"Rows": self.sample, "Key figures": self.figures, "Discrimination": self.figures,
                 "Data quality by variable": self.quality,
                 "Variables by information value": self.variables, "All bins": self.bins,
                 "Models on the same rows": self.models,
                 "Calibration": self.calibration, "Grades": self.grades, "Gains by tenth": self.gains,
                 "Strategy table": self.strategy,
                 "Decisions": self.decisions, "Score against training": self.shift,
                 "Importance by several measures": self.importance,
                 "Ten worked decisions": self.worked, "Noise and loss, field by field": self.losses,
                 "Absurd values": self.absurd,
                 "Wrong labels": self.labels, "Offline against served scores": self.parity,
                 "By month of decision": self.months,
                 "Variables by month": self.variable_months, "Weights": self.weights}
        for s in self.report["sections"]:
            for b in s.get("blocks") or []:
                t = b.get("table")
                if not t:
                    continue
                if t["title"] in plain:
                    plain[t["title"]](t)
                elif t["title"].startswith("Bad rate by "):
                    self.segment(t, t["title"][12:])
                elif t["title"].startswith("Approval by "):
                    self.fairness(t, t["title"][12:])
                elif t["title"].startswith("Swap set against "):
                    self.swap(t)

    def sample(self, t):
        r = self.r
        sets = {"evaluated": (r.y, r.all), "training": (r.train["label"].to_numpy(), r.train_all)
                if r.train is not None else None}

        def line(i, row):
            y, w = sets[row[0]]
            return w.sum(), w @ y, *rate(y, w)

        self.rows(t, line)

    def weights(self, t):
        r = self.r

        def line(i, row):
            y, w = (r.y, r.all) if row[0] == "evaluated" else (r.train["label"].to_numpy(), r.train_all)
            return len(w), w.min(), w.max(), w.sum(), effective(w), effective(w[y == 1]), effective(w[y == 0])

        self.rows(t, line)

    def figures(self, t):
        """Tables that repeat metrics, which are computed elsewhere: the numbers must be the same."""
        names = {"AUC": "auc", "Gini": "gini", "KS": "ks", "Brier score": "brier", "Log-loss": "logloss",
                 "H-measure": "h_measure", "Average precision": "average_precision",
                 "Partial AUC, up to 20 % of good rows rejected": "partial_auc"}
        for i, row in enumerate(t["rows"]):
            name = names.get(row[0]) or f"tpr_at_fpr_{float(row[0].split(' when ')[1].split()[0]) / 100:.2f}"
            m = self.metric[name]
            for j, k in enumerate(["value", "low", "high", "corrected", "chance"] if t["title"] == "Discrimination"
                                  else ["value", "low", "high"]):
                if m.get(k) is not None:
                    self.audit.check(f"table:{t['title']}:{i}:{j + 1}", m[k], 0)

    def models(self, t):
        r = self.r

        def line(i, row):
            first = row[0] == "the model"
            s = r.margin if first else r.t[f"challenger:{row[0]}"].to_numpy(float)
            column = f"challenger_pd:{row[0]}"
            p = r.pd if first else (r.t[column].to_numpy(float) if column in r.t else None)
            cal = calibration(r.y, p, r.w)[0] if p is not None else [None] * 6
            d = (None,) * 4 if first else paired(r.y, r.margin, s, r.w)
            return (*area(r.y, s, r.w), ks(r.y, s, r.w), h(r.y, s, r.w), cal[0], cal[5], *d)

        self.rows(t, line)

    def calibration(self, t):
        r = self.r
        cal, chance = calibration(r.y, r.pd, r.w)
        raw = calibration(r.y, r.t["raw_pd"].to_numpy(float), r.w)[0] if "raw_pd" in r.t else None
        for i in range(len(t["rows"])):
            line = [cal[i]] + ([raw[i]] if raw else []) + [t["rows"][i][2 if not raw else 3]]
            extra = {9: chance["ece"], 1: chance["brier_reliability"], 2: chance["brier_resolution"],
                     10: chance["hosmer_lemeshow"]}.get(i)
            for j, v in enumerate([*line, extra]):
                if v is not None:
                    self.audit.check(f"table:Calibration:{i}:{j + 1}", v)

    def grades(self, t):
        r, of = self.r, split(self.r, "grade")

        def line(i, row):
            m = of(row[0])
            w = r.all[m]
            p, (share, *ends), n = np.average(r.pd[m], weights=w), rate(r.y[m], w), effective_for(r.y[m], w)
            k = share * n
            return w.sum(), p, w @ r.y[m], share, *ends, special.betainc(k, n - k + 1, p) if k > 0 else 1

        self.rows(t, line)

    def segment(self, t, name):
        r, of = self.r, split(self.r, f"segment:{name}")

        def line(i, row):
            m = of(row[0])
            w = r.all[m]
            mean = np.average(r.pd[m], weights=w)
            return w.sum(), w @ r.y[m], *rate(r.y[m], w), mean, *enough(r.y[m], r.margin[m], w)

        self.rows(t, line)

    def fairness(self, t, name):
        r, of = self.r, split(self.r, f"group:{name}")
        sizes = {row[0]: of(row[0]) for row in t["rows"]}
        large = [g for g in sizes if worth(r.all[sizes[g]]) >= 30 and g != "not known"]
        mean = lambda x, m: np.average(x[m], weights=r.all[m]) if m.any() else nan
        if large:
            ref = max(large, key=lambda g: mean(r.approved, sizes[g]))
        else:
            ref = max(sizes, key=lambda g: r.all[sizes[g]].sum())
        for i, row in enumerate(t["rows"]):  # --group COLUMN=LEVEL: the reference has a ratio of 1 and no interval
            if row[3] == 1 and row[4] is None:
                ref = row[0]

        def line(i, row):
            m, q = sizes[row[0]], sizes[ref]
            good = r.y == 0
            who = lambda m: (r.approved[m], r.all[m])
            return (r.all[m].sum(), mean(r.approved, m), *ratio(*who(m), *who(q)), mean(r.approved, m & good),
                    *newcombe(*who(m & good), *who(q & good)),
                    mean(r.pd, m), mean(r.y, m), enough(r.y[m], r.margin[m], r.all[m])[0])

        self.rows(t, line)

    def gains(self, t):
        """Tenths of the weight, riskiest first; rows of equal score are spread evenly over their place."""
        r = self.r
        step = np.unique(-r.margin, return_inverse=True)[1]
        room, bad, risk = (np.bincount(step, r.all * x) for x in (1, r.y, r.pd))
        points = np.bincount(step, r.all * r.t["points"].to_numpy(float)) if "points" in r.t else None
        low, high = (np.array([f(r.pd[step == k]) for k in range(len(room))]) for f in (np.min, np.max))
        end = np.cumsum(room)
        seen = lost = 0
        for d in range(10):
            at, to = (d * r.n // 10, (d + 1) * r.n // 10) if r.w is None else (d * r.total / 10, (d + 1) * r.total / 10)
            part = np.clip(np.minimum(to, end) - np.maximum(at, end - room), 0, None) / room
            inside = part > 1e-9
            n, k = to - at, part @ bad
            seen, lost = seen + k, lost + n - k
            tp, fp = seen / r.bad.sum(), lost / r.good.sum()
            line = [n, low[inside].min(), high[inside].max(), part @ risk / n, k, k / n,
                    k / n / np.average(r.y, weights=r.w), tp, fp, tp - fp]
            for j, v in enumerate(line + ([part @ points / n] if points is not None else [])):
                self.audit.check(f"table:Gains by tenth:{d}:{j + 1}", v)

    def strategy(self, t):
        w = walk(self.r)
        for i, row in enumerate(t["rows"]):
            k = w[np.argmin(np.abs(w[:, 0] - row[0]))]
            for j, v in enumerate((k[0], k[1], k[2], k[3], k[4], k[5])):
                self.audit.check(f"table:Strategy table:{i}:{j}", v)

    def swap(self, t):
        r = self.r
        theirs = r.t["champion"].to_numpy(float)

        def line(i, row):
            k = int(np.floor(row[0] * r.n + 0.5)) if r.w is None else row[0] * r.total
            a, b = shares(r.margin, k, r.all), shares(theirs, k, r.all)
            up, down = np.maximum(0, a - b), np.maximum(0, b - a)
            div = lambda x, n: x / n if n else None
            return (row[0], up.sum(), div(up @ r.y, up.sum()), down.sum(), div(down @ r.y, down.sum()),
                    b @ r.y / k, a @ r.y / k)

        self.rows(t, line, 0)

    def decisions(self, t):
        r = self.r

        def line(i, row):
            m = (r.t["outcome"] == row[0]).to_numpy()
            w = r.all[m]
            mean = np.average(r.pd[m], weights=w) if len(w) else None
            bad = rate(r.y[m], w) if len(w) else (None,) * 3
            return w.sum(), w.sum() / r.total, mean, w @ r.y[m], *bad

        self.rows(t, line)

    def shift(self, t):
        r = self.r
        reference = r.train["out_of_fold_pd" if "out_of_fold_pd" in r.train else "pd"].to_numpy()
        c = cuts(reference, 10, r.train_w)
        e, a = counts(c, reference, r.train_w)[:-1], counts(c, r.pd, r.w)[:-1]
        parts = psi_parts(e, a, half_row(r.train_all), half_row(r.all))
        self.rows(t, lambda i, row: (e[i] / e.sum(), a[i] / a.sum(), parts[i]))

    def importance(self, t):
        r = self.r
        size = np.average(np.abs(r.phi[r.some]), axis=0, weights=r.all[r.some])
        gain, used = (r.booster.feature_importance(k) for k in ("gain", "split"))
        model = Scored(r)
        x, y, w = r.x[r.some], r.y[r.some].astype(int), r.all[r.some]
        ours = permutation_importance(model, x, y, scoring=lambda m, u, v: auc(v, m.predict(u), w),
                                      n_repeats=20, random_state=5)
        for i, row in enumerate(t["rows"]):
            j = r.names.index(row[0])
            for k, v in ((1, size[j]), (4, gain[j] / gain.sum()), (5, used[j])):
                self.audit.check(f"table:{t['title']}:{i}:{k}", v)
            spread = ours.importances[j].std(ddof=1)  # five shuffles there, twenty here
            self.audit.check(f"table:{t['title']}:{i}:2", ours.importances_mean[j],
                             6 * spread * np.sqrt(1 / 5 + 1 / 20) + 1e-9, "within the error of shuffles")
            self.audit.check(f"table:{t['title']}:{i}:3", spread, 2.5 * spread + 1e-9, "within the error of shuffles")

    def worked(self, t):
        r = self.r
        names = {v: i for i, v in enumerate(r.t["name"])}

        def line(i, row):
            k = names[row[0]]
            listed = sum(float(x.rsplit("(", 1)[1].rstrip(")").replace("−", "-")) for c in (5, 6)
                         for x in row[c].split("; ") if x)
            rest = r.margin[k] - r.expected[k] - listed
            self.audit.check(f"table:{t['title']}:{i}:7", rest, 0.005)  # contributions are listed to three digits
            return r.pd[k], None, r.expected[k], None, None, None, r.margin[k]

        self.rows(t, line, 2)

    def losses(self, t):
        r = self.r
        y, pd_, w = r.y[r.some], r.pd[r.some], r.all[r.some]
        mean = lambda x: np.average(x, weights=w)

        def line(i, row):
            x = r.x[r.some]
            x[:, r.names.index(row[0])] = nan
            p = r.score(x)
            return (*paired(y, pd_, p, w)[:3], mean(np.abs(p - pd_)), mean((p <= r.cut * (1 + 1e-9)) != (pd_ <= r.cut)))

        self.rows(t, line, 5)

    def absurd(self, t):
        r = self.r
        category = np.array([self.categorical(c) for c in r.names])
        changes = [lambda x: np.where(category, x, x * 1000), lambda x: np.where(category, x, -x),
                   lambda x: np.where(category, x, 0),
                   lambda x: np.where(category, nan, x), lambda x: np.full_like(x, nan)]

        def line(i, row):
            p = r.score(changes[i](r.x[r.some]))
            mean = lambda x: np.average(x, weights=r.all[r.some])
            approved = p <= r.cut * (1 + 1e-9)
            return p.min(), mean(p), p.max(), mean(approved), mean(approved != (r.pd[r.some] <= r.cut))

        self.rows(t, line)

    def labels(self, t):
        some = self.r.sample(20_000)
        y, margin, w = self.r.y[some], self.r.margin[some], None if self.r.w is None else self.r.w[some]
        self.rows(t, lambda i, row: (row[0], auc(y, margin, w), ks(y, margin, w)) if i == 0 else (row[0],), 0)

    def parity(self, t):
        r = self.r
        s = r.t["served"].to_numpy(float)
        n, same = (~np.isnan(s)).sum(), (s == r.margin).sum()
        self.rows(t, lambda i, row: (n, same, n - same, np.nanmax(np.abs(s - r.margin)) if same < n else 0), 0)

    def months(self, t):
        r, at = self.r, self.month()
        reference, wt = r.pd, r.w
        if r.train is not None:
            reference = r.train["out_of_fold_pd" if "out_of_fold_pd" in r.train else "pd"].to_numpy()
            wt = r.train_w
        c, before = cuts(reference, 10, wt), ones(reference, wt)

        def line(i, row):
            m = at == row[0]
            w, mean = r.all[m], lambda x: np.average(x[m], weights=r.all[m]) if m.any() else None
            return (w.sum(), w @ r.y[m], mean(r.y), mean(r.pd), *enough(r.y[m], r.margin[m], w),
                    mean((r.pd - r.y) ** 2),
                    psi_parts(counts(c, reference, before), counts(c, r.pd[m], w), half_row(before), half_row(w)).sum(),
                    len(c) * (1 / effective(w) + 1 / effective(before)))

        self.rows(t, line)


def tables(audit, report, r):
    Tables(audit, report, r).run()
