// SPDX-License-Identifier: Apache-2.0

package plantext

import "github.com/assayrisk/assay"

// Spec is a plan as people write it. ParseSpec reads it from YAML, Infer makes
// one from a table, and Fit turns it into a frozen Plan. The JSON Schema for
// editors is features/plan.schema.json.
type Spec struct {
	Version int    `yaml:"version" json:"version"`               // 1
	Name    string `yaml:"name,omitempty" json:"name,omitempty"` // for people
	// the kind of event that is scored; default "application"
	Event string `yaml:"event,omitempty" json:"event,omitempty"`
	Time  string `yaml:"time,omitempty" json:"time,omitempty"` // table column that holds the event's time
	ID    string `yaml:"id,omitempty" json:"id,omitempty"`     // table column that holds the event's id
	// table column that holds the event's kind; none: every row is scored
	Kind string `yaml:"kind,omitempty" json:"kind,omitempty"`
	// how far a time may lie beyond the bulk of a table; default DefaultAhead
	Ahead string `yaml:"ahead,omitempty" json:"ahead,omitempty"`
	// how late an event may come and still be counted; default DefaultLateness
	Lateness string `yaml:"lateness,omitempty" json:"lateness,omitempty"`

	Label    *LabelSpec    `yaml:"label,omitempty" json:"label,omitempty"`
	Entities []string      `yaml:"entities,omitempty" json:"entities,omitempty"` // roles: buyer, seller, ...
	Fields   []FieldSpec   `yaml:"fields" json:"fields"`
	Derived  []DerivedSpec `yaml:"derived,omitempty" json:"derived,omitempty"`
	Lookups  []LookupSpec  `yaml:"lookups,omitempty" json:"lookups,omitempty"`
	Windows  []WindowSpec  `yaml:"windows,omitempty" json:"windows,omitempty"`
	Features []FeatureSpec `yaml:"features" json:"features"`
	Groups   []GroupSpec   `yaml:"groups,omitempty" json:"groups,omitempty"`
	Clean    *CleanSpec    `yaml:"clean,omitempty" json:"clean,omitempty"`

	pos *positions // where each node is in the YAML, nil if it came from elsewhere
}

// LabelSpec says which outcome the plan's features are for: a column of the
// table, or a later event of the same entities within a horizon.
type LabelSpec struct {
	Column string `yaml:"column,omitempty" json:"column,omitempty"` // 1 = bad
	Event  string `yaml:"event,omitempty" json:"event,omitempty"`   // kind of the event that makes the label 1
	// roles whose ids must be the same on both events
	Match   []string `yaml:"match,omitempty" json:"match,omitempty"`
	Horizon string   `yaml:"horizon,omitempty" json:"horizon,omitempty"` // how long the bad event is waited for: "180d"
}

// FieldSpec declares one value that events carry.
type FieldSpec struct {
	Name string `yaml:"name" json:"name"`
	Kind string `yaml:"kind,omitempty" json:"kind,omitempty"` // number (default), text, flag, time
	// kinds of event that carry it; default the scored kind
	On []string `yaml:"on,omitempty" json:"on,omitempty"`
	// another name for On: YAML 1.1 reads the key on as a boolean
	Events []string `yaml:"events,omitempty" json:"-"`
	// must be named, and not missing unless Missing is set
	Required bool `yaml:"required,omitempty" json:"required,omitempty"`
	// may be missing, or the values that mean it is; default: not required
	Missing *MissingSpec `yaml:"missing,omitempty" json:"missing,omitempty"`
	// a table may lack the column: all its values are missing then
	Optional bool     `yaml:"optional,omitempty" json:"optional,omitempty"`
	Min      *float64 `yaml:"min,omitempty" json:"min,omitempty"` // smallest allowed number
	Max      *float64 `yaml:"max,omitempty" json:"max,omitempty"` // largest allowed number
	// first allowed time: "2015-01-01"; default the year 1900
	Earliest string `yaml:"earliest,omitempty" json:"earliest,omitempty"`
	// last allowed time; default the end of the year 2200
	Latest string `yaml:"latest,omitempty" json:"latest,omitempty"`
	// out of range: reject (default), missing, clip, flag
	Outside string `yaml:"outside,omitempty" json:"outside,omitempty"`
	// the only texts or numbers allowed; none: any
	Values []string `yaml:"values,omitempty" json:"values,omitempty"`
	// how text files write the number: "1,234.56", "1.234,56 EUR"
	Written string `yaml:"written,omitempty" json:"written,omitempty"`
	// share, percent and count bound the number; others are for people
	Unit      string `yaml:"unit,omitempty" json:"unit,omitempty"`
	Sensitive bool   `yaml:"sensitive,omitempty" json:"sensitive,omitempty"` // a protected characteristic
	Personal  bool   `yaml:"personal,omitempty" json:"personal,omitempty"`   // no window may read it
	Text      string `yaml:"text,omitempty" json:"text,omitempty"`           // for people
}

