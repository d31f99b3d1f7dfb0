# SPDX-License-Identifier: Apache-2.0
"""Makes invoices_sample.csv, a log of 420 invented invoices of 12 customers, and
invoices_sample_history.csv, what each customer's earlier invoices say when a new
one is issued: read from the whole table anew for each invoice, in plain Python.

    python3 make_invoices.py        writes both next to this file
"""
import csv
import datetime
import math
import pathlib
import random

HERE = pathlib.Path(__file__).parent
DAY = datetime.timedelta(days=1)


def text(day):
    return f"{day.month}/{day.day}/{day.year}"


def invoices():
    draw = random.Random(20261201)
    customers = [f"C-{n:02d}" for n in range(12)]
    slow = {c: draw.uniform(-8, 12) for c in customers}
    for n in range(420):
        customer = draw.choice(customers)
        issued = datetime.date(2024, 1, 2) + draw.randrange(600) * DAY
        due = issued + 30 * DAY
        settled = max(issued, due + round(draw.gauss(slow[customer], 9)) * DAY)
        yield {
            "customerID": customer, "invoiceNumber": f"{n:06d}", "InvoiceDate": issued, "DueDate": due,
            "InvoiceAmount": round(math.exp(draw.gauss(4, 0.6)), 2), "Disputed": draw.choice(["No", "No", "No", "Yes"]),
            "SettledDate": settled, "PaperlessBill": draw.choice(["Paper", "Electronic"]),
            "DaysToSettle": (settled - issued).days, "DaysLate": max(0, (settled - due).days),
        }


def history(invoice, log):
    """What was known in the morning of the day on which an invoice is issued."""
    mine = [x for x in log if x["customerID"] == invoice["customerID"]]
    issued = [x for x in mine if x["InvoiceDate"] < invoice["InvoiceDate"]]
    paid = [x for x in mine if x["SettledDate"] < invoice["InvoiceDate"]]
    late = [x for x in paid if x["DaysLate"] > 0]

    def share(some):
        return len(some) / len(paid) if paid else None

    def mean(column):
        return math.fsum(x[column] for x in paid) / len(paid) if paid else None

    return {
        "prior_paid": len(paid), "prior_late": len(late), "prior_late_ratio": share(late),
        "prior_avg_days_late": mean("DaysLate"), "prior_avg_days_to_settle": mean("DaysToSettle"),
        "prior_disputed_ratio": share([x for x in paid if x["Disputed"] == "Yes"]),
        "outstanding_n": len(issued) - len(paid),
        "outstanding_amt": round(math.fsum(x["InvoiceAmount"] for x in issued)
                                 - math.fsum(x["InvoiceAmount"] for x in paid), 2),
    }


def write(name, rows):
    with open(HERE / name, "w", newline="") as f:
        out = csv.DictWriter(f, list(rows[0]), lineterminator="\n")
        out.writeheader()
        for r in rows:
            out.writerow({k: text(v) if isinstance(v, datetime.date) else v for k, v in r.items()})


log = list(invoices())
write("invoices_sample.csv", log)
write("invoices_sample_history.csv", [{
    "invoice_date": x["InvoiceDate"], "customer": x["customerID"], "amount": x["InvoiceAmount"],
    "inv_month": x["InvoiceDate"].month, **history(x, log)} for x in log])
