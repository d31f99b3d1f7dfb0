// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/internal/numfmt"
	"github.com/assayrisk/assay/models/eval"
	"github.com/assayrisk/assay/models/eval/report/document"
)

// Input is all that a report can be made from. Label and PD are required;
// every other part adds a section, or a part of one, and where it is absent
// the report says which input is missing. All per-row slices have one
// length, in one order of rows.
type Input struct {
	Title   string    // heading: the model's name
	Weights string    // name of the column that Weight comes from, for the reader
	Purpose string    // one or two sentences: what the model decides, for whom
	Made    time.Time // when the report is made; zero leaves it out
	Seed    uint64    // of the bootstrap and of the stress tests

	// The evaluated rows. None should have been used in training; Seen is how
	// many are known to have been, and the report says so before anything else.
	Seen   int
	Label  []float64   // 1 = the bad event, 0 = not
	Weight []float64   // a row of weight w counts as w rows; above 0; nil = 1 each
	PD     []float64   // calibrated probability of default, 0..1
	Margin []float64   // model output that ranks rows, higher = riskier; nil = PD
	RawPD  []float64   // probability before calibration; nil leaves out the comparison
	Points []float64   // scorecard points, higher = safer; nil leaves them out
	Time   []time.Time // when each row was decided; nil leaves out months
	Names  []string    // what to call a row in worked decisions; nil = its number

	// The plan's features, as the model saw them.
	Features []Feature
	// Fields for segments (region, product) and for fairness (age band, sex).
	Segments []Category
	Groups   []Category // nil = every sensitive feature, see Bands

	Train        *Train       // training rows, for stability and overfitting
	TrainedUntil time.Time    // time of the last training row; zero = not stated
	Challenger   []Challenger // other models on the same rows
	Champion     *Challenger  // the model in use today, for the swap set
	Grades       *Category    // rating grade of each row, levels from best to worst

	// Contributions fills dst (features + 1, the last the expected value) with
	// the exact contributions of the evaluated row i in margin units. It is
	// called from one goroutine.
	Contributions func(dst []float64, row int)
	Usage         []Usage // how the model's trees use each feature; nil = not trees, or not known
	// Reasons returns the reason codes given for row i, strongest first; nil
	// leaves them out.
	Reasons func(row int) []assay.Reason
	// Score returns the PD of a vector that has one value per feature. It is
	// called for changed copies of rows; nil leaves out the stress tests.
	Score func(x []float64) float64

	Outcome       []assay.Outcome // decision of each row by the policy; nil = by the cut-off
	Economics     *Economics      // what a good and a bad row are worth; nil = ratio 5:1
	Declined      *Declined       // applications with no outcome, for reject inference
	Served        []float64       // margins of the same rows from where they are served, NaN = not served
	ServedBy      string          // where they come from; "" = the running server
	ServerSkipped string          // why the server was not asked though one was named, a sentence
	Hardening     *Hardening      // the same model trained with noise added

	// After is the policy that the report is about, Before the one it replaces;
	// with both, the section on strategy compares them.
	Before, After   *Strategy
	Backtest        []Period // the recipe trained again and again, forward in time
	BacktestSkipped string   // why it was not, where the caller knows: the end of a sentence
	// OutcomesAtOnce says that nobody stated when outcomes were known, and that
	// the backtest took them to be known when the row was decided.
	OutcomesAtOnce bool
	// Fields are what an applicant states, where they are not simply the
	// features; with Restate, evasion moves them and not the features.
	Fields []Field
	// Restate returns the PD of each row (by number) under each trial, by row
	// and trial: what the model would say, had the row stated another value of
	// one field. NaN: the value would be refused.
	Restate func(ctx context.Context, rows []int, trials []Trial) ([][]float64, error)

	Card       []Fact      // parameters, digests, training window: the model card
	Exclusions []Exclusion // rows left out before Label was made, by rule
	Ledger     *Ledger     // where the decisions and this report are recorded

	Thresholds Thresholds
	Resamples  int // bootstrap replicates; 0 = 500, fewer on large samples
}

// Feature is one column of the vector.
type Feature struct {
	Name       string
	Values     []float64 // NaN = missing; a category is its code
	Train      []float64 // the same column of the training rows; nil = unknown
	Categories []string  // names of the codes; nil = a number
	Monotone   int8      // direction declared in the plan: +1 riskier as it rises
	Group      string    // features explained together
	Code       string    // reason code: features that share one are one reason; "" = the group
	Reason     string    // the sentence that goes with it
	Sensitive  bool      // must not drive a decision
	Movable    bool      // an applicant can change what they state here
	Cleaned    int       // rows that cleaning changed (clipped, mapped to "other")
}

