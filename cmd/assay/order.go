// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/spf13/cobra"

	"github.com/assayrisk/assay/training"
)

func registerOrder(f *training.EventOrder, c *cobra.Command) {
	c.Flags().BoolVar(&f.Sort, "sort", false, "of an event log: put the rows in the order of their times first")
	c.Flags().BoolVar(&f.Keep, "keep-order", false,
		"of an event log: take rows that come later than the plan's lateness allows as a server does, in no window")
	c.MarkFlagsMutuallyExclusive("sort", "keep-order")
}