// WindowSpec declares a state that events feed and features read: per key,
// aggregates of a value over the last Length of event time.
type WindowSpec struct {
	Name string   `yaml:"name" json:"name"`
	Key  []string `yaml:"key" json:"key"` // roles or text fields; several make a pair
	On   []string `yaml:"on" json:"on"`   // kinds of event that feed it
	// field or derived value that is aggregated; none: events are counted
	Value string `yaml:"value,omitempty" json:"value,omitempty"`
	// role or text field that distinct and share are about
	Member string     `yaml:"member,omitempty" json:"member,omitempty"`
	Where  Conditions `yaml:"where,omitempty" json:"where,omitempty"` // feed only events that satisfy all of these
	// "90d", or "all" for the whole life of the key; of a calendar: "3"
	Length string `yaml:"length" json:"length"`
	// grain of the tail; default a thirtieth of the length
	Hop string `yaml:"hop,omitempty" json:"hop,omitempty"`
	// members that distinct, share and their like keep; default 128
	Members int `yaml:"members,omitempty" json:"members,omitempty"`
	// how long before now the window ends, as Length; default 0
	Offset string `yaml:"offset,omitempty" json:"offset,omitempty"`
	// values that median and quantile keep; default 256
	Samples int `yaml:"samples,omitempty" json:"samples,omitempty"`

	// day, week, month, quarter or year: what Length and Offset count
	Calendar string `yaml:"calendar,omitempty" json:"calendar,omitempty"`
	// of the calendar, as in Europe/Berlin; default UTC
	Zone string `yaml:"zone,omitempty" json:"zone,omitempty"`
	// of decayed_mean and its like; default "30d"
	HalfLife string `yaml:"half_life,omitempty" json:"half_life,omitempty"`

	// another name for On, as of a field
	Events []string `yaml:"events,omitempty" json:"-"`
	// training goes on when no event feeds it or no row reads it
	MayBeEmpty bool `yaml:"may_be_empty,omitempty" json:"may_be_empty,omitempty"`
}

// WhereSpec is a condition on one field or derived value of a feeding event. All
// that are set must hold; a missing value satisfies `missing: true` alone.
type WhereSpec struct {
	Field   string   `yaml:"field" json:"field"`
	Is      []string `yaml:"is,omitempty" json:"is,omitempty"`             // the text is one of these
	Not     []string `yaml:"not,omitempty" json:"not,omitempty"`           // the text is none of these
	Above   *float64 `yaml:"above,omitempty" json:"above,omitempty"`       // the number is greater
	Below   *float64 `yaml:"below,omitempty" json:"below,omitempty"`       // the number is less
	AtLeast *float64 `yaml:"at_least,omitempty" json:"at_least,omitempty"` // the number is this or greater
	AtMost  *float64 `yaml:"at_most,omitempty" json:"at_most,omitempty"`   // the number is this or less
	Missing *bool    `yaml:"missing,omitempty" json:"missing,omitempty"`   // it has no value; false: it has one
}

// FeatureSpec declares one feature: a kernel over fields, windows and other
// features. docs/plan.md lists the parameters of each kernel.
type FeatureSpec struct {
	Name string `yaml:"name" json:"name"`
	// default: passthrough, or category for a text field
	Kernel string `yaml:"kernel,omitempty" json:"kernel,omitempty"`
	// inputs; default: the field of the same name
	Of     Names  `yaml:"of,omitempty" json:"of,omitempty"`
	Window string `yaml:"window,omitempty" json:"window,omitempty"` // the window a window kernel reads
	Table  string `yaml:"table,omitempty" json:"table,omitempty"`   // the lookup that kernel lookup reads
	Hidden bool   `yaml:"hidden,omitempty" json:"hidden,omitempty"` // an intermediate: not in the vector
	// increasing or decreasing: the way risk may go
	Monotone  string   `yaml:"monotone,omitempty" json:"monotone,omitempty"`
	Group     string   `yaml:"group,omitempty" json:"group,omitempty"`         // reason group
	Sensitive bool     `yaml:"sensitive,omitempty" json:"sensitive,omitempty"` // also if an input is
	Fill      *float64 `yaml:"fill,omitempty" json:"fill,omitempty"`           // put in place of a missing result

	Bounds []float64 `yaml:"bounds,omitempty" json:"bounds,omitempty"` // clip: fixed [low, high]
	// clip: fitted [low, high]
	Quantiles []float64 `yaml:"quantiles,omitempty" json:"quantiles,omitempty"`
	Edges     []float64 `yaml:"edges,omitempty" json:"edges,omitempty"` // bucket
	Step      float64   `yaml:"step,omitempty" json:"step,omitempty"`   // round_amount
	DatePart  string    `yaml:"part,omitempty" json:"part,omitempty"`   // date_part
	Zone      string    `yaml:"zone,omitempty" json:"zone,omitempty"`   // date_part: default UTC
	// top_share, nth_latest, change, last_mean, streak, ...
	K        int      `yaml:"k,omitempty" json:"k,omitempty"`
	Quantile *float64 `yaml:"quantile,omitempty" json:"quantile,omitempty"` // quantile
	Is       []string `yaml:"is,omitempty" json:"is,omitempty"`             // count_of, share_of
	// category, cross, frequency, woe
	MinCount      int `yaml:"min_count,omitempty" json:"min_count,omitempty"`
	MaxCategories int `yaml:"max_categories,omitempty" json:"max_categories,omitempty"` // category, cross
	// category: what the codes 0, 1, ... stand for; nothing is learned
	Categories []string `yaml:"categories,omitempty" json:"categories,omitempty"`
	// category with categories: others become other (default) or missing
	Unknown   string  `yaml:"unknown,omitempty" json:"unknown,omitempty"`
	Smoothing float64 `yaml:"smoothing,omitempty" json:"smoothing,omitempty"` // woe, target_mean
	Folds     int     `yaml:"folds,omitempty" json:"folds,omitempty"`         // woe, target_mean
}