// Category is a field that splits the rows. Code -1 is "not known".
type Category struct {
	Name      string
	Levels    []string
	Code      []int32
	Reference string // level that others are compared with; "" = the one of the highest approval rate
}

// Train describes the rows that trained the model.
type Train struct {
	Label  []float64
	PD     []float64
	Margin []float64 // nil = PD
	Weight []float64 // nil = 1 each
	// OutOfFold is the margin of each row by a model of the same recipe that did
	// not train on it, OutOfFoldPD its calibrated probability; nil = not known,
	// and no verdict compares with training.
	OutOfFold, OutOfFoldPD []float64
	// Known is when each training row's outcome was known; nil = not stated.
	Known []time.Time
}

// Challenger is another model's output for the evaluated rows.
type Challenger struct {
	Name   string
	Note   string          // how it was made, in a sentence
	Simple bool            // a person can work it by hand: scorecard, single tree
	Score  []float64       // higher = riskier
	PD     []float64       // nil when it gives none
	Rules  *document.Table // the challenger in full, where it is simple enough to print
}

// Economics is what decisions are worth, in one currency.
type Economics struct {
	Unit   string    // "EUR", "" = multiples of the profit on a good row
	Profit float64   // earned on an approved good row
	Loss   float64   // lost on an approved bad row
	Amount []float64 // exposure of each row; nil = 1 a row, Profit and Loss per row
}

// Declined holds applications that were refused and have no outcome.
type Declined struct {
	PD     []float64
	Weight []float64 // nil = 1 each
}

// Fact is a line of the model card.
type Fact struct{ Name, Value string }

// Exclusion counts rows that a rule left out.
type Exclusion struct {
	Rule string
	Rows int
}

// Ledger says where the decisions and the report are recorded.
type Ledger struct {
	Facts []Fact
	// Note says who attests what; the section prints it unchanged.
	Note string
}

// Thresholds are the values at which lights change. Zero values are replaced by defaults.
type Thresholds struct {
	AUCPass, AUCFail     float64 // 0.75, 0.65: lower end of the interval
	SlopeLook, SlopeFail float64 // 0.2, 0.5: |slope - 1|, and the level in log-odds
	PSILook, PSIFail     float64 // 0.1, 0.25
	GapLook, GapFail     float64 // 0.03, 0.08: AUC in training minus evaluation
	ImpactLook           float64 // 0.8: adverse impact ratio (four-fifths rule)
	BadRowsPass          int     // 100 rows of the rarer class
}

func (t Thresholds) withDefaults() Thresholds {
	for _, d := range []struct {
		v *float64
		d float64
	}{
		{&t.AUCPass, 0.75}, {&t.AUCFail, 0.65}, {&t.SlopeLook, 0.2}, {&t.SlopeFail, 0.5},
		{&t.PSILook, 0.1}, {&t.PSIFail, 0.25}, {&t.GapLook, 0.03}, {&t.GapFail, 0.08}, {&t.ImpactLook, 0.8},
	} {
		if *d.v == 0 {
			*d.v = d.d
		}
	}
	if t.BadRowsPass == 0 {
		t.BadRowsPass = 100
	}
	return t
}

// data returns the column in the form that package eval measures.
func (f *Feature) data() eval.Data {
	return eval.Data{Values: f.Values, Train: f.Train, Categories: f.Categories,
		Format: numfmt.FormatOf(f.Name, f.Values)}
}

// addSensitiveGroups fills in the group fields where the caller gave none: every
// sensitive feature is one. It works on the builder's copy of the
// input.
func (b *builder) addSensitiveGroups() {
	in := b.in
	if in.Groups == nil {
		for i := range in.Features {
			if f := &in.Features[i]; f.Sensitive {
				in.Groups = append(in.Groups, Bands(f))
			}
		}
	}
}

// Bands turns a feature into a field that splits the rows: a category by its
// levels, a number into at most four bands of nearly equal size. Missing
// values are not known.
func Bands(f *Feature) Category {
	c := Category{Name: f.Name, Code: make([]int32, len(f.Values))}
	if f.Categories != nil {
		c.Levels = f.Categories
		for i, v := range f.Values {
			c.Code[i] = -1
			if v >= 0 && v < float64(len(f.Categories)) {
				c.Code[i] = int32(v)
			}
		}
		return c
	}
	cuts := eval.Cuts(f.Values, nil, 4)
	names := eval.IntervalNames(cuts, numfmt.FormatOf(f.Name, f.Values))
	c.Levels = names[:len(names)-1] // the last is "missing"
	for i, v := range f.Values {
		c.Code[i] = -1
		if v == v {
			c.Code[i] = int32(eval.Bin(cuts, v))
		}
	}
	return c
}
