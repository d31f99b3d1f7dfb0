// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/internal/numfmt"
	"github.com/assayrisk/assay/models/eval/report"
	"github.com/assayrisk/assay/models/eval/report/document"
	"github.com/assayrisk/assay/training/export"
)

type evaluateFlags struct {
	tableFlags
	model, train, out           string
	plan, params, since, before string
	rows                        string
	json, ablate, pdf, xlsx     bool

	purpose           string
	challengers       []string
	champion          string
	policy, against   string
	costs             costFlags
	declined          string
	segments, groups  []string
	movable           []string
	harden            bool
	periods           int
	server, serverCA  string
	record            bool
	decisions, ledger string
	parts             ledgerParts
	check, trust      string
}

func evaluateCommand(u *ui) *cobra.Command {
	var f evaluateFlags
	c := &cobra.Command{
		Use:   "evaluate --model BUNDLE --data F --out DIR",
		Short: "Evaluate a model on rows that it did not train on; write the report",
		Long: "Evaluate writes report.html (self-contained) and report.json. With --train, the rows\n" +
			"that trained the model, challengers are fitted on them, stability is measured against\n" +
			"them, and the recipe is trained again forward in time where rows have times; without,\n" +
			"challengers are fitted out of fold on the evaluated rows. With --ledger,\n" +
			"the report's digest becomes a record of that journal, and --check compares them later.\n" +
			"docs/reports.md explains every figure.",
		Example: "  assay evaluate --model bundle --data test.csv --train train.csv --out report\n" +
			"  assay evaluate --model bundle --data test.csv --policy new.yaml --against old.yaml --out report",
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if f.check != "" {
				return checkReport(u, f.check, f.trust)
			}
			if f.ablate && f.weight != "" {
				return usagef("--ablate counts every row once: leave out --weight")
			}
			if f.ablate {
				if err := requireFlags(c, "data", "plan"); err != nil {
					return err
				}
				return f.runAblate(c.Context(), u)
			}
			if err := requireFlags(c, "model", "data", "out"); err != nil {
				return err
			}
			if f.record && (f.server == "" || f.ledger != "") {
				return usagef("--record has the running server at --server record the report; --ledger names a " +
					"stopped one's directory: give one of the two")
			}
			return f.run(c.Context(), u)
		},
	}
	f.registerAll(c)
	return c
}

func (f *evaluateFlags) registerAll(c *cobra.Command) {
	fl := c.Flags()
	f.register(c, "rows that the model did not train on")
	f.registerLabel(c)
	f.registerTime(c)
	f.registerWeight(c, "that of the model's training where a table has it, \"none\" for every row once")
	fl.StringVar(&f.model, "model", "", "bundle to evaluate")
	fl.StringVar(&f.train, "train", "", "rows that trained the model")
	fl.StringVar(&f.since, "since", "", "judge rows decided on that day or time, or later")
	fl.StringVar(&f.before, "before", "", "train (--train, --ablate) on rows decided before that day or time")
	fl.StringVar(&f.out, "out", "", "directory of the report")
	fl.StringVar(&f.rows, "rows", "",
		"directory for rows.csv and train.csv: what the report is made from, for another program to compute it again")
	fl.BoolVar(&f.xlsx, "xlsx", false, "write report.xlsx too, an Excel workbook of all tables")
	fl.BoolVar(&f.pdf, "pdf", false, "print report.pdf too, through headless Chromium")
	fl.BoolVar(&f.json, "json", false, "print one JSON object instead of text")

	fl.StringVar(&f.purpose, "purpose", "",
		"what the model decides and for whom, a sentence for the report's first page")
	fl.StringArrayVar(&f.challengers, "challenger", nil, "bundle to compare with on the same rows (may be repeated)")
	fl.StringVar(&f.champion, "champion", "", "bundle in use today, for the swap set (default: the scorecard)")
	fl.StringVar(&f.policy, "policy", "", "policy to decide by, YAML (default: the bundle's)")
	fl.StringVar(&f.against, "against", "", "policy that it replaces, YAML: the strategy before and after")
	f.costs.register(c)
	fl.StringVar(&f.declined, "declined", "",
		"applications that were declined and have no outcome: a file, for reject inference")
	fl.StringSliceVar(&f.segments, "segment", nil,
		"columns that split the rows (default: the two most telling categories)")
	fl.StringSliceVar(&f.groups, "group", nil,
		"columns of the groups that fairness is measured for (default: the plan's sensitive fields); COLUMN=LEVEL "+
			"names the group that others are compared with (default: that of the highest approval rate)")
	fl.StringSliceVar(&f.movable, "movable", nil,
		"fields under the applicant's control, for evasion (default: all are tried)")
	fl.BoolVar(&f.harden, "harden", false, "with --train: train once more with noise added, and show what it does")
	fl.IntVar(&f.periods, "backtest", 4, "with --train: periods of the backtest forward in time, 0 for none")
	fl.StringVar(&f.server, "server", "",
		"address of a running server whose scores are compared (ASSAY_API_KEY is sent if it is set)")
	fl.StringVar(&f.serverCA, "server-ca", "",
		"PEM file of the authority that signed the server's certificate (default: plain text)")
	fl.BoolVar(&f.record, "record", false,
		"with --server: have the server record the report's digest in its log (role admin), and keep the receipt")
	fl.StringVar(&f.ledger, "ledger", "", "directory of a stopped server whose journal records the report's digest")
	f.parts.flags(fl, "with --ledger or --decisions: ")
	fl.StringVar(&f.check, "check", "", "instead of a report: directory of a recorded one, to compare with its receipt")
	fl.StringVar(&f.trust, "trust", "",
		"with --check: trust file of the log (default: trust.json in the directory or one up)")
	fl.StringVar(&f.decisions, "decisions", "", "directory of a stopped server whose past decisions are compared")

	fl.BoolVar(&f.ablate, "ablate", false,
		"instead of a report: train --plan with raw fields, derived features and windows, and compare")
	fl.StringVar(&f.plan, "plan", "", "with --ablate: the plan, YAML")
	fl.StringVar(&f.params, "params", "", "with --ablate: training parameters, k=v,...")
}

