# SPDX-License-Identifier: Apache-2.0
# The tables of a report about single variables: data quality, information value, bins, and shift by month.
# See eval_audit.py.
import numpy as np
from scipy import stats
from statsmodels.stats.outliers_influence import variance_inflation_factor

from audit_rows import area, counts, cuts, effective, half_row, psi_parts, worth


class VariableTables:
    """Checks the tables about variables, and has what all checks of tables need."""

    def __init__(self, audit, report, r):
        self.audit, self.report, self.r = audit, report, r
        self.metric = {m["name"]: m for m in report["metrics"]}

    def rows(self, t, want, first=1):
        """Compares whole lines: want(i, row) gives the numbers of a line, beginning at the column first."""
        for i, row in enumerate(t["rows"]):
            for j, v in enumerate(want(i, row)):
                if v is not None:
                    self.audit.check(f"table:{t['title']}:{i}:{j + first}", v)

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
        tables = [b["table"] for s in self.report["sections"] for b in s.get("blocks") or [] if b.get("table")]
        return any(row[0] == name and row[1] == "category"
                   for t in tables if t["title"] == "Data quality by variable" for row in t["rows"])

    def binned(self, name):
        """Rows and bad rows of each bin that has rows; a category's bins by frequency, as the table names them."""
        r = self.r
        x = r.x[:, r.names.index(name)]
        if self.categorical(name):
            words = r.t[f"category:{name}"].fillna("").astype(str).to_numpy()
            known = ~np.isnan(x)
            size = {w: r.all[known & (words == w)].sum() for w in set(words[known])}
            kept = sorted((w for w in size if w), key=lambda w: -size[w])
            kept = [w for w in (kept[:11] if len(kept) > 12 else kept) if w != "other"]
            out = [known & (words == w) for w in kept] + [known & ~np.isin(words, kept), ~known]
        else:
            c = cuts(x, 10, r.w)
            b = np.where(np.isnan(x), len(c) + 1, np.searchsorted(c, x, side="left"))
            out = [b == k for k in range(len(c) + 2)]
        out = [(r.all[m].sum(), r.all[m] @ r.y[m]) for m in out if m.any()]
        return np.array(out)

    def woe(self, name):
        b = self.binned(name)
        bad, good = b[:, 1].astype(float), (b[:, 0] - b[:, 1]).astype(float)
        nb, ng = bad.sum(), good.sum()
        one = (bad == 0) | (good == 0)
        half = half_row(self.r.all)
        pb, pg = np.where(one, bad + half, bad) / nb, np.where(one, good + half, good) / ng
        w = np.log(pb / pg)
        return b, w, np.sum((pb - pg) * w)

    def inflations(self):
        """Variance inflation by statsmodels, missing values as the mean; without constant and determined variables."""
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
            a = (None,) * 3 if category else area(r.y[ok], x[ok], None if r.w is None else r.w[ok])
            shift = chance = rho = None
            if r.train is not None:
                xt = r.train[f"feature:{row[0]}"].to_numpy(float)
                if category:
                    codes = sorted(set(x[ok]) | set(xt[~np.isnan(xt)]))
                    e, g = (np.r_[[w[v == k].sum() for k in codes], w[np.isnan(v)].sum()]
                            for v, w in ((xt, r.train_all), (x, r.all)))
                else:
                    c = cuts(xt, 10, r.train_w)
                    e, g = counts(c, xt, r.train_all), counts(c, x, r.all)
                shift = psi_parts(e, g, half_row(r.train_all), half_row(r.all)).sum()
                chance = (np.sum(e + g > 0) - 1) * (1 / effective(r.train_all) + 1 / effective(r.all))
            if row[8]:
                z = r.x[:, r.names.index(row[8])]
                some = r.sample(10_000)
                both = some[(ok & ~np.isnan(z))[some]]
                rho = stats.spearmanr(x[both], z[both]).statistic
            b, _, iv = self.woe(row[0])
            return (iv, *a, shift, None, None, None, rho, inflation.get(row[0]),
                    (len(b) - 1) * (1 / effective(r.bad) + 1 / effective(r.good)), chance)

        self.rows(t, line)

    def bins(self, t):
        seen = {}
        for i, row in enumerate(t["rows"]):
            name = row[0]
            b, w, _ = self.woe(name)
            if self.categorical(name):  # in the order of names: found by its counts
                k = [k for k in range(len(b)) if np.isclose(b[k][0], row[2] + row[3], rtol=1e-9)
                     and np.isclose(b[k][1], row[3], rtol=1e-9)]
                k = k[0] if k else -1
            else:
                k = seen[name] = seen.get(name, -1) + 1
            n, bad = b[k]
            for j, v in enumerate((n - bad, bad, bad / n, w[k])):
                self.audit.check(f"table:All bins:{i}:{j + 2}", v)

    def month(self):
        return self.r.t["time"].str[:7].to_numpy()

    def variable_months(self, t):
        r, at = self.r, self.month()

        def line(i, row):
            x = r.x[:, r.names.index(row[0])]
            xt = x if r.train is None else r.train[f"feature:{row[0]}"].to_numpy(float)
            if self.categorical(row[0]):
                codes = sorted(set(x[~np.isnan(x)]) | set(xt[~np.isnan(xt)]))
                count = lambda v, w: np.r_[[w[v == k].sum() for k in codes], w[np.isnan(v)].sum()]
            else:
                c = cuts(xt, 10, r.w if r.train is None else r.train_w)
                count = lambda v, w: counts(c, v, w)
            wt = r.all if r.train is None else r.train_all
            months = [m for m in sorted(set(at)) if worth(r.all[at == m]) >= 50]
            e, a = count(xt, wt), [count(x[at == m], r.all[at == m]) for m in months]
            p = [psi_parts(e, v, half_row(wt), half_row(r.all[at == m])).sum() for m, v in zip(months, a)]
            if not p:
                return None, None
            k = int(np.argmax(p))
            chance = (np.sum(e + a[k] > 0) - 1) * (1 / effective(wt) + 1 / effective(r.all[at == months[k]]))
            return np.mean(p), p[k], None, chance

        self.rows(t, line)
