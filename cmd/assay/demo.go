// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/cmd/internal/node"
	"github.com/assayrisk/assay/datasets"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/internal/numfmt"
	"github.com/assayrisk/assay/ledger/anchor"
	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/models/eval/report/document"
	"github.com/assayrisk/assay/serving/assayclient"
	"github.com/assayrisk/assay/serving/policy"
	"github.com/assayrisk/assay/training"
)

// demoParams were chosen on five folds of the training and validation rows of
// credit_data, never on its test rows: see docs/decisions/0004.
const demoParams = "num_iterations=500,learning_rate=0.03,num_leaves=7,min_data_in_leaf=50,lambda_l2=20," +
	"feature_fraction=0.4,bagging_fraction=0.7,bagging_freq=1,seed=1"

type demoFlags struct {
	dir, listen string
	keep, json  bool
}

func demoCommand(u *ui) *cobra.Command {
	var f demoFlags
	c := &cobra.Command{
		Use:   "demo",
		Short: "Train, evaluate, serve, anchor and verify on real data",
		Long: "Demo runs the whole way on 4,454 real consumer loans: it trains a model, evaluates it on\n" +
			"rows held out, scores those rows over gRPC, makes each decision durable, anchors the log\n" +
			"to a chain, and verifies every receipt. It leaves everything in --dir.",
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return f.run(c.Context(), u) },
	}
	c.Flags().StringVar(&f.dir, "dir", "assay-demo", "directory that it works in")
	c.Flags().StringVar(&f.listen, "listen", "127.0.0.1:0", "loopback address of the server")
	c.Flags().BoolVar(&f.keep, "keep", false, "go on serving until stopped")
	c.Flags().BoolVar(&f.json, "json", false, "print one JSON object instead of text")
	return c
}

// demoSummary is what `assay demo --json` prints. Its keys are stable.
type demoSummary struct {
	RowsTrain        int     `json:"rows_train"`
	RowsTest         int     `json:"rows_test"`
	AUC              float64 `json:"auc"`
	AUCBaseline      float64 `json:"auc_baseline"`
	KS               float64 `json:"ks"`
	Brier            float64 `json:"brier"`
	LogLoss          float64 `json:"logloss"`
	Decisions        int     `json:"decisions"`
	ReceiptsVerified int     `json:"receipts_verified"`
	TamperedRefused  int     `json:"tampered_refused"`
	CheckpointSize   uint64  `json:"checkpoint_size"`
	AnchorTx         string  `json:"anchor_tx"`
	ChainID          uint64  `json:"chain_id"`
	Seconds          float64 `json:"seconds"`
}

// demo carries what the steps hand on.
type demo struct {
	*ui
	flags demoFlags
	dir   string

	table       *training.Table
	train, test training.Subset
	scorer      *training.Scorer
	outOfFold   []float64 // margins of the training rows
	node        *node.Node
	client      *assayclient.Client
	decisions   []*assayclient.Decision // by test row
	receipts    []*assay.Receipt
	anchored    anchor.Anchored
	refusals    []refusal // of the forgeries
	report      *document.Report
	sum         demoSummary
}

func (f *demoFlags) run(ctx context.Context, u *ui) error {
	start := time.Now()
	d := &demo{ui: u, flags: *f, dir: f.dir}
	if err := d.prepare(ctx); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{d.load, d.model} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	l, err := net.Listen("tcp", f.listen)
	if err != nil {
		return err
	}
	u.Step("open the journal, the chain and the server")
	if d.node, err = openNode(ctx, d.dir, d.scorer.Bundle, l, time.Minute, nil); err != nil {
		return errors.Join(err, l.Close())
	}
	nctx, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- d.node.Run(nctx) }()
	err = d.serveAndProve(ctx, l.Addr().String())
	if err == nil {
		d.sum.Seconds = time.Since(start).Seconds()
		if f.json {
			err = u.json(d.sum)
		} else {
			d.print(l.Addr().String())
		}
	}
	if err == nil && f.keep {
		u.Note("serving on %s until stopped (Ctrl-C)", l.Addr())
		select {
		case <-ctx.Done():
		case err := <-done:
			return err
		}
	}
	stop()
	return errors.Join(err, <-done)
}

