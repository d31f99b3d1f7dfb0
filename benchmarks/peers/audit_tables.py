# SPDX-License-Identifier: Apache-2.0
# The tables of a report. See eval_audit.py.
import numpy as np
from scipy import stats
from sklearn.inspection import permutation_importance
from statsmodels.stats.outliers_influence import variance_inflation_factor

from audit_metrics import calibration
from audit_rows import Z, area, auc, counts, cuts, enough, h, ks, nan, paired, psi_parts, wilson


def split(r, column):
    """Levels of a segment or group column; rows of no level come last."""
    values = r.t[column]
    return lambda name: (values.isna() if name == "not known" else values.astype(str) == str(name)).to_numpy()


def ratio(k1, n1, k2, n2):
    """An impact ratio with Katz's interval, half a row added where it is degenerate."""
    value = k1 / n1 / (k2 / n2)
    if k1 == 0 or (k1 == n1 and k2 == n2):
        k1, n1, k2, n2 = k1 + 0.5, n1 + 0.5, k2 + 0.5, n2 + 0.5
    sd, middle = np.sqrt(1 / k1 - 1 / n1 + 1 / k2 - 1 / n2), k1 / n1 / (k2 / n2)
    low, high = middle * np.exp(-Z * sd), middle * np.exp(Z * sd)
    return value, 0 if value == 0 else min(low, value), max(high, value)


def newcombe(k1, n1, k2, n2):
    if not n1 or not n2:
        return nan, nan, nan
    (l1, u1), (l2, u2) = wilson(k1, n1), wilson(k2, n2)
    p, q = k1 / n1, k2 / n2
    return p - q, p - q - np.hypot(p - l1, u2 - q), p - q + np.hypot(u1 - p, q - l2)


def walk(r):
    """Rows from the safest on, in whole groups of equal score: the cut-offs of the strategy curve."""
    order = np.argsort(r.margin, kind="stable")
    last = np.flatnonzero(np.r_[np.diff(r.margin[order]) != 0, True])
    y, p, m = r.y[order], r.pd[order], r.amount[order]
    k = np.arange(1, r.n + 1)
    cols = [k / r.n, np.maximum.accumulate(p), np.cumsum(y) / k, np.cumsum(p) / k,
            np.cumsum(m * np.where(y == 1, -r.loss, r.profit)), np.cumsum(m * ((1 - p) * r.profit - p * r.loss))]
    return np.array(cols).T[last]


def shares(score, k, n):
    """The share of each row that is among the k safest: rows of equal score count in proportion."""
    edge = np.sort(score)[k - 1]
    below, tied = score < edge, score == edge
    return np.where(below, 1.0, np.where(tied, (k - below.sum()) / tied.sum(), 0.0))


class Scored:
    """The model as scikit-learn takes one."""

    def __init__(self, r):
        self.predict = r.score

    def fit(self, x, y):
        return self


