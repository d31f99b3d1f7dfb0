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

// Log is a table that was replayed through the windows of a spec. The values of
// window features do not depend on what a plan learns, except for codes of
// members. Therefore one replay serves every plan of the spec, whichever rows it
// is fitted on: all folds of a cross-validation share it.
type Log struct {
	spec *plantext.Spec // with its defaults
	key  []byte
	rec  arrow.Record
	past *history
	plan *Plan // not fitted
	// A feature reads a member of its window, coded by the plan: each plan has to
	// replay the table itself.
	readsMembers bool
}

// Replay applies the rows of a table, in order, to the spec's windows.
func Replay(ctx context.Context, s *plantext.Spec, rec arrow.Record) (*Log, error) {
	return replaySpec(ctx, s, rec, false)
}

// ReplayCounting is Replay, and records how many events each window held for each
// scored row: see Log.Counts.
func ReplayCounting(ctx context.Context, s *plantext.Spec, rec arrow.Record) (*Log, error) {
	return replaySpec(ctx, s, rec, true)
}

func replaySpec(ctx context.Context, s *plantext.Spec, rec arrow.Record, counting bool) (*Log, error) {
	if err := plancheck.Check(s); err != nil {
		return nil, err
	}
	spec := s.WithDefaults()
	p, err := unfittedPlanOf(spec)
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
		if counting && p.reads[i].needs != 0 { // an additional column that changes no other
			p.reads[i].needs |= window.Count
		}
	}
	p.counting = counting
	past, err := p.replay(ctx, rec, src)
	if err != nil {
		return nil, err
	}
	l := &Log{spec: spec, key: canonicalJSON(spec), rec: rec, past: past, plan: p}
	l.readsMembers = slices.ContainsFunc(p.steps, func(st step) bool { return st.kernel.Member })
	return l, nil
}

// canonicalJSON encodes the spec so that equal specs have equal bytes.
func canonicalJSON(s *plantext.Spec) []byte {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // a Spec is made of plain values
	}
	return b
}

// MatchesSpecAndTable reports whether the log was made from this spec and
// this table.
func (l *Log) MatchesSpecAndTable(s *plantext.Spec, rec arrow.Record) bool {
	return l.rec == rec && (l.spec == s || bytes.Equal(l.key, canonicalJSON(s.WithDefaults())))
}

// MatchesTable reports whether the log was made from this table.
func (l *Log) MatchesTable(rec arrow.Record) bool { return l.rec == rec }

// Fit is the function Fit on the log's spec and table.
func (l *Log) Fit(ctx context.Context, rows []int) (*Plan, *FitReport, error) {
	if l.readsMembers {
		return fitReplayed(ctx, l.spec, l.rec, rows, nil)
	}
	return fitReplayed(ctx, l.spec, l.rec, rows, l.past)
}

// Matrix is Plan.Matrix on the log's table.
func (l *Log) Matrix(ctx context.Context, p *Plan) (*Matrix, error) {
	if !l.MatchesSpecAndTable(p.spec, l.rec) {
		return nil, fmt.Errorf("the plan and the log were made from different specs: %w", assay.ErrPrecondition)
	}
	if l.readsMembers {
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

// Windows reports, for each window, which of the log's events it counted.
func (l *Log) Windows() []WindowReport { return l.plan.windowReports(l.past) }

// WindowReport says which events of a log a window counted, and for how many of
// the log's scored rows it had any.
type WindowReport struct {
	Window     string
	Feeds      []Feed // by kind of event
	Scored     int    // rows that read the window
	Read       int    // scored rows for whose key it had an event
	Before     uint64 // events that it had counted, for any key, when the last scored row came
	MayBeEmpty bool   // the plan allows it to have none
}

// Share returns the share of the scored rows for whose key the window had an event.
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
