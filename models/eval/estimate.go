// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/assayrisk/assay/internal/numfmt"
)

// Estimate is a statistic with its interval. Value, Low and High are NaN where
// they are not defined.
type Estimate struct {
	Value  numfmt.Number `json:"value"`
	Low    numfmt.Number `json:"low"`
	High   numfmt.Number `json:"high"`
	N      int           `json:"n"`                // rows that it was computed on
	Level  numfmt.Number `json:"level,omitempty"`  // of the interval: 0.95
	Method string        `json:"method,omitempty"` // "DeLong, logit", "bootstrap, 500 resamples", ...
	// Chance is the average for a useless model, or without a shift, on as many
	// rows; Corrected is the value minus its bias. nil where they do not apply.
	Chance    *numfmt.Number `json:"chance,omitempty"`
	Corrected *numfmt.Number `json:"corrected,omitempty"`
}

// Level is the confidence level of all intervals.
const Level = 0.95

// NormalQuantile is the standard normal quantile of a two-sided interval of Level.
var NormalQuantile = distuv.UnitNormal.Quantile(0.5 + Level/2)

// studentQuantile is the quantile of Student's t for a two-sided interval of Level.
func studentQuantile(df float64) float64 {
	if !(df < 1e6) {
		return NormalQuantile
	}
	return distuv.StudentsT{Mu: 0, Sigma: 1, Nu: math.Max(1, df)}.Quantile(0.5 + Level/2)
}

// around sets the normal interval for the standard error sd, clipped to lo and hi.
func (e Estimate) around(sd, lo, hi float64) Estimate { return e.within(sd, NormalQuantile, lo, hi) }

// within sets an interval of z standard errors each way, clipped to lo and hi.
func (e Estimate) within(sd, z, lo, hi float64) Estimate {
	e.Low = numfmt.Number(max(lo, float64(e.Value)-float64(z*sd)))
	e.High = numfmt.Number(min(hi, float64(e.Value)+float64(z*sd)))
	return e
}

// Wald returns the estimate of a fitted coefficient with its normal interval; without
// a standard error the interval is NaN.
func Wald(x, se float64, n int) Estimate {
	e := Estimate{Value: numfmt.Number(x), Low: numfmt.NaN(), High: numfmt.NaN(), N: n}
	if se > 0 && !math.IsNaN(x) {
		e.Level, e.Method = Level, "Wald"
		e.Low, e.High = numfmt.Number(x-float64(NormalQuantile*se)), numfmt.Number(x+float64(NormalQuantile*se))
	}
	return e
}
