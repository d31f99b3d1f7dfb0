# SPDX-License-Identifier: Apache-2.0
"""The windows and lookups of feature plans, computed again by SQL.

    twin.py cases.jsonl

Each line is a plan, the events of a log in the order in which they came, and the features over windows and tables that
package features computed for the scored ones. DuckDB computes every feature again, from the definitions in
docs/plan.md, as a join of each scored event with the events before it. Prints the differences and how many values were
compared; exits with 1 if there are differences.
"""
import json
import math
import sys

import duckdb
import pyarrow as pa

DAY = 86_400_000_000
UNITS = {"s": 10**6, "m": 60 * 10**6, "h": 3600 * 10**6, "d": DAY, "w": 7 * DAY}


def span(text):
    return int(text[:-1]) * UNITS[text[-1]] if text else 0


def hop(w):
    return span(w["hop"]) if w.get("hop") else max(span(w["length"]) // 30, 1)


def q(name):
    return '"' + name.replace('"', '""') + '"'


def s(text):
    return "'" + text.replace("'", "''") + "'"


class Range:
    """The bounds of a value whose window has more members, or samples, than it keeps; lack: it may be missing."""

    def __init__(self, low, high, lack):
        self.low, self.high, self.lack = low, high, lack

    def __str__(self):
        return f"{self.low} to {self.high}{' or missing' if self.lack else ''}"

    def holds(self, got):
        if got is None or isinstance(got, str):
            return got is not None or self.lack
        return all(abs(x) == math.inf or s * (got - x) >= -1e-9 * max(1.0, abs(x))
                   for s, x in ((1, self.low), (-1, self.high)))


class Case:
    def __init__(self, con, case):
        self.con, self.case, self.plan = con, case, case["plan"]
        self.fields = {f["name"]: f for f in self.plan["fields"]}
        self.derived = {d["name"]: d for d in self.plan.get("derived", [])}
        types = {"number": pa.float64(), "flag": pa.float64(), "text": pa.string(), "time": pa.int64()}
        columns = {"seq": pa.array(range(len(case["kind"])), pa.int64()), "kind": case["kind"],
                   "time": pa.array(case["time"], pa.int64())}
        for role in self.plan["entities"]:
            columns["role_" + role] = pa.array(case["roles"][role], pa.string())
        for name, f in self.fields.items():
            columns["field_" + name] = pa.array(case["fields"][name], types[f.get("kind", "number")])
        con.register("log", pa.table(columns))
        late = span(self.plan.get("lateness", ""))
        con.execute(f"""create or replace table E as select *, coalesce(before, time) as mark,
            before is not null and time < before - {late} as late
            from (select *, max(time) over (order by seq rows between unbounded preceding and 1 preceding) as before
                  from log)""")
        self.late = late

    def key(self, name):
        """A role or a text, null where there is none."""
        if name in self.plan["entities"]:
            return f"nullif({q('role_' + name)}, '')"
        return f"nullif({q('field_' + name)}, '')"

    def value(self, name):
        """A field as features read it, or a derived value."""
        if name == "event.time":
            return "time"
        if name in self.derived:
            return self.derive(self.derived[name])
        f, x = self.fields[name], q("field_" + name)
        lo, hi = f.get("min"), f.get("max")
        if f.get("outside") == "missing":
            return f"case when {x} < {lo} or {x} > {hi} then null else {x} end"
        if f.get("outside") == "clip":
            return f"case when {x} < {lo} then {lo}::double when {x} > {hi} then {hi}::double else {x} end"
        return x

    def derive(self, d):
        of = d["of"] if isinstance(d["of"], list) else [d["of"]]
        a = [f"({self.value(n)})" for n in of]
        x = {
            "ratio": lambda: f"{a[0]} / nullif({a[1]}, 0)",
            "difference": lambda: f"{a[0]} - {a[1]}",
            "product": lambda: f"{a[0]} * {a[1]}",
            "days_between": lambda: f"({a[1]} - {a[0]}) / {DAY}.0::double",
            "clip": lambda: f"case when {a[0]} is null then null else least(greatest({a[0]}, "
            f"{d['bounds'][0]}), {d['bounds'][1]}) end",
        }[d["kernel"]]()
        return f"({x})::double"

    def condition(self, w):
        name = w["field"]
        if name in self.fields and self.fields[name].get("kind") == "text":
            x = self.key(name)
        else:
            x = f"({self.value(name)})"
        out = []
        if "is" in w:
            out.append(f"{x} in ({', '.join(map(s, w['is']))})")
        if "not" in w:
            out.append(f"{x} not in ({', '.join(map(s, w['not']))})")
        for word, sign in (("above", ">"), ("below", "<"), ("at_least", ">="), ("at_most", "<=")):
            if word in w:
                out.append(f"{x} {sign} {w[word]}")
        if "missing" in w:
            out.append(f"{x} is {'' if w['missing'] else 'not '}null")
        return " and ".join(f"coalesce({c}, false)" for c in out)

    def pane(self, w):
        """SQL for the pane that an event falls into, as a number that rises with time."""
        if w.get("calendar"):
            local = f"timezone({s(w.get('zone', 'UTC'))}, make_timestamptz(time))"
            return f"epoch_us(date_trunc({s(w['calendar'])}, {local}))"
        return "0" if w["length"] == "all" else f"(time - ((time % {hop(w)}) + {hop(w)}) % {hop(w)})"

    def bounds(self, w):
        """SQL for the first and the last time (not included) that a scored event's window holds."""
        at = f"greatest(time, mark - {self.late})"
        if w.get("calendar"):
            unit, zone, n, off = w["calendar"], w.get("zone", "UTC"), int(w["length"]), int(w.get("offset", "0"))
            step = f"interval '{3 if unit == 'quarter' else 1} {'month' if unit == 'quarter' else unit}'"
            start = f"date_trunc({s(unit)}, timezone({s(zone)}, make_timestamptz({at})))"

            def utc(local):
                return f"epoch_us(timezone({s(zone)}, {local}))"

            low = utc(f"{start} - {off + n - 1} * {step}")
            return low, utc(f"{start} - {off - 1} * {step}") if off else "9223372036854775807"
        if w["length"] == "all":
            return "-9223372036854775807", "9223372036854775807"
        length, off = span(w["length"]), span(w.get("offset", ""))

        def floor(x):
            return f"({x} - ((({x}) % {hop(w)}) + {hop(w)}) % {hop(w)})"

        return floor(f"({at} - {length + off})"), floor(f"({at} - {off})") if off else "9223372036854775807"

    def join(self, w):
        """Table J: each scored event, with the events that its window holds."""
        fed = ["not late", "kind in (" + ", ".join(map(s, w["on"])) + ")"]
        value, member = w.get("value"), w.get("member")
        v = f"({self.value(value)})::double" if value else "1.0::double"
        m = self.key(member) if member else "null"
        fed += [f"{v} is not null"] if value else []
        fed += [f"{m} is not null"] if member else []
        keys = [self.key(k) for k in w["key"]]
        where = w.get("where", [])
        fed += [self.condition(c) for c in (where if isinstance(where, list) else [where])]
        low, high = self.bounds(w)
        names = [f"k{i}" for i in range(len(keys))]
        as_keys = ", ".join(f"{k} as {n}" for k, n in zip(keys, names))
        self.con.execute(f"""create or replace table F as
            select seq, time, {self.pane(w)} as pane, {v} as v, {m} as m, {as_keys}
            from E where {' and '.join(fed)}""")
        self.con.execute(f"""create or replace table R as
            select seq, time, greatest(time, mark - {self.late}) as clock, {low} as low, {high} as high, {as_keys}
            from E where kind = {s(self.plan.get('event', 'application'))}""")
        match = f"{' and '.join(f'r.{n} = e.{n}' for n in names)} and e.seq < r.seq and e.time >= r.low"
        # The limits of members and samples apply to all events since the window's beginning, also those after its end.
        since = self.con.execute(f"""select r.seq, count(e.seq), count(distinct e.m)
            from R r left join F e on {match} group by r.seq""").fetchall()
        self.since = {r: (n, m) for r, n, m in since}
        has = " and ".join(f"r.{n} is not null" for n in names)
        self.con.execute(f"""create or replace table J as
            select r.seq as r, r.time as rt, r.clock, {has} as has, e.seq as seq, e.time as t, e.pane, e.v, e.m,
                   row_number() over (partition by r.seq order by e.time desc, e.seq desc) as rank
            from R r left join F e on {match} and e.time < r.high""")
        self.match = match

    def surely(self, members):
        """By scored event: the total and count of each member in the latest panes with at most `members` members.

        These members are the most recent ones at any time since, and so are never forgotten. Nothing is promised of
        other members.
        """
        out = {}
        for r, m, v, n in self.con.execute(f"""
                with L as (select r.seq as r, e.m, max(e.pane) as last from R r join F e on {self.match} group by all),
                C as (select r, last, sum(count(*)) over (partition by r order by last desc) as n
                      from L group by r, last),
                P as (select r, max(last) as pane from C where n > {members} group by r)
                select r, m, fsum(v), count(*)
                from J join P using (r) where J.pane > P.pane group by r, m""").fetchall():
            out.setdefault(r, []).append((m, v, n))
        return out

    def window(self, w, features):
        self.join(w)
        half = span(w.get("half_life", "30d"))
        weight = f"pow(0.5, (greatest(clock, t1) - t) / {half}.0::double)"
        base = self.con.execute(f"""select r, any_value(has) as has, any_value(rt) as rt, count(seq) as n,
            coalesce(fsum(v), 0) as total, coalesce(fsum(abs(v)), 0) as size,
            avg(v) as mean, min(v) as low, max(v) as high, stddev_samp(v) as sd,
            count(distinct m) as members, min(t) as first, max(t) as last,
            arg_max(v, -rank) as latest, arg_max(v, rank) as earliest,
            arg_max(m, -rank) as latest_text, arg_max(m, rank) as earliest_text,
            least(min(v), 0) < 0 as negative, regr_slope(v, (t - t0) / {DAY}.0::double) as slope,
            sum({weight}) as weights, sum({weight} * v) as weighted, median(v) as median,
            list(v order by t desc, seq desc) filter (seq is not null) as values,
            list(t order by t desc, seq desc) filter (seq is not null) as times,
            coalesce(min(rank) filter (not v > 0) - 1, count(seq)) as streak
            from (select *, min(t) over (partition by r) as t0, max(t) over (partition by r) as t1 from J)
            group by r order by r""")
        names = [d[0] for d in base.description]
        rows = [dict(zip(names, row)) | {"ends": w.get("offset", "0") != "0"} for row in base.fetchall()]
        sums = {}
        if w.get("member"):
            # A tie-breaking total over members in any order: sums are compared within rounding.
            for r, m, v, n in self.con.execute("""select r, m, fsum(v), count(*)
                    from J where seq is not null group by r, m order by r, m""").fetchall():
                sums.setdefault(r, []).append((m, v, n))
        members, samples = w.get("members", 128), w.get("samples", 256)
        surely = self.surely(members) if w.get("member") and any(m > members for _, m in self.since.values()) else {}
        out = {}
        for f in features:
            out[f["name"]] = [(self.feature(f, row, sums.get(row["r"], []), surely.get(row["r"], []), members, samples),
                               tolerance(f["kernel"], row)) for row in rows]
        return out

    def lookup(self, f):
        """The wanted values of a feature over a table: from the key's latest row that begins at or before the event."""
        table = next(t for t in self.plan["lookups"] if t["name"] == f["table"])
        rows, beginning = table["rows"], "0001-01-01T00:00:00Z"
        self.con.register("rows", pa.table({
            "key": [r.get("key", "") for r in rows], "since": [r.get("from", beginning) for r in rows],
            "value": pa.array([r.get("value") for r in rows], pa.float64())}))
        self.con.execute("""create or replace table L as
            select key, epoch_us(since::timestamptz) as since, value from rows""")
        key = self.key(f["of"][0]) if f.get("of") else "''"
        scored = f"select seq, time, {key} as key from E where kind = {s(self.plan.get('event', 'application'))}"
        found = self.con.execute(f"""select value from ({scored}) e
            asof left join L on e.key = L.key and e.time >= L.since order by seq""").fetchall()
        return [x for (x,) in found]

    def feature(self, f, row, sums, surely, members, samples):
        """The wanted value, or a Range where only bounds are promised, or None for missing; ... where nothing is."""
        kernel, k = f["kernel"], f.get("k", 1)
        if not row["has"]:
            return None
        n, total = row["n"], row["total"]
        since, others = self.since[row["r"]]
        beyond = n > 0 and others > members
        # In a window that ends now, the latest event's member is always known.
        lack = row["ends"] and not surely
        values = row["values"] or []
        last = values[:k]
        days = lambda t: None if t is None else max(0.0, (row["rt"] - t) / DAY)
        if kernel in ("median", "quantile"):
            if since > samples or not n:
                return Range(row["low"], row["high"], True) if n else None
            if kernel == "median":
                return row["median"]
            return self.con.execute("select quantile_cont(x, ?) from unnest(?::double[]) as t(x)",
                                    [f["quantile"], values]).fetchall()[0][0]
        if kernel in ("distinct", "share", "top_share", "hhi", "entropy", "count_of", "share_of", "mode"):
            if kernel == "distinct":
                return ... if beyond else float(len(sums))
            if kernel in ("count_of", "share_of"):
                c, least = (float(sum(n for m, _, n in of if m in f["is"])) for of in (sums, surely))
                by = 1 if kernel == "count_of" else n
                if beyond:
                    return Range(least / by, c / by, lack)
                return c / by if by else None
            if kernel == "mode":
                best = sorted(sums, key=lambda x: -x[2])
                if beyond:
                    return Range(-math.inf, math.inf, lack)
                if len(best) > 1 and best[0][2] == best[1][2]:
                    return ...
                return best[0][0] if best else None
            if n and abs(total) <= 1e-9 * row["size"]:
                return ...  # its sign is rounding
            if not total > 0:
                return None
            parts, least = (sorted((v for _, v, _ in of), reverse=True) for of in (sums, surely))
            formula = {
                "share": lambda parts: max(parts, default=0.0) / total,
                "top_share": lambda parts: sum(parts[:k]) / total,
                "hhi": lambda parts: sum((p / total) ** 2 for p in parts),
                "entropy": lambda parts: None if parts[-1] < 0
                else -sum(p / total * math.log(p / total) for p in parts if p > 0),
            }[kernel]
            if kernel == "entropy" and any(0 < abs(p) <= 1e-9 * row["size"] for p in parts):
                return ...
            if beyond:
                if row["negative"]:
                    return Range(-math.inf, math.inf, lack or kernel == "entropy")
                if kernel == "entropy":
                    return Range(0.0, math.inf, lack)
                return Range(max(formula(least), formula([row["low"]])), formula(parts), lack)
            return formula(parts)
        return {
            "count": lambda: float(n), "window_sum": lambda: total, "mean": lambda: row["mean"],
            "min": lambda: row["low"], "max": lambda: row["high"],
            "std": lambda: row["sd"], "latest": lambda: row["latest"], "earliest": lambda: row["earliest"],
            "latest_text": lambda: row["latest_text"], "earliest_text": lambda: row["earliest_text"],
            "since_last": lambda: days(row["last"]), "age": lambda: days(row["first"]),
            "nth_latest": lambda: values[k - 1] if n >= k else None,
            "since_nth": lambda: days(row["times"][k - 1]) if n >= k else None,
            "change": lambda: values[0] - values[k] if n > k else None,
            "last_sum": lambda: math.fsum(last), "last_mean": lambda: math.fsum(last) / len(last) if last else None,
            "last_min": lambda: min(last) if last else None, "last_max": lambda: max(last) if last else None,
            "streak": lambda: float(min(row["streak"], k)) if n else 0.0,
            "slope": lambda: row["slope"] if n > 1 and row["first"] < row["last"] else None,
            "decayed_count": lambda: row["weights"] or 0.0, "decayed_sum": lambda: row["weighted"] or 0.0,
            "decayed_mean": lambda: row["weighted"] / row["weights"] if n else None,
        }[kernel]()


EXACT = {"count", "min", "max", "latest", "earliest", "latest_text", "earliest_text", "nth_latest", "change",
         "last_min", "last_max", "streak", "distinct", "count_of", "mode"}


def tolerance(kernel, row):
    """How far rounding in another order of addition may lead, beyond one part in 10^9 of the value."""
    if kernel in EXACT:
        return 0.0
    size = row["size"]
    if kernel == "slope" and row["n"] > 1 and row["first"] < row["last"]:
        return 1e-9 * (row["high"] - row["low"]) * DAY / (row["last"] - row["first"])
    if kernel in ("share", "top_share", "hhi", "entropy") and row["total"]:
        return 1e-9 + 1e-12 * (size / row["total"]) ** 2
    return 1e-12 * (size + row["n"])


def same(got, want, tolerance):
    if isinstance(want, Range):
        return want.holds(got)
    if got is None or want is None:
        return got is None and want is None
    if isinstance(want, str) or isinstance(got, str) or tolerance == 0:
        return got == want
    return abs(got - want) <= 1e-9 * abs(want) + tolerance


def main():
    con = duckdb.connect()
    con.execute("set threads = 1")
    con.execute("set timezone = 'UTC'")
    compared = skipped = different = plans = 0
    for line in open(sys.argv[1]):
        case = json.loads(line)
        plans += 1
        c = Case(con, case)
        wanted = [(w, c.window(w, [f for f in c.plan["features"] if f.get("window") == w["name"]]))
                  for w in c.plan.get("windows", [])]
        for table in c.plan.get("lookups", []):
            wanted.append((table,
                           {f["name"]: [(x, 0.0) for x in c.lookup(f)] for f in c.plan["features"]
                            if f.get("table") == table["name"]}))
        for source, values in wanted:
            for name, want in values.items():
                got = case["got"][name]
                texts = case["categories"].get(name)
                assert len(got) == len(want), (case["name"], name, len(got), len(want))
                for i, (g, (x, near)) in enumerate(zip(got, want)):
                    if texts is not None and g is not None:
                        g = texts[int(g)]
                        if isinstance(x, str) and x not in texts:
                            x = texts[-1]
                    if x is ...:
                        skipped += 1
                        continue
                    compared += 1
                    if not same(g, x, near):
                        different += 1
                        if different <= 20:
                            print(f"{case['name']}: {name} of scored event {i}: got {g}, SQL says {x}; "
                                  f"of {json.dumps(source)}")
    print(f"{plans} plans, {compared} values compared, {skipped} of which only an estimate is promised, "
          f"{different} differences")
    sys.exit(1 if different or not compared else 0)


main()
