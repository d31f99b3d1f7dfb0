// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"time"

	"github.com/assayrisk/assay/internal/numfmt"
)

// decidedLater says for which evaluated rows the monthly table is a backtest,
// and how much of the training was not known when they were decided: a model
// that learned from outcomes of its own future could not have been in use.
func (b *builder) decidedLater(s *Section) {
	in := b.in
	until := in.TrainedUntil
	if until.IsZero() {
		return
	}
	after, first := 0, time.Time{}
	for _, at := range in.Time {
		if !at.After(until) {
			continue
		}
		after++
		if first.IsZero() || at.Before(first) {
			first = at
		}
	}
	s.text("The last row that trained the model was decided on %s. %s of %s evaluated rows were decided later: for "+
		"these the table shows the model ageing.",
		until.UTC().Format(time.DateOnly), numfmt.Count.Print(float64(after)),
		numfmt.Count.Print(float64(len(in.Time))))
	switch {
	case after == 0:
	case in.Train == nil || in.Train.Known == nil:
		s.text("When the outcomes of the training rows were known is not stated. If some were known only after the " +
			"first of the later rows was decided, the model could not have been in use then, and the figures are " +
			"kinder than they would have been.")
	default:
		late := 0
		for _, at := range in.Train.Known {
			if at.After(first) {
				late++
			}
		}
		b.add("training_outcomes_known_later",
			Estimate{Value: numfmt.Number(late), Low: numfmt.NaN(), High: numfmt.NaN(), N: len(in.Train.Known)})
		s.text("%s of %s training rows have an outcome that was known only after the first of those rows was decided "+
			"on %s. A model made on that day would have had to do without them; the backtest below does.",
			numfmt.Count.Print(float64(late)), numfmt.Count.Print(float64(len(in.Train.Known))),
			first.UTC().Format(time.DateOnly))
	}
}
