// SPDX-License-Identifier: Apache-2.0

package eval

// Mark is how a series is drawn.
type Mark string

// The marks.
const (
	Line      Mark = "line"
	Dots      Mark = "dots"      // points, with whiskers where Low and High are given
	Bars      Mark = "bars"      // upright bars that touch, X is the centre
	HBars     Mark = "hbars"     // lying bars, one per label of the Y axis
	Reference Mark = "reference" // a thin line to compare with
)

// Figure is a plot as data; SVG draws it. Caption says how to read it, Alt
// what it shows, for readers who do not see it.
type Figure struct {
	ID      string   `json:"id"`
	Title   string   `json:"title"`
	Caption string   `json:"caption"`
	Alt     string   `json:"alt"`
	X       Axis     `json:"x"`
	Y       Axis     `json:"y"`
	Series  []Series `json:"series"`
}

// Axis of a figure. Bounds that are equal are chosen from the data. With
// Labels, positions are 0, 1, ... and each has its name.
type Axis struct {
	Label  string   `json:"label"`
	Min    Number   `json:"min,omitempty"`
	Max    Number   `json:"max,omitempty"`
	Format Format   `json:"format,omitempty"`
	Labels []string `json:"labels,omitempty"`
}

// Series is one line, cloud or set of bars.
type Series struct {
	Name string   `json:"name"`
	Mark Mark     `json:"mark"`
	X    []Number `json:"x,omitempty"`
	Y    []Number `json:"y,omitempty"`
	Low  []Number `json:"low,omitempty"`
	High []Number `json:"high,omitempty"`
}

func numbers(x []float64) []Number {
	out := make([]Number, len(x))
	for i, v := range x {
		out[i] = Number(v)
	}
	return out
}

func positions(n int) []Number {
	out := make([]Number, n)
	for i := range out {
		out[i] = Number(i)
	}
	return out
}
