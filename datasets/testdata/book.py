# SPDX-License-Identifier: Apache-2.0
"""Writes book.xlsx (one sheet of cells and an empty one), sheets.xlsx (two with
cells), formula.xlsx (a formula that nobody has computed) and rows.csv.bz2.

    python book.py        # openpyxl 3.1
"""
import bz2
import datetime

import openpyxl

book = openpyxl.Workbook()
s = book.active
s.title = "loans"
s.append([])
s.append(["code", "amount", "owner", "opened", "at", "rate", "note", "target"])
s.append(["01234", 0.1 + 0.7, True, datetime.date(2026, 3, 1), datetime.datetime(2026, 3, 1, 12, 30), 0.125, "a", 1])
s.append(["7", 1234.56, False, datetime.date(1999, 12, 31), datetime.datetime(1999, 12, 31, 23, 59, 59), 0.07, None, 0])
s.append([])
s.append(["x", "#N/A", True, None, None, 1, "b", 1])
s["F3"].number_format = "0%"
s["B4"].number_format = "#,##0 [$EUR]"  # shown as 1,235 EUR
book.create_sheet("empty")
book.save("book.xlsx")
book["empty"].append(["other"])
book.save("sheets.xlsx")
book = openpyxl.Workbook()
book.active.append(["a", "b"])
book.active.append([1, "=A2*2"])
book.save("formula.xlsx")
with open("rows.csv.bz2", "wb") as f:
    f.write(bz2.compress(b"x,s\n1.5,a\n2.5,b\n"))
