// SPDX-License-Identifier: Apache-2.0

package features

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features/plancheck"
	"github.com/assayrisk/assay/features/plantext"
	"github.com/assayrisk/assay/features/window"
)

// Log is a table that was played through the windows of a spec. What windows
// say mostly does not depend on what a plan learns (codes of members do), so that
// every plan of the spec, whichever rows it is fitted on, takes it from here: one
// replay serves all folds.
type Log struct {
	spec *plantext.Spec // with its defaults
	key  []byte
	rec  arrow.Record
	past *history
	plan *Plan // that knows nothing yet
	// A feature reads a member of its window, as the plan codes it: each plan has
	// to play the table anew.
	learns bool
}

// Play plays a table through the spec's windows.
func Play(ctx context.Context, s *plantext.Spec, rec arrow.Record) (*Log, error) {
	return playSpec(ctx, s, rec, false)
}

// PlayCounting is Play, and notes how many events each window held for each
// scored row: Log.Counts.
func PlayCounting(ctx context.Context, s *plantext.Spec, rec arrow.Record) (*Log, error) {
	return playSpec(ctx, s, rec, true)
}

func playSpec(ctx context.Context, s *plantext.Spec, rec arrow.Record, counting bool) (*Log, error) {
	if err := plancheck.Check(s); err != nil {
		return nil, err
	}
	spec := s.WithDefaults()
	p, err := draftOf(spec)
	if err != nil {
		return nil, err
	}
	src, err := p.source(rec)
	if err != nil {
		return nil, err
	}
	if _, err := p.learnMembers(rec, src); err != nil {
		return nil, err
	}
	for i := range p.reads {
		if counting && p.reads[i].needs != 0 { // a column more, which changes no other
			p.reads[i].needs |= window.Count
		}
	}
	p.counting = counting
	past, err := p.replay(ctx, rec, src)
	if err != nil {
		return nil, err
	}
	l := &Log{spec: spec, key: canonicalJSON(spec), rec: rec, past: past, plan: p}
	l.learns = slices.ContainsFunc(p.steps, func(st step) bool { return st.kernel.Member })
	return l, nil
}

// key is the spec in one canonical form.
func canonicalJSON(s *plantext.Spec) []byte {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // a Spec is made of plain values
	}
	return b
}

// Plays reports whether the log was made by this spec on this table.
func (l *Log) Plays(s *plantext.Spec, rec arrow.Record) bool {
	return l.rec == rec && (l.spec == s || bytes.Equal(l.key, canonicalJSON(s.WithDefaults())))
}

// Of reports whether the log was made of this table.
func (l *Log) Of(rec arrow.Record) bool { return l.rec == rec }

// Fit is Spec.Fit on the log's table.
func (l *Log) Fit(ctx context.Context, rows []int) (*Plan, *FitReport, error) {
	if l.learns {
		return fitSpec(ctx, l.spec, l.rec, rows, nil)
	}
	return fitSpec(ctx, l.spec, l.rec, rows, l.past)
}

// Matrix is Plan.Matrix of the log's table.
func (l *Log) Matrix(ctx context.Context, p *Plan) (*Matrix, error) {
	if !l.Plays(p.spec, l.rec) {
		return nil, fmt.Errorf("the plan is of another spec than the log: %w", assay.ErrPrecondition)
	}
	if l.learns {
		return p.Matrix(ctx, l.rec)
	}
	src, err := p.source(l.rec)
	if err != nil {
		return nil, err
	}
	return p.matrix(ctx, src, l.past)
}

// Counts returns, for each window of Windows, how many events it held for each
// scored row, NaN for rows without its key; nil for a log that was not counted.
func (l *Log) Counts() [][]float64 {
	var out [][]float64
	for i := range l.plan.feeds {
		if l.plan.counting && len(l.plan.feeds[i].features) > 0 {
			out = append(out, l.past.counts[i])
		}
	}
	return out
}

// Windows says what became of the log's events.
func (l *Log) Windows() []WindowReport { return l.plan.windowReports(l.past) }

// WindowReport says what a window made of a log, and what the log's scored rows
// found in it.
type WindowReport struct {
	Window     string
	Feeds      []Feed // by kind of event
	Scored     int    // rows that read it
	Read       int    // of them those for whose key it had an event
	Before     uint64 // events that it had counted, for any key, when the last of them came
	MayBeEmpty bool   // the plan says that it may have none
}

// Share is the share of the scored rows for whose key the window had an event.
func (r *WindowReport) Share() float64 { return float64(r.Read) / float64(max(r.Scored, 1)) }

func (p *Plan) windowReports(h *history) []WindowReport {
	var out []WindowReport
	feeds := p.feedsOf(h.tallies)
	for i := range p.feeds {
		f := &p.feeds[i]
		if len(f.features) == 0 {
			continue
		}
		n := len(f.spec.On)
		out = append(out, WindowReport{Window: f.spec.Name, Feeds: feeds[:n:n], Scored: len(h.rows), Read: h.read[i],
			Before: h.before[i], MayBeEmpty: f.spec.MayBeEmpty})
		feeds = feeds[n:]
	}
	return out
}
