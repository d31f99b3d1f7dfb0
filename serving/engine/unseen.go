// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/assayrisk/assay/features"
)

// Bounds of unseenWatch.
const (
	unseenMinValues = 100              // values of a field before a warning is possible
	unseenHalveAt   = 10_000           // values at which the counts are halved, so that older ones count less and less
	unseenWarnShare = 0.9              // share from which a warning is logged
	unseenLogPause  = 10 * time.Minute // between two warnings about a field
)

// unseenWatch counts, for each field with a dictionary in one model's plan, the
// values that training did not have, or too rarely to keep. When nearly all values
// are unseen, callers most likely spell them in another way, or send another field
// under that name.
type unseenWatch struct {
	dictionaries []features.Dictionary
	mu           struct {
		sync.Mutex
		fields []unseenCount
	}
}

type unseenCount struct {
	values, unseen int64
	lastLogged     time.Time
}

func newUnseenWatch(p *features.Plan) *unseenWatch {
	u := &unseenWatch{dictionaries: p.Dictionaries()}
	u.mu.fields = make([]unseenCount, len(u.dictionaries))
	return u
}

// count counts one event's values, as the plan read them. Warnings are logged
// after the lock is released: a slow log delays the request that writes it, and
// no other.
func (u *unseenWatch) count(values []float64, model string, now func() time.Time, log *slog.Logger) {
	if len(u.dictionaries) == 0 {
		return
	}
	logUnseen(u.addEvent(values, now), model, log)
}

func logUnseen(lines []unseenLine, model string, log *slog.Logger) {
	for _, s := range lines {
		log.Warn("nearly all values of a field are new to the model: "+
			"look how callers spell them, and whether it is the right field",
			"model", model, "field", s.field, "values", s.values, "unseen", s.unseen)
	}
}

// unseenLine is a warning about a field.
type unseenLine struct {
	field          string
	values, unseen int64
}

// addEvent counts the values and returns the warnings that are due.
func (u *unseenWatch) addEvent(values []float64, now func() time.Time) (say []unseenLine) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for i := range u.dictionaries {
		x := values[u.dictionaries[i].Place]
		if x != x {
			continue
		}
		unseen := int64(0)
		if u.dictionaries[i].Unseen(x) {
			unseen = 1
		}
		say = u.add(say, i, 1, unseen, now)
	}
	return say
}

// add adds to one field's counts, with mu held, and appends a warning if one is
// due.
func (u *unseenWatch) add(say []unseenLine, i int, values, unseen int64, now func() time.Time) []unseenLine {
	c := &u.mu.fields[i]
	c.values, c.unseen = c.values+values, c.unseen+unseen
	for c.values >= unseenHalveAt {
		c.values, c.unseen = c.values/2, c.unseen/2
	}
	if c.values < unseenMinValues || float64(c.unseen) < unseenWarnShare*float64(c.values) {
		return say
	}
	if at := now(); at.Sub(c.lastLogged) >= unseenLogPause {
		c.lastLogged = at
		say = append(say, unseenLine{u.dictionaries[i].Field, c.values, c.unseen})
	}
	return say
}

// UnseenCount is how many values of a field came, and how many of them training
// did not have.
type UnseenCount struct{ Values, Unseen int64 }

var unseenDesc = prometheus.NewDesc("assay_unseen_share",
	"Share of the last thousands of values of a field with a dictionary that the active model's training did not "+
		"have.", []string{"field"}, nil)

// unseenCollector shows the counts of the active model as metrics. Its labels are
// field names of the plan.
type unseenCollector struct{ active func() *unseenWatch }

// Describe implements prometheus.Collector.
func (c unseenCollector) Describe(ch chan<- *prometheus.Desc) { ch <- unseenDesc }

// Collect implements prometheus.Collector.
func (c unseenCollector) Collect(ch chan<- prometheus.Metric) {
	u := c.active()
	if u == nil {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	for i, x := range u.mu.fields {
		if x.values > 0 {
			ch <- prometheus.MustNewConstMetric(unseenDesc, prometheus.GaugeValue, float64(x.unseen)/float64(x.values),
				u.dictionaries[i].Field)
		}
	}
}
