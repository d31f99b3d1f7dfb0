// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/spf13/cobra"
)

// noWeight is the value of --weight that has every row count once, whatever the
// model was trained with.
const noWeight = "none"

// registerWeight adds --weight.
func (f *tableFlags) registerWeight(c *cobra.Command, without string) {
	c.Flags().StringVar(&f.weight, "weight", "",
		"column of numbers above 0 that says how many rows a row counts for, as after sampling (default: "+without+")")
}