func (f *evaluateFlags) run(ctx context.Context, u *ui) error {
	e, err := f.gatherInput(ctx, u)
	if err != nil {
		return err
	}
	u.Step("evaluate on %d rows", len(e.Test.Rows))
	in, err := e.Input(ctx, u)
	if err != nil {
		return err
	}
	if f.rows != "" {
		if err := writeReportRows(f.rows, in); err != nil {
			return err
		}
		u.Done("wrote the rows to %s", f.rows)
	}
	var r *document.Report
	var seq *uint64
	switch {
	case f.ledger == "" && !f.record:
		r, err = f.buildReport(ctx, u, in)
	case f.record:
		seq = new(uint64)
		r, *seq, err = f.recordAtServer(ctx, u, e, in)
	default:
		seq = new(uint64)
		r, *seq, err = f.recordInJournal(ctx, u, e, in)
	}
	if err != nil {
		return err
	}
	sum, err := summarise(r)
	if err != nil {
		return err
	}
	sum.Sequence = seq
	if f.json {
		return u.json(sum)
	}
	f.print(u, r, &sum)
	return nil
}

// buildReport builds the report and writes its files.
func (f *evaluateFlags) buildReport(ctx context.Context, u *ui, in *report.Input) (*document.Report, error) {
	r, err := report.Build(ctx, *in)
	if err != nil {
		return nil, err
	}
	if err := writeReport(f.out, r); err != nil {
		return nil, err
	}
	page := filepath.Join(f.out, "report.html")
	u.Done("wrote %s", page)
	if f.xlsx {
		book := filepath.Join(f.out, "report.xlsx")
		if err := writeFile(nil, book, r.WriteXLSX); err != nil {
			return nil, err
		}
		u.Done("wrote %s", book)
	}
	if f.pdf {
		u.Step("print the report")
		pdf := filepath.Join(f.out, "report.pdf")
		if err := document.PDF(ctx, page, pdf); err != nil {
			return nil, err
		}
		u.Done("wrote %s", pdf)
	}
	return r, nil
}

// print shows the key figures.
func (f *evaluateFlags) print(u *ui, r *document.Report, sum *metricsSummary) {
	for _, line := range r.Headline {
		u.printf("%s\n", line)
	}
	u.printf("%-9s %d\n%-9s %s\n", "rows", sum.N, "bad rate", numfmt.Share(float64(sum.BadRate)))
	for _, m := range []string{"auc", "gini", "ks", "brier", "logloss"} {
		x, _ := r.Metric(m)
		u.printf("%-9s %s  (95 %%: %s to %s)\n", m, numfmt.Fixed4.Print(float64(x.Value)),
			numfmt.Fixed4.Print(float64(x.Low)), numfmt.Fixed4.Print(float64(x.High)))
	}
	u.printf("report    %s\n", filepath.Join(f.out, "report.html"))
	u.printf("digest    %s\n", sum.Digest)
	if sum.Sequence != nil {
		u.printf("sequence  %d\n", *sum.Sequence)
	}
}

func (f *evaluateFlags) times() (since, before time.Time, err error) {
	if since, err = parseTime("since", f.since); err == nil {
		before, err = parseTime("before", f.before)
	}
	return since, before, err
}

// metricsSummary is what --json prints of an evaluation. Its keys are stable;
// a figure that is not defined on the rows is null.
type metricsSummary struct {
	AUC      numfmt.Number `json:"auc"`
	Gini     numfmt.Number `json:"gini"`
	KS       numfmt.Number `json:"ks"`
	Brier    numfmt.Number `json:"brier"`
	LogLoss  numfmt.Number `json:"logloss"`
	N        int           `json:"n"`
	BadRate  numfmt.Number `json:"bad_rate"`
	Headline []string      `json:"headline"`
	Digest   assay.Digest  `json:"report_sha256"`      // of report.json
	Sequence *uint64       `json:"sequence,omitempty"` // of the journal's record of it
}

func summarise(r *document.Report) (metricsSummary, error) {
	d, err := r.Digest()
	return metricsSummary{
		AUC: r.AUC, Gini: r.Gini, KS: r.KS, Brier: r.Brier, LogLoss: r.LogLoss, N: r.N, BadRate: r.BadRate,
		Headline: r.Headline, Digest: assay.Digest(d),
	}, err
}

// writeReport writes report.html and report.json.
func writeReport(dir string, r *document.Report) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, write := range map[string]func(io.Writer) error{"report.html": r.WriteHTML, "report.json": r.WriteJSON} {
		if err := writeFile(nil, filepath.Join(dir, name), write); err != nil {
			return err
		}
	}
	return nil
}

// writeReportRows writes what a report is made from: rows.csv of the evaluated
// rows and, where they are known, train.csv of the training rows.
func writeReportRows(dir string, in *report.Input) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := writeFile(nil, filepath.Join(dir, "rows.csv"), export.EvaluatedRows(in).WriteCSV); err != nil {
		return err
	}
	train := export.TrainingRows(in)
	if train == nil {
		return nil
	}
	return writeFile(nil, filepath.Join(dir, "train.csv"), train.WriteCSV)
}
