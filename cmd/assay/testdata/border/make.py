# SPDX-License-Identifier: Apache-2.0
"""Writes a thousand made-up applications in the ways in which libraries and
people write tables, and vectors.csv: the vector of each row under plan.yaml,
computed here. TestBorder reads them all.

    python make.py        # pandas 2.3, polars 2.1, duckdb 2.0, pyarrow 26, openpyxl 3.1
"""
import csv
import datetime
import gzip
import random
from decimal import Decimal

import duckdb
import openpyxl
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

N = 1000
r = random.Random(16)
rows = []
for i in range(N):
    amount = Decimal(r.randrange(1, 40_000_000)) / 100
    income = None if i % 7 == 3 else r.randrange(800, 9000)
    rate = round(r.random() / 3, 12)
    job = None if i % 11 == 5 else r.choice(["fixed", "freelance", "partime, other", "größer"])
    country = r.choice(["DE", "FR", "NA", "IT"])  # NA is Namibia
    owner = r.random() < 0.5
    branch = None if i % 13 == 4 else r.randrange(1, 10)
    opened = datetime.date(1995, 1, 1) + datetime.timedelta(days=r.randrange(11000))
    bad = int(r.random() < (0.1 + 0.3 * (amount > 200_000) + 0.3 * (not owner)))
    rows.append((amount, income, rate, job, country, owner, branch, opened, bad))
NAMES = ["Amount", "Income", "Rate", "Job", "Country", "Owner", "Branch", "Opened", "target"]
columns = {n: [row[i] for row in rows] for i, n in enumerate(NAMES)}


def write(path, head, lines, encoding="utf-8", packed=False, **how):
    with (gzip.GzipFile(path, "wb", mtime=0) if packed else open(path, "wb")) as f:
        import io

        out = io.StringIO()
        w = csv.writer(out, **how)
        w.writerow(head)
        w.writerows(lines)
        f.write(out.getvalue().encode(encoding))


def vectors():
    def codes(name, text=str):
        known = sorted({text(v).encode() for v in columns[name] if v is not None})
        return ["nan" if v is None else float(known.index(text(v).encode())).hex() for v in columns[name]]

    out = [
        [float(v).hex() for v in columns["Amount"]],
        ["nan" if v is None else float(v).hex() for v in columns["Income"]],
        [float(v).hex() for v in columns["Rate"]],
        codes("Job"),
        codes("Country"),
        [float(v).hex() for v in columns["Owner"]],
        codes("Branch"),
        [float(v.month).hex() for v in columns["Opened"]],
    ]
    write("vectors.csv", NAMES[:7] + ["month"], zip(*out), lineterminator="\n")


def texts():
    frame = pd.DataFrame({**columns, "Amount": [float(v) for v in columns["Amount"]]})
    frame["Income"] = frame["Income"].astype(float)  # gaps make 3 of 3.0
    frame["Branch"] = frame["Branch"].astype(float)
    frame.to_csv("pandas.csv", index=False)

    def german(x, places):
        s = f"{x:,.{places}f}"
        return s.translate(str.maketrans(",.", ".,"))

    none = lambda v: "" if v is None else v
    excel = [[german(a, 2), none(i), repr(x).replace(".", ",") if "e" not in repr(x) else f"{x:.16f}".replace(".", ","),
              none(j), c, str(o).upper(), none(b), d, y]
             for a, i, x, j, c, o, b, d, y in rows]
    with open("excel.csv", "wb") as f:
        import io

        out = io.StringIO()
        out.write("sep=;\r\n")
        w = csv.writer(out, delimiter=";", lineterminator="\r\n")
        w.writerow(NAMES)
        w.writerows(excel)
        f.write(b"\xef\xbb\xbf" + out.getvalue().encode())
    tabs = [[f"{a:,.2f}", none(i), repr(x), none(j), c, str(o).lower(), none(b), d, y]
            for a, i, x, j, c, o, b, d, y in rows]
    write("tabs.txt", NAMES, tabs, encoding="utf-16", delimiter="\t", lineterminator="\r\n")
    names = [[k + 1, str(a), "NA" if i is None else i, repr(x), none(j), c, str(o).upper(), none(b), d, y]
             for k, (a, i, x, j, c, o, b, d, y) in enumerate(rows)]
    write("r.csv.gz", [""] + NAMES, names, packed=True, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    frame["Amount"] = columns["Amount"]


def sheet():
    book = openpyxl.Workbook()
    s = book.active
    s.append(NAMES)
    for row in rows:
        s.append([float(v) if isinstance(v, Decimal) else v for v in row])
    book.save("book.xlsx")


def tables():
    frame = pd.DataFrame({**columns, "Amount": [float(v) for v in columns["Amount"]]})
    frame["Income"] = frame["Income"].astype(float)
    frame["Branch"] = frame["Branch"].astype("float64")
    frame["Opened"] = pd.to_datetime(frame["Opened"])
    frame.set_index(pd.Index([7 * i % N for i in range(N)])).to_parquet("pandas.parquet")
    p = pl.DataFrame(columns, strict=False).with_columns(
        pl.col("Amount").cast(pl.Decimal(12, 2)), pl.col("Job").cast(pl.Categorical), pl.col("Branch").cast(pl.Int8),
        pl.col("Income").cast(pl.Int32)
    )
    p.write_parquet("polars.parquet")
    p.with_columns(pl.col("Job").cast(pl.String)).write_ipc("polars.arrow", compression="zstd")
    arrow = pa.table({
        "Amount": pa.array(columns["Amount"], pa.decimal128(38, 18)), "Income": pa.array(columns["Income"], pa.int64()),
        "Rate": pa.array(columns["Rate"]),
        "Job": pa.array(columns["Job"]), "Country": pa.array(columns["Country"]), "Owner": pa.array(columns["Owner"]),
        "Branch": pa.array([None if b is None else Decimal(b) for b in columns["Branch"]], pa.decimal128(38, 18)),
        "Opened": pa.array([datetime.datetime(d.year, d.month, d.day) for d in columns["Opened"]], pa.timestamp("ns")),
        "target": pa.array(columns["target"], pa.int32()),
    })
    spark = dict(compression="snappy", use_deprecated_int96_timestamps=True, version="1.0")
    pq.write_table(arrow, "spark.parquet", **spark)
    pq.write_table(arrow.rename_columns([n.lower() for n in NAMES]), "lower.parquet", **spark)
    coded = arrow.set_column(3, "Job", arrow["Job"].dictionary_encode())
    coded = coded.set_column(4, "Country", arrow["Country"].cast(pa.large_string()))
    coded = coded.set_column(0, "Amount", pa.array(columns["Amount"], pa.decimal256(50, 2)))
    with pa.ipc.new_stream("pyarrow.arrows", coded.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as w:
        w.write_table(coded, max_chunksize=300)
    duckdb.sql("set threads to 1")
    duckdb.register("t", arrow)
    duckdb.sql("""copy (select Amount::decimal(18, 2) as Amount, Income::integer as Income, Rate, Job, Country, Owner,
                  Branch::decimal(4, 0) as Branch, Opened::date as Opened, target from t)
                  to 'duckdb.parquet' (format parquet, compression zstd)""")


vectors()
texts()
sheet()
tables()
