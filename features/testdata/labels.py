# SPDX-License-Identifier: Apache-2.0
"""Writes labels.csv: an event log with the outcome of each application as DuckDB computes it.

    python labels.py        (pandas, duckdb)

An event comes after an application if its time is later, or the same and its row later. y is empty where the
outcome is not known: the log ends before the horizon of 10 days, or the application lacks its loan.
"""
import random

import duckdb
import pandas as pd

random.seed(18)
DAY = 86_400
rows = []
for i in range(600):
    day = random.randrange(0, 60)
    second = random.choice([0, 0, random.randrange(DAY)])  # many on the same instant, many at midnight
    kind = random.choice(["application", "application", "default", "payment", "visit"])
    loan = random.choice(["", "hot", "hot"] + [f"L{n}" for n in range(25)])
    rows.append((day * DAY + second, kind, loan))
rows.sort(key=lambda r: r[0])  # ties stay in random order
log = pd.DataFrame({"seq": range(len(rows)), "at": [r[0] for r in rows], "kind": [r[1] for r in rows],
                    "loan": [r[2] for r in rows]})
con = duckdb.connect()
con.register("log", log)
out = con.execute(f"""
    with a as (select * from log where kind = 'application'),
         z as (select max("at") as z from log where kind <> 'visit')
    select log.seq, strftime(to_timestamp(1700000000 - 1700000000 % {DAY} + log."at") at time zone 'UTC',
        '%Y-%m-%dT%H:%M:%SZ') as time, log.kind, log.loan,
      case when log.kind <> 'application' then null
           when log.loan = '' then null
           when log."at" + 10 * {DAY} > (select z from z) then null
           else (select case when count(*) > 0 then 1 else 0 end from log b
                 where b.kind = 'default' and b.loan = log.loan and b."at" <= log."at" + 10 * {DAY}
                   and (b."at" > log."at" or b."at" = log."at" and b.seq > log.seq)) end as y
    from log order by log.seq""").df()
out["y"] = out["y"].map(lambda y: "" if pd.isna(y) else str(int(y)))
out[["time", "kind", "loan", "y"]].to_csv("labels.csv", index=False)
print(out[out.kind == "application"].y.value_counts())
