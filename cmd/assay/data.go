// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/assayrisk/assay/datasets"
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
	return c
}