// serveAndProve does what a platform, an auditor and a forger would do.
func (d *demo) serveAndProve(ctx context.Context, addr string) (err error) {
	d.Done("listening on %s, chain %d, contract %s", addr, d.node.Chain.Trust.ChainID, d.node.Chain.Trust.Contract)
	if d.client, err = assayclient.Dial(addr, assayclient.Config{LogKey: d.node.Journal.Key()}); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.client.Close()) }()
	for _, step := range []func(context.Context) error{d.score, d.anchor, d.fetch, d.tamper, d.evaluate} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// demoMark is a file that says that a directory was made by the demo and may
// be made anew.
const demoMark = ".assay-demo"

// prepare makes an empty working directory. An older demo's is replaced; any
// other directory is left alone. An older demo's journal may still be served: then nothing is touched.
func (d *demo) prepare(ctx context.Context) error {
	entries, err := os.ReadDir(d.dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if len(entries) > 0 {
		if _, err := os.Stat(filepath.Join(d.dir, demoMark)); err != nil {
			return fmt.Errorf("%s is not empty and was not made by the demo: name another directory with --dir", d.dir)
		}
		if _, err := os.Stat(filepath.Join(d.dir, "journal")); err == nil {
			_, end, err := openJournal(ctx, d.dir, new(ledgerParts))
			if errors.Is(err, node.ErrInUse) {
				return err
			}
			if err == nil {
				_ = end() // it is about to go
			}
		}
		if err := os.RemoveAll(d.dir); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(filepath.Join(d.dir, "receipts"), 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(d.dir, demoMark),
		[]byte("made by assay demo; it is replaced when the demo runs again\n"), 0o644)
}

// load reads credit_data and its published split.
func (d *demo) load(ctx context.Context) (err error) {
	d.Step("load credit_data, embedded: real consumer loans")
	if d.table, err = training.ReadTable(ctx, d.ui, "credit_data", datasets.Options{}); err != nil {
		return err
	}
	split, err := datasets.Split("credit_data")
	if err != nil {
		return err
	}
	d.train, d.test = training.Subset{Table: d.table}, training.Subset{Table: d.table}
	for i, s := range split {
		if s == "test" {
			d.test.Rows = append(d.test.Rows, i)
		} else {
			d.train.Rows = append(d.train.Rows, i)
		}
	}
	d.sum.RowsTrain, d.sum.RowsTest = len(d.train.Rows), len(d.test.Rows)
	d.Done("%d rows to train on, %d held out, %s bad", len(d.train.Rows), len(d.test.Rows),
		numfmt.Share(d.train.BadRate()))
	return nil
}

// demoRecipe is what the demo trains: the plan that ships with credit_data.
func demoRecipe() (*training.Recipe, error) {
	yaml, err := datasets.Plan("credit_data")
	if err != nil {
		return nil, err
	}
	r := &training.Recipe{Name: "credit_data", Calibrate: models.CalibrationPlatt, Folds: 5}
	if r.Params, err = training.ParseParams(demoParams); err != nil {
		return nil, err
	}
	if r.Spec, err = features.ParseSpec(yaml); err != nil {
		return nil, err
	}
	r.Policy = policy.Default()
	return r, nil
}

// model trains and writes the bundle.
func (d *demo) model(ctx context.Context) error {
	r, err := demoRecipe()
	if err != nil {
		return err
	}
	b, f, err := r.Build(ctx, d.ui, d.train, training.Subset{})
	if err != nil {
		return err
	}
	d.outOfFold = f.OutOfFold
	if err := training.WriteBundle(filepath.Join(d.dir, "bundle"), b); err != nil {
		return err
	}
	d.scorer, err = training.OpenScorer(filepath.Join(d.dir, "bundle"))
	return err
}
