// SPDX-License-Identifier: Apache-2.0

package chart_test

import (
	"fmt"
	"strings"

	"github.com/assayrisk/assay/internal/chart"
	"github.com/assayrisk/assay/internal/numfmt"
)

// The cost of an operation against its size, both axes logarithmic, as a file.
func Example() {
	f := chart.Figure{
		ID: "cost", Title: "Scoring a table", Alt: "Seconds to score a table against its rows.",
		X: chart.Axis{Label: "rows", Log: true},
		Y: chart.Axis{Label: "seconds", Log: true},
		Series: []chart.Series{
			{Name: "one thread", Mark: chart.LinePoints, X: numfmt.Numbers([]float64{1e3, 1e4, 1e5, 1e6}),
				Y: numfmt.Numbers([]float64{0.002, 0.019, 0.18, 1.9})},
			{Name: "two threads", Mark: chart.LinePoints, X: numfmt.Numbers([]float64{1e3, 1e4, 1e5, 1e6}),
				Y: numfmt.Numbers([]float64{0.002, 0.011, 0.1, 1.05})},
		},
	}
	svg := string(f.Document())
	fmt.Println(svg[:44])
	for _, tick := range []string{">1k<", ">100k<", ">0.01<", ">1<"} {
		fmt.Print(strings.Contains(svg, tick), " ")
	}
	// Output:
	// <svg xmlns="http://www.w3.org/2000/svg" view
	// true true true true
}