// GroupSpec is a reason that adverse decisions give: correlated features share
// one.
type GroupSpec struct {
	Name string `yaml:"name" json:"name"`
	Code string `yaml:"code" json:"code"` // stable, machine-readable
	Text string `yaml:"text" json:"text"` // one sentence, for the person concerned
}

// CleanSpec says what is done to training rows before anything is learned.
type CleanSpec struct {
	// rows that agree on all these columns count once
	Duplicates []string     `yaml:"duplicates,omitempty" json:"duplicates,omitempty"`
	Outliers   *OutlierSpec `yaml:"outliers,omitempty" json:"outliers,omitempty"`
}

// OutlierSpec marks outlying training rows with an isolation forest.
type OutlierSpec struct {
	Trees  int     `yaml:"trees,omitempty" json:"trees,omitempty"`   // default 100
	Sample int     `yaml:"sample,omitempty" json:"sample,omitempty"` // rows per tree, default 256
	Share  float64 `yaml:"share" json:"share"`                       // share of rows that is marked, 0 to 0.5
	// leave them out of Fit; else they are only reported
	Drop bool `yaml:"drop,omitempty" json:"drop,omitempty"`
}

// Bounds on a plan; yamltext.Plan has those of its text.
const (
	MaxFeatures = 1 << 12 // features, hidden ones included
	MaxWindows  = 256
	// OtherCategory is the last category of every dictionary: texts that were
	// seen too seldom, or never, in training.
	OtherCategory = "other"
	// DefaultLateness is the Lateness of a plan with windows that sets none. A server
	// accepts events whose time is up to five minutes ahead of its clock; twice that
	// is enough for any event that is stamped and delivered within five minutes of the
	// right time, even after one that was ahead.
	DefaultLateness = "10m"
	// DefaultAhead is the Ahead of a plan that sets none: the longest pause of a
	// yearly process.
	DefaultAhead = "366d"
)

// ScoredKind is the kind of event that is scored.
func (s *Spec) ScoredKind() string {
	if s.Event == "" {
		return "application"
	}
	return s.Event
}

// ValueKind is the kind of the field's values: Number unless Kind says otherwise.
func (f *FieldSpec) ValueKind() assay.ValueKind {
	switch f.Kind {
	case "text":
		return assay.Text
	case "flag":
		return assay.Flag
	case "time":
		return assay.Instant
	}
	return assay.Number
}

// AllowsMissing reports whether the field may have no value.
func (f *FieldSpec) AllowsMissing() bool {
	if f.Missing != nil {
		return f.Missing.Allowed
	}
	return !f.Required
}

// MonotoneSign is 1 if risk may only rise with the feature, -1 if it may only
// fall, and 0 if the plan does not say.
func (f *FeatureSpec) MonotoneSign() int8 {
	switch f.Monotone {
	case "increasing":
		return 1
	case "decreasing":
		return -1
	}
	return 0
}

// Listed reports whether the plan lists the feature's categories, so that none
// are learned.
func (f *FeatureSpec) Listed() bool { return len(f.Categories) > 0 }

// WithDefaults returns a copy of the spec with the defaults that a frozen plan
// must contain, so that a later version with another default changes no plan that
// was fitted before. The copy shares all lists with s.
func (s *Spec) WithDefaults() *Spec {
	c := *s
	c.pos = nil
	if len(c.Windows) > 0 && c.Lateness == "" {
		c.Lateness = DefaultLateness
	}
	return &c
}
