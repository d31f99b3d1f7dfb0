// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/datasets"
	"github.com/assayrisk/assay/datasets/scf"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/internal/numfmt"
)

func dataCommand(u *ui) *cobra.Command {
	c := &cobra.Command{
		Use:   "data list|fetch|synth",
		Short: "Public data sets, and a synthetic world",
		Args:  noArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(&cobra.Command{
		Use:   "list",
		Short: "The data sets known by name",
		Args:  noArgs,
		RunE: func(*cobra.Command, []string) error {
			w := tabwriter.NewWriter(u.out, 0, 4, 2, ' ', 0)
			fmt.Fprintln(w, "NAME\tROWS\tFEATURES\tLICENCE\tHERE\tTITLE")
			for _, s := range datasets.List() {
				here := "fetch"
				if s.Embedded {
					here = "embedded"
				}
				fmt.Fprintf(w, "%s\t%d\t%d\t%s\t%s\t%s\n", s.Name, s.Rows, s.Features, s.Licence, here, s.Title)
			}
			return w.Flush()
		},
	})
	c.AddCommand(fetchCommand(u), synthCommand(u))
	return c
}

func synthCommand(u *ui) *cobra.Command {
	var rows int
	var seed uint64
	var out string
	c := &cobra.Command{
		Use:   "synth scf --out DIR",
		Short: "Generate a supply-chain-finance event log whose true default probability is known",
		Long: "Synth writes events.parquet (orders, receipts, invoices, applications, payments, disputes,\n" +
			"credit notes, defaults, a sector index), truth.csv (the true probability of each\n" +
			"application and the planted frauds) and plan.yaml. Everything in it is synthetic.",
		Example: "  assay data synth scf --rows 100000 --seed 1 --out world",
		Args:    oneArg("the name of the world: scf"),
		RunE: func(c *cobra.Command, args []string) error {
			if args[0] != "scf" {
				return usagef("there is no world %q; the one there is is scf", args[0])
			}
			if rows < 100 || rows > 100_000_000 {
				return usagef("--rows %d: want 100 to 100000000", rows)
			}
			if err := requireFlags(c, "out"); err != nil {
				return err
			}
			return synth(c.Context(), u, rows, seed, out)
		},
	}
	c.Flags().IntVar(&rows, "rows", 100_000, "events to generate")
	c.Flags().Uint64Var(&seed, "seed", 1, "the same seed gives the same bytes")
	c.Flags().StringVar(&out, "out", "", "directory to write to")
	return c
}

func synth(ctx context.Context, u *ui, rows int, seed uint64, out string) error {
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	spec, err := features.ParseSpec(scf.Plan())
	if err != nil {
		return err
	}
	u.Step("generate %d synthetic events", rows)
	w := scf.New(scf.Config{Seed: seed, Events: rows})
	rec, err := features.EventTable(spec, func(yield func(*assay.Event) bool) {
		n := 0
		for e := range w.Events() {
			if n++; n&0xfff == 0 && ctx.Err() != nil || !yield(e) {
				return
			}
		}
	})
	if err := errors.Join(err, ctx.Err()); err != nil {
		return err
	}
	defer rec.Release()
	truths := w.Truths()
	for name, write := range map[string]func(io.Writer) error{
		"events.parquet": func(f io.Writer) error { return datasets.WriteParquet(f, rec) },
		"truth.csv":      func(f io.Writer) error { return writeTruth(f, truths) },
		"plan.yaml":      func(f io.Writer) error { _, err := f.Write(scf.Plan()); return err },
	} {
		if err := writeFile(u, filepath.Join(out, name), write); err != nil {
			return err
		}
	}
	u.Done("%d applications", len(truths))
	best, oracle := scf.BestAUC(truths)
	bad, fraud := 0, 0
	for _, t := range truths {
		if t.Default {
			bad++
		}
		if t.Fraud != "" {
			fraud++
		}
	}
	u.printf("synthetic: %d events, %d applications, %s default, %d planted frauds\n", rec.NumRows(), len(truths),
		numfmt.Share(float64(bad)/float64(max(len(truths), 1))), fraud)
	u.printf("best AUC that the visible events allow: %.4f (with the hidden shock known: %.4f)\n", best, oracle)
	return nil
}

func writeTruth(w io.Writer, truths []scf.Truth) error {
	cw := csv.NewWriter(w)
	rec := []string{"id", "time_us", "visible_log_odds", "pd", "default", "fraud"}
	for i := range truths {
		if err := cw.Write(rec); err != nil {
			return err
		}
		t := &truths[i]
		rec = append(rec[:0], t.ID, strconv.FormatInt(t.Micros, 10), number(t.Visible), number(t.PD),
			strconv.FormatBool(t.Default), t.Fraud)
	}
	if err := cw.Write(rec); err != nil {
		return err
	}
	cw.Flush()
	return cw.Error()
}

type fetchFlags struct {
	url, sha256, dir string
}

func fetchCommand(u *ui) *cobra.Command {
	var f fetchFlags
	c := &cobra.Command{
		Use:   "fetch NAME",
		Short: "Put a data set on disk: a known one, or any file that a SHA-256 pins",
		Long: "Fetch writes a data set that this program knows to a file. With --url and --sha256 it\n" +
			"downloads any other, under a name of your own; connection errors and answers 429 and 5xx\n" +
			"are tried again, and bytes with another digest are never kept. It prints the file's path,\n" +
			"which --data takes.",
		Example: "  assay data fetch credit_data --dir .\n" +
			"  assay data fetch german --url https://example.org/german.csv --sha256 2c76...ef7e",
		Args: oneArg("the data set's name"),
		RunE: func(c *cobra.Command, args []string) error { return f.run(c.Context(), u, args[0]) },
	}
	c.Flags().StringVar(&f.url, "url", "", "where the file is, http or https")
	c.Flags().StringVar(&f.sha256, "sha256", "", "digest that the file must have, 64 hexadecimal digits")
	c.Flags().StringVar(&f.dir, "dir", "", "directory to put it in (default: assay in the user's cache directory)")
	return c
}

func (f *fetchFlags) run(ctx context.Context, u *ui, name string) error {
	info, known := datasets.Info{Name: name, URL: f.url}, false
	for _, s := range datasets.List() {
		if s.Name == name {
			info, known = s, true
		}
	}
	switch {
	case known && f.url+f.sha256 != "":
		return usagef("%s is known, with its digest: leave out --url and --sha256", name)
	case !known && (f.url == "" || f.sha256 == ""):
		return usagef("%s is not a known set (assay data list): give --url and --sha256, the digest that its "+
			"publisher states", name)
	case !known:
		var err error
		if info.SHA256, err = assay.ParseDigest(f.sha256); err != nil {
			return usagef("--sha256: %v", err)
		}
	}
	u.Step("fetch %s", name)
	path, err := datasets.Fetch(ctx, info, datasets.FetchOptions{Dir: f.dir, Progress: func(got, all int64) {
		if all > 0 {
			u.Progress("%d of %d KiB", got>>10, all>>10)
		} else {
			u.Progress("%d KiB", got>>10)
		}
	}})
	if err != nil {
		return err
	}
	u.Done("SHA-256 %s", info.SHA256)
	u.printf("%s\n", path)
	return nil
}
