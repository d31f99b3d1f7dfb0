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
	unseenLeast = 100              // values of a field before its share is judged
	unseenHalf  = 10_000           // values after which the counts are halved: it is about the last few times as many
	unseenLoud  = 0.9              // share from which a line is logged
	unseenPause = 10 * time.Minute // between two lines about a field
)

// unseenWatch counts, by field with a dictionary of one model's plan, the values that
// training had not or too seldom to keep. When nearly all are such, a caller
// most likely spells them in another way, or sends another field under the name.
type unseenWatch struct {
	of []features.Dictionary
	mu struct {
		sync.Mutex
		fields []unseenCount
	}
}

type unseenCount struct {
	values, unseen int64
	said           time.Time
}

func newUnseenWatch(p *features.Plan) *unseenWatch {
	u := &unseenWatch{of: p.Dictionaries()}
	u.mu.fields = make([]unseenCount, len(u.of))
	return u
}

// count counts one event's values, as the plan read them. What is to be said of
// a field is logged once the counts are free again: a slow log holds up the
// request that writes it, and no other.
func (u *unseenWatch) count(values []float64, model string, now func() time.Time, log *slog.Logger) {
	if len(u.of) == 0 {
		return
	}
	sayUnseen(u.counted(values, now), model, log)
}

func sayUnseen(lines []unseenLine, model string, log *slog.Logger) {
	for _, s := range lines {
		log.Warn("nearly all values of a field are new to the model: "+
			"look how callers spell them, and whether it is the right field",
			"model", model, "field", s.field, "values", s.values, "unseen", s.unseen)
	}
}

// unseenLine is what the log says about a field.
type unseenLine struct {
	field          string
	values, unseen int64
}

// counted counts the values and returns what there is to say now.
func (u *unseenWatch) counted(values []float64, now func() time.Time) (say []unseenLine) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for i := range u.of {
		x := values[u.of[i].Place]
		if x != x {
			continue
		}
		unseen := int64(0)
		if u.of[i].Unseen(x) {
			unseen = 1
		}
		say = u.add(say, i, 1, unseen, now)
	}
	return say
}

// add adds to one field's counts, under the lock, and to what there is to say.
func (u *unseenWatch) add(say []unseenLine, i int, values, unseen int64, now func() time.Time) []unseenLine {
	c := &u.mu.fields[i]
	c.values, c.unseen = c.values+values, c.unseen+unseen
	for c.values >= unseenHalf {
		c.values, c.unseen = c.values/2, c.unseen/2
	}
	if c.values < unseenLeast || float64(c.unseen) < unseenLoud*float64(c.values) {
		return say
	}
	if at := now(); at.Sub(c.said) >= unseenPause {
		c.said = at
		say = append(say, unseenLine{u.of[i].Field, c.values, c.unseen})
	}
	return say
}

// Dictionaries are the fields with a dictionary whose values are counted.
func (m *Model) Dictionaries() []features.Dictionary { return m.unseen.of }

// UnseenCount is how many values of a field came, and how many of them training
// had not.
type UnseenCount struct{ Values, Unseen int64 }

// CountUnseen counts values that came apart from events: those of each of the
// model's Dictionaries.
func (e *Engine) CountUnseen(m *Model, counts []UnseenCount) {
	var say []unseenLine
	u := m.unseen
	u.mu.Lock()
	for i, c := range counts {
		if c.Values > 0 {
			say = u.add(say, i, c.Values, c.Unseen, e.now)
		}
	}
	u.mu.Unlock()
	sayUnseen(say, m.Name, e.log)
}

var unseenDesc = prometheus.NewDesc("assay_unseen_share",
	"Share of the values of a field with a dictionary, of the last thousands, that the active model's training had "+
		"not.", []string{"field"}, nil)

// unseenCollector shows the counts of the active model. Field names are the
// plan's, not a request's.
type unseenCollector struct{ e *Engine }

// Describe implements prometheus.Collector.
func (c unseenCollector) Describe(ch chan<- *prometheus.Desc) { ch <- unseenDesc }

// Collect implements prometheus.Collector.
func (c unseenCollector) Collect(ch chan<- prometheus.Metric) {
	r := c.e.models.Load()
	if r == nil {
		return
	}
	u := r.Active.unseen
	u.mu.Lock()
	defer u.mu.Unlock()
	for i, x := range u.mu.fields {
		if x.values > 0 {
			ch <- prometheus.MustNewConstMetric(unseenDesc, prometheus.GaugeValue, float64(x.unseen)/float64(x.values),
				u.of[i].Field)
		}
	}
}
