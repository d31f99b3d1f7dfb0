// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"io"

	"github.com/assayrisk/assay/training"

	"github.com/spf13/cobra"

	"github.com/assayrisk/assay/models/interchange"
)

func exportCommand(u *ui) *cobra.Command {
	var model, to, out string
	c := &cobra.Command{
		Use:     "export --model BUNDLE --to lightgbm --out model.txt",
		Short:   "Write a bundle's forest in a foreign format",
		Example: "  assay export --model bundle --to lightgbm --out model.txt",
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := required(c, "model", "out"); err != nil {
				return err
			}
			return export(c.Context(), u, model, to, out)
		},
	}
	c.Flags().StringVar(&model, "model", "", "bundle to read")
	c.Flags().StringVar(&to, "to", "lightgbm", "format: lightgbm")
	c.Flags().StringVar(&out, "out", "", "file to write, - for standard output")
	return c
}

func export(_ context.Context, u *ui, model, to, out string) error {
	if to != "lightgbm" {
		return usagef("--to %s: the format that can be written is lightgbm", to)
	}
	s, err := training.OpenScorer(model)
	if err != nil {
		return err
	}
	return writeFile(u, out, func(w io.Writer) error { return interchange.WriteLightGBM(w, s.Bundle.Model) })
}
