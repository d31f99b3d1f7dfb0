// SPDX-License-Identifier: Apache-2.0

package serving

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

// unseenWatch counts, by text field of one model's plan, the values that
// training had not or too seldom to keep. When nearly all are such, a caller
// most likely spells them in another way, or sends another field under the name.
type unseenWatch struct {
	places []int // among the values that the plan reads of an event
	names  []string
	mu     struct {
		sync.Mutex
		fields []unseenCount
	}
}

type unseenCount struct {
	values, unseen int64
	said           time.Time
}

func newUnseenWatch(p *features.Plan) *unseenWatch {
	u := &unseenWatch{}
	u.places, u.names = p.TextFields()
	u.mu.fields = make([]unseenCount, len(u.places))
	return u
}

// count counts one event's values, as the plan read them. What is to be said of
// a field is logged once the counts are free again: a slow log holds up the
// request that writes it, and no other.
func (u *unseenWatch) count(values []float64, model string, now func() time.Time, log *slog.Logger) {
	if len(u.places) == 0 {
		return
	}
	for _, s := range u.counted(values, now) {
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
	for i, place := range u.places {
		x := values[place]
		if x != x {
			continue
		}
		c := &u.mu.fields[i]
		if c.values++; features.IsUnseen(x) {
			c.unseen++
		}
		if c.values >= unseenHalf {
			c.values, c.unseen = c.values/2, c.unseen/2
		}
		if c.values < unseenLeast || float64(c.unseen) < unseenLoud*float64(c.values) {
			continue
		}
		if at := now(); at.Sub(c.said) >= unseenPause {
			c.said = at
			say = append(say, unseenLine{u.names[i], c.values, c.unseen})
		}
	}
	return say
}

var unseenDesc = prometheus.NewDesc("assay_unseen_share", "Share of a text field's values, of the last thousands, that the active model's training had not.", []string{"field"}, nil)

// unseenCollector shows the counts of the active model. Field names are the
// plan's, not a request's.
type unseenCollector struct{ e *engine }

// Describe implements prometheus.Collector.
func (c unseenCollector) Describe(ch chan<- *prometheus.Desc) { ch <- unseenDesc }

// Collect implements prometheus.Collector.
func (c unseenCollector) Collect(ch chan<- prometheus.Metric) {
	r := c.e.routes.Load()
	if r == nil {
		return
	}
	u := r.active.unseen
	u.mu.Lock()
	defer u.mu.Unlock()
	for i, x := range u.mu.fields {
		if x.values > 0 {
			ch <- prometheus.MustNewConstMetric(unseenDesc, prometheus.GaugeValue, float64(x.unseen)/float64(x.values), u.names[i])
		}
	}
}