class Tables:
    def __init__(self, audit, report, r):
        self.audit, self.report, self.r = audit, report, r
        self.metric = {m["name"]: m for m in report["metrics"]}

    def rows(self, t, want, first=1):
        """Compares whole lines: want gives the numbers from the column first on."""
        for i, row in enumerate(t["rows"]):
            for j, v in enumerate(want(i, row)):
                if v is not None:
                    self.audit.check(f"table:{t['title']}:{i}:{j + first}", v)

    def run(self):
        plain = {"Rows": self.sample, "Key figures": self.figures, "Discrimination": self.figures, "Data quality by variable": self.quality,
                 "Variables by information value": self.variables, "All bins": self.bins, "Models on the same rows": self.models,
                 "Calibration": self.calibration, "Grades": self.grades, "Gains by tenth": self.gains, "Strategy table": self.strategy,
                 "Decisions": self.decisions, "Score against training": self.shift, "Importance by several measures": self.importance,
                 "Ten worked decisions": self.worked, "Noise and loss, field by field": self.losses, "Absurd values": self.absurd,
                 "Wrong labels": self.labels, "Offline against served scores": self.parity, "By month of decision": self.months,
                 "Variables by month": self.variable_months}
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
        sets = {"evaluated": self.r.y, "training": self.r.train["label"].to_numpy() if self.r.train is not None else None}
        self.rows(t, lambda i, row: (len(y := sets[row[0]]), y.sum(), y.mean(), *wilson(y.sum(), len(y))))

    def figures(self, t):
        """Tables that repeat metrics, which are computed: the same number must stand there."""
        names = {"AUC": "auc", "Gini": "gini", "KS": "ks", "Brier score": "brier", "Log-loss": "logloss", "H-measure": "h_measure", "Average precision": "average_precision", "Partial AUC, up to 20 % of good rows rejected": "partial_auc"}
        for i, row in enumerate(t["rows"]):
            name = names.get(row[0]) or f"tpr_at_fpr_{float(row[0].split(' when ')[1].split()[0]) / 100:.2f}"
            m = self.metric[name]
            for j, k in enumerate(["value", "low", "high", "corrected", "chance"] if t["title"] == "Discrimination" else ["value", "low", "high"]):
                if m.get(k) is not None:
                    self.audit.check(f"table:{t['title']}:{i}:{j + 1}", m[k], 0)

    def quality(self, t):
        r = self.r

        def line(i, row):
            x = r.x[:, r.names.index(row[0])]
            known = x[~np.isnan(x)]
            trained = r.train[f"feature:{row[0]}"].isna().mean() if r.train is not None else None
            if row[1] == "category":
                return np.isnan(x).mean(), trained, None
            q1, q3 = np.quantile(known, [0.25, 0.75])
            far = ((known < q1 - 3 * (q3 - q1)) | (known > q3 + 3 * (q3 - q1))).sum()
            return np.isnan(x).mean(), trained, len(set(known)), known.min(), np.median(known), known.max(), far

        self.rows(t, line, 2)
        for i, row in enumerate(t["rows"]):  # the categories that occur; codes beyond the list are one
            if row[1] == "category":
                x = r.x[:, r.names.index(row[0])]
                self.audit.check(f"table:{t['title']}:{i}:4", len(set(x[~np.isnan(x)])))

    def categorical(self, name):
        return any(row[0] == name and row[1] == "category" for s in self.report["sections"] for b in s.get("blocks") or []
                   if (t := b.get("table")) and t["title"] == "Data quality by variable" for row in t["rows"])

    def binned(self, name):
        """Bins with rows: rows, bad rows. A category's by frequency, as the table names them."""
        r = self.r
        x = r.x[:, r.names.index(name)]
        if self.categorical(name):
            words = r.t[f"category:{name}"].fillna("").astype(str).to_numpy()
            known = ~np.isnan(x)
            size = {w: np.sum(known & (words == w)) for w in set(words[known])}
            kept = sorted((w for w in size if w), key=lambda w: -size[w])
            kept = [w for w in (kept[:11] if len(kept) > 12 else kept) if w != "other"]
            out = [known & (words == w) for w in kept] + [known & ~np.isin(words, kept), ~known]
        else:
            c = cuts(x, 10)
            b = np.where(np.isnan(x), len(c) + 1, np.searchsorted(c, x, side="left"))
            out = [b == k for k in range(len(c) + 2)]
        out = [(m.sum(), r.y[m].sum()) for m in out if m.any()]
        return np.array(out)

    def woe(self, name):
        b = self.binned(name)
        bad, good = b[:, 1].astype(float), (b[:, 0] - b[:, 1]).astype(float)
        nb, ng = bad.sum(), good.sum()
        one = (bad == 0) | (good == 0)
        pb, pg = np.where(one, bad + 0.5, bad) / nb, np.where(one, good + 0.5, good) / ng
        w = np.log(pb / pg)
        return b, w, np.sum((pb - pg) * w)

    def inflations(self):
        """Variance inflation by statsmodels, missing values as the mean; none for what varies not or is determined."""
        r = self.r
        some = r.sample(10_000)
        names = [c for c in r.names if not self.categorical(c) and np.nanstd(r.x[some, r.names.index(c)]) > 0]
        x = r.x[np.ix_(some, [r.names.index(c) for c in names])]
        x = np.where(np.isnan(x), np.nanmean(x, axis=0), x)
        z = np.column_stack([np.ones(len(some)), (x - x.mean(axis=0)) / x.std(axis=0)])
        out = {c: variance_inflation_factor(z, j + 1) for j, c in enumerate(names)}
        return {c: v for c, v in out.items() if v < 1e9}

    def variables(self, t):
        r = self.r
        inflation = self.inflations()

        def line(i, row):
            x = r.x[:, r.names.index(row[0])]
            ok = ~np.isnan(x)
            category = self.categorical(row[0])
            a = (None,) * 3 if category else area(r.y[ok], x[ok])
            shift = chance = rho = None
            if r.train is not None:
                xt = r.train[f"feature:{row[0]}"].to_numpy(float)
                if category:
                    codes = sorted(set(x[ok]) | set(xt[~np.isnan(xt)]))
                    e, g = (np.r_[[np.sum(v == k) for k in codes], np.isnan(v).sum()] for v in (xt, x))
                else:
                    c = cuts(xt, 10)
                    e, g = counts(c, xt), counts(c, x)
                shift, chance = psi_parts(e, g).sum(), (np.sum(e + g > 0) - 1) * (1 / len(xt) + 1 / r.n)
            if row[8]:
                z = r.x[:, r.names.index(row[8])]
                some = r.sample(10_000)
                both = some[(ok & ~np.isnan(z))[some]]
                rho = stats.spearmanr(x[both], z[both]).statistic
            b, _, iv = self.woe(row[0])
            return (iv, *a, shift, None, None, None, rho, inflation.get(row[0]), (len(b) - 1) * (1 / r.y.sum() + 1 / (r.n - r.y.sum())), chance)

        self.rows(t, line)

    def bins(self, t):
        seen = {}
        for i, row in enumerate(t["rows"]):
            name = row[0]
            b, w, _ = self.woe(name)
            if self.categorical(name):  # in the order of names: found by its counts
                k = [k for k in range(len(b)) if b[k][0] == row[2] + row[3] and b[k][1] == row[3]]
                k = k[0] if k else -1
            else:
                k = seen[name] = seen.get(name, -1) + 1
            n, bad = b[k]
            for j, v in enumerate((n - bad, bad, bad / n, w[k])):
                self.audit.check(f"table:All bins:{i}:{j + 2}", v)

    def models(self, t):
        r = self.r

        def line(i, row):
            first = row[0] == "the model"
            s = r.margin if first else r.t[f"challenger:{row[0]}"].to_numpy(float)
            column = f"challenger_pd:{row[0]}"
            p = r.pd if first else (r.t[column].to_numpy(float) if column in r.t else None)
            cal = calibration(r.y, p)[0] if p is not None else [None] * 6
            d = (None,) * 4 if first else paired(r.y, r.margin, s)
            return (*area(r.y, s), ks(r.y, s), h(r.y, s), cal[0], cal[5], *d)

        self.rows(t, line)

    def calibration(self, t):
        r = self.r
        cal, chance = calibration(r.y, r.pd)
        raw = calibration(r.y, r.t["raw_pd"].to_numpy(float))[0] if "raw_pd" in r.t else None
        for i in range(len(t["rows"])):
            line = [cal[i]] + ([raw[i]] if raw else []) + [t["rows"][i][2 if not raw else 3]]
            extra = {9: chance["ece"], 1: chance["brier_reliability"]}.get(i)
            for j, v in enumerate([*line, extra]):
                if v is not None:
                    self.audit.check(f"table:Calibration:{i}:{j + 1}", v)

    def grades(self, t):
        r, of = self.r, split(self.r, "grade")

        def line(i, row):
            m = of(row[0])
            k, n, p = r.y[m].sum(), m.sum(), r.pd[m].mean()
            return n, p, k, k / n, *wilson(k, n), stats.binom.sf(k - 1, n, p)

        self.rows(t, line)

    def segment(self, t, name):
        r, of = self.r, split(self.r, f"segment:{name}")

        def line(i, row):
            m = of(row[0])
            k, n = r.y[m].sum(), m.sum()
            return n, k, k / n, *wilson(k, n), r.pd[m].mean(), *enough(r.y[m], r.margin[m])

        self.rows(t, line)

    def fairness(self, t, name):
        r, of = self.r, split(self.r, f"group:{name}")
        sizes = {row[0]: of(row[0]) for row in t["rows"]}
        large = [g for g in sizes if sizes[g].sum() >= 30 and g != "not known"]
        ref = max(large, key=lambda g: r.approved[sizes[g]].mean()) if large else max(sizes, key=lambda g: sizes[g].sum())
        for i, row in enumerate(t["rows"]):  # --group COLUMN=LEVEL: the reference has a ratio of 1 and no interval
            if row[3] == 1 and row[4] is None:
                ref = row[0]

        def line(i, row):
            m, q = sizes[row[0]], sizes[ref]
            good = r.y == 0
            air = ratio(r.approved[m].sum(), m.sum(), r.approved[q].sum(), q.sum())
            eod = newcombe(r.approved[m & good].sum(), (m & good).sum(), r.approved[q & good].sum(), (q & good).sum())
            return (m.sum(), r.approved[m].mean(), *air, r.approved[m & good].mean(), *eod, r.pd[m].mean(), r.y[m].mean(), enough(r.y[m], r.margin[m])[0])

        self.rows(t, line)

    def gains(self, t):
        r = self.r
        order = np.argsort(-r.margin, kind="stable")
        tied = np.unique(-r.margin[order], return_inverse=True)[1]
        spread = lambda x: np.bincount(tied, x[order])[tied] / np.bincount(tied)[tied]  # the mean of each tie group
        y, p = spread(r.y), spread(r.pd)
        points = spread(r.t["points"].to_numpy(float)) if "points" in r.t else None
        low, high = (np.array([f(r.pd[order][tied == k]) for k in range(tied[-1] + 1)])[tied] for f in (np.min, np.max))
        seen = lost = 0
        for d in range(10):
            at = slice(d * r.n // 10, (d + 1) * r.n // 10)
            n, bad = at.stop - at.start, y[at].sum()
            seen, lost = seen + bad, lost + n - bad
            tp, fp = seen / r.y.sum(), lost / (r.n - r.y.sum())
            line = [n, low[at].min(), high[at].max(), p[at].mean(), bad, bad / n, bad / n / r.y.mean(), tp, fp, tp - fp]
            for j, v in enumerate(line + ([points[at].mean()] if points is not None else [])):
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
            k = int(np.floor(row[0] * r.n + 0.5))
            a, b = shares(r.margin, k, r.n), shares(theirs, k, r.n)
            up, down = np.maximum(0, a - b), np.maximum(0, b - a)
            div = lambda x, n: x / n if n else None
            return row[0], up.sum(), div(up @ r.y, up.sum()), down.sum(), div(down @ r.y, down.sum()), b @ r.y / k, a @ r.y / k

        self.rows(t, line, 0)

    def decisions(self, t):
        r = self.r

        def line(i, row):
            m = (r.t["outcome"] == row[0]).to_numpy()
            k, n = r.y[m].sum(), m.sum()
            return n, n / r.n, r.pd[m].mean() if n else None, k, k / n if n else None, *(wilson(k, n) if n else (None, None))

        self.rows(t, line)

    def shift(self, t):
        r = self.r
        reference = r.train["out_of_fold_pd" if "out_of_fold_pd" in r.train else "pd"].to_numpy()
        c = cuts(reference, 10)
        e, a = counts(c, reference)[:-1], counts(c, r.pd)[:-1]
        parts = psi_parts(e, a)
        self.rows(t, lambda i, row: (e[i] / e.sum(), a[i] / a.sum(), parts[i]))

    def importance(self, t):
        r = self.r
        size = np.abs(r.phi[r.some]).mean(axis=0)
        gain, used = (r.booster.feature_importance(k) for k in ("gain", "split"))
        model = Scored(r)
        x, y = r.x[r.some], r.y[r.some].astype(int)
        ours = permutation_importance(model, x, y, scoring=lambda m, u, v: auc(v, m.predict(u)), n_repeats=20, random_state=5)
        for i, row in enumerate(t["rows"]):
            j = r.names.index(row[0])
            for k, v in ((1, size[j]), (4, gain[j] / gain.sum()), (5, used[j])):
                self.audit.check(f"table:{t['title']}:{i}:{k}", v)
            spread = ours.importances[j].std(ddof=1)  # five shuffles there, twenty here
            self.audit.check(f"table:{t['title']}:{i}:2", ours.importances_mean[j], 6 * spread * np.sqrt(1 / 5 + 1 / 20) + 1e-9, "within the error of shuffles")
            self.audit.check(f"table:{t['title']}:{i}:3", spread, 2.5 * spread + 1e-9, "within the error of shuffles")

    def worked(self, t):
        r = self.r
        names = {v: i for i, v in enumerate(r.t["name"])}

        def line(i, row):
            k = names[row[0]]
            listed = sum(float(x.rsplit("(", 1)[1].rstrip(")").replace("−", "-")) for c in (5, 6) for x in row[c].split("; ") if x)
            self.audit.check(f"table:{t['title']}:{i}:7", r.margin[k] - r.expected[k] - listed, 0.005)  # listed to three digits
            return r.pd[k], None, r.expected[k], None, None, None, r.margin[k]

        self.rows(t, line, 2)

    def losses(self, t):
        r = self.r
        y, pd_ = r.y[r.some], r.pd[r.some]

        def line(i, row):
            x = r.x[r.some]
            x[:, r.names.index(row[0])] = nan
            p = r.score(x)
            return (*paired(y, pd_, p)[:3], np.abs(p - pd_).mean(), ((p <= r.cut * (1 + 1e-9)) != (pd_ <= r.cut)).mean())

        self.rows(t, line, 5)

    def absurd(self, t):
        r = self.r
        category = np.array([self.categorical(c) for c in r.names])
        changes = [lambda x: np.where(category, x, x * 1000), lambda x: np.where(category, x, -x), lambda x: np.where(category, x, 0),
                   lambda x: np.where(category, nan, x), lambda x: np.full_like(x, nan)]

        def line(i, row):
            p = r.score(changes[i](r.x[r.some]))
            return p.min(), p.mean(), p.max(), (p <= r.cut * (1 + 1e-9)).mean(), ((p <= r.cut * (1 + 1e-9)) != (r.pd[r.some] <= r.cut)).mean()

        self.rows(t, line)

    def labels(self, t):
        some = self.r.sample(20_000)
        y, margin = self.r.y[some], self.r.margin[some]
        self.rows(t, lambda i, row: (row[0], auc(y, margin), ks(y, margin)) if i == 0 else (row[0],), 0)

    def parity(self, t):
        r = self.r
        s = r.t["served"].to_numpy(float)
        n, same = (~np.isnan(s)).sum(), (s == r.margin).sum()
        self.rows(t, lambda i, row: (n, same, n - same, np.nanmax(np.abs(s - r.margin)) if same < n else 0), 0)

    def month(self):
        return self.r.t["time"].str[:7].to_numpy()

    def months(self, t):
        r, at = self.r, self.month()
        reference = r.pd if r.train is None else r.train["out_of_fold_pd" if "out_of_fold_pd" in r.train else "pd"].to_numpy()
        c = cuts(reference, 10)

        def line(i, row):
            m = at == row[0]
            k, n = r.y[m].sum(), m.sum()
            return (n, k, k / n if n else None, r.pd[m].mean() if n else None, *enough(r.y[m], r.margin[m]), np.mean((r.pd[m] - r.y[m]) ** 2),
                    psi_parts(counts(c, reference), counts(c, r.pd[m])).sum(), len(c) * (1 / n + 1 / len(reference)))

        self.rows(t, line)

    def variable_months(self, t):
        r, at = self.r, self.month()

        def line(i, row):
            x = r.x[:, r.names.index(row[0])]
            xt = x if r.train is None else r.train[f"feature:{row[0]}"].to_numpy(float)
            if self.categorical(row[0]):
                codes = sorted(set(x[~np.isnan(x)]) | set(xt[~np.isnan(xt)]))
                count = lambda v: np.r_[[np.sum(v == k) for k in codes], np.isnan(v).sum()]
            else:
                c = cuts(xt, 10)
                count = lambda v: counts(c, v)
            p = [psi_parts(count(xt), count(x[at == m])).sum() for m in sorted(set(at)) if (at == m).sum() >= 50]
            return (np.mean(p), max(p)) if p else (None, None)

        self.rows(t, line)


def tables(audit, report, r):
    Tables(audit, report, r).run()
