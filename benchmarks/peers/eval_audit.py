# SPDX-License-Identifier: Apache-2.0
# Computes a report again with scikit-learn, scipy, statsmodels, hmeasure and LightGBM from the rows that it was
# made from, and compares every number of report.json.
#
#   assay evaluate --model BUNDLE --data later.csv --train loans.csv --out report --rows rows
#   python benchmarks/peers/eval_audit.py --report report/report.json --rows rows --model BUNDLE
#
# Each number is either compared here (to 1e-7; ends of bootstrap intervals to the error of 500 resamples) or listed
# in NOT_COMPUTED with the reason. The audit fails on a number that is in neither, and on one that differs.
# Packages: benchmarks/peers/requirements-tests.txt.
import argparse
import json
import re
import sys
from pathlib import Path

from audit_figures import figures
from audit_metrics import metrics
from audit_rows import Rows
from audit_tables import tables

# Patterns of paths of numbers that are not computed again, and why.
NOT_COMPUTED = [
    (r"figure:[^:]*:reference", "a line to compare with: its ends are those of the axis or a threshold"),
    (r"figure:[^:]*:axis", "the bounds of an axis"),
    (r"verdict:.*:least", "a threshold, stated in docs/reports.md"),
    (r"table:Scorecard:|table:Rules of the single tree:",
     "a challenger in full: the tests of models/baseline check it"),
    (r"table:Calibration methods:",
     "folds are dealt by a hash of the rows; models/testdata/calibration.py checks the fits"),
    (r"table:Noise and loss.*:[1-4]$", "drawn noise: the next column has the spread over draws"),
    (r"figure:noise:.*:y:[1-9]", "drawn noise, the mean of five draws"),
    (r"table:Wrong labels:[1-9]", "drawn labels, the mean of five draws"),
    (r"table:Evasion:", "restated applications go through the plan: TestEvasionByHand computes them by hand"),
    (r"table:Exclusions:", "rows that were left out are not among the rows"),
    (r"table:Data quality by variable:.*:9$", "what cleaning changed is not in the rows: they hold what the model saw"),
    (r"table:Backtest|figure:backtest|metric:backtest",
     "models trained for a period are not kept; their figures are those of the same functions"),
    (r"table:(Reason codes|Correlated groups):",
     "counts of the reasons that replies give, joined by the codes of the plan; numbers of groups"),
    (r"metric:training_outcomes_known_later", "times of training outcomes are not in the rows"),
    (r"table:Sensitivity to the declined:",
     "declined applications are not in the rows: models/eval/report/testdata/golden_tables.py"),
    (r"table:(Strategy before and after|Decisions before and after|Swap set of the policies):",
     "the policy before is not in the rows: TestStrategiesByHand"),
    (r"table:Effect of training with noise:", "drawn noise"),
]


def leaves(report):
    """Every number of the report with its path."""
    out = {}

    def put(path, v):
        if isinstance(v, (int, float)) and not isinstance(v, bool):
            out[path] = float(v)

    for k in ("auc", "gini", "ks", "brier", "logloss", "n", "bad_rate"):
        put(f"top:{k}", report[k])
    for m in report["metrics"]:
        for k, v in m.items():
            put(f"metric:{m['name']}:{k}", v)
    for v in report["verdicts"]:
        for k, x in v["grounds"].items():
            put(f"verdict:{v['question']}:{'least' if k.startswith('least') else k}", x)
    for s in report["sections"]:
        for b in s.get("blocks") or []:
            if t := b.get("table"):
                for i, row in enumerate(t["rows"]):
                    for j, x in enumerate(row):
                        put(f"table:{t['title']}:{i}:{j}", x)
            if f := b.get("figure"):
                for axis in ("x", "y"):
                    for k, x in f[axis].items():
                        put(f"figure:{f['id']}:axis:{axis}:{k}", x)
                for n, series in enumerate(f["series"]):
                    kind = "reference" if series["mark"] == "reference" else str(n)
                    for k in ("x", "y", "low", "high"):
                        for i, x in enumerate(series.get(k) or []):
                            put(f"figure:{f['id']}:{kind}:{k}:{i}" + (f":{n}" if kind == "reference" else ""), x)
    return out


class Audit:
    """Compares numbers by their path and remembers which it has seen."""

    def __init__(self, report):
        self.values, self.seen, self.wrong = leaves(report), {}, []

    def check(self, path, want, tolerance=1e-7, why="computed"):
        if path not in self.values:  # null, or a text
            if want is not None and want == want and path.split(":")[0] != "table":
                self.wrong.append(f"{path}: null in the report, {want!r} here")
            return
        got = self.values[path]
        self.seen[path] = why
        if want is None or want != want or not abs(got - want) <= tolerance * max(1, abs(want)):
            self.wrong.append(f"{path}: {got!r} in the report, {want!r} here")

    def finish(self):
        reasons = {}
        for path in self.values:
            if path in self.seen:
                continue
            for pattern, why in NOT_COMPUTED:
                if re.search(pattern, path):
                    reasons[why] = reasons.get(why, 0) + 1
                    break
            else:
                self.wrong.append(f"{path}: neither computed here nor listed with a reason")
        print(f"{len(self.seen)} of {len(self.values)} numbers computed again, {len(self.wrong)} wrong")
        for why, n in sorted(reasons.items()):
            print(f"  {n} not computed: {why}")
        for line in self.wrong[:40]:
            print("WRONG", line)
        return 1 if self.wrong else 0


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--report", required=True)
    p.add_argument("--rows", required=True)
    p.add_argument("--model", required=True)
    p.add_argument("--profit", type=float, default=1.0)
    p.add_argument("--loss", type=float, default=5.0)
    a = p.parse_args()
    report = json.loads(Path(a.report).read_text())
    rows = Rows(Path(a.rows), Path(a.model), a.profit, a.loss)
    audit = Audit(report)
    metrics(audit, report, rows)
    tables(audit, report, rows)
    figures(audit, report, rows)
    sys.exit(audit.finish())


if __name__ == "__main__":
    main()
