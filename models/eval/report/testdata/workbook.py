# SPDX-License-Identifier: Apache-2.0
# Prints the title of each sheet of a report's workbook and its first number, as openpyxl reads them.
import json
import sys

import openpyxl

book = openpyxl.load_workbook(sys.argv[1])
out = []
for sheet in book:
    cells = [c for row in sheet.iter_rows(min_row=4) for c in row]
    assert not any(c.data_type == "f" for row in sheet for c in row), "a cell is a formula"
    out.append([sheet["A1"].value,
                next((float(c.value) for c in cells if c.data_type == "n" and c.value is not None), None)])
print(json.dumps(out))
