// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal"
	"github.com/assayrisk/assay/ledger/vault"
)

// How many decisions may wait for the challengers, and how many are scored
// together.
const (
	shadowQueue = 4096
	shadowBatch = 64
)

// shadowCaller is the caller of records of shadow scores; their request id is the
// decision's number. No real caller has such a name.
const shadowCaller = "\x00shadow"

// ShadowNote has the scores that challengers gave the vector of one decision, as a
// record of kind shadow holds them: canonical CBOR. The keys are frozen.
type ShadowNote struct {
	Version  uint8         `cbor:"0,keyasint"` // 1
	Sequence uint64        `cbor:"1,keyasint"` // of the decision
	Scores   []ShadowScore `cbor:"2,keyasint"`
}

// ShadowScore is the score of one challenger.
type ShadowScore struct {
	Model  string       `cbor:"0,keyasint"`
	Digest assay.Digest `cbor:"1,keyasint"`
	Margin float64      `cbor:"2,keyasint"`
	PD     float64      `cbor:"3,keyasint"`
}

// Shadows are the challengers, which score decisions in the background: no caller
// waits for them, and when their queue is full, they miss decisions.
//
//	decision durable ─▶ queue of numbers ─▶ read the record ─▶ score its vector ─▶ a record of kind shadow
//
// The record is sealed under the key of the decision's subject, so that erasing
// the subject erases these scores, too. Decisions that wait when the process is
// killed are not scored.
type Shadows struct {
	queue   chan uint64
	dropped atomic.Int64
	models  atomic.Pointer[[]*Model]
	scoring sync.Mutex // held while a batch is scored and recorded
}

func newShadows() *Shadows {
	s := &Shadows{queue: make(chan uint64, shadowQueue)}
	s.models.Store(new([]*Model))
	return s
}

// Waiting is how many decisions wait for the challengers.
func (s *Shadows) Waiting() int { return len(s.queue) }

// Models are the challengers.
func (s *Shadows) Models() []*Model { return *s.models.Load() }

// Set replaces the challengers by ms.
func (s *Shadows) Set(ms []*Model) { s.models.Store(&ms) }

// Dropped is how many decisions the challengers missed: the queue was full, or
// their scores could not be recorded.
func (s *Shadows) Dropped() int64 { return s.dropped.Load() }

// Pause keeps the challengers from scoring until resume is called.
func (s *Shadows) Pause() (resume func()) {
	s.scoring.Lock()
	return s.scoring.Unlock
}

// enqueue queues a durable decision for the challengers.
func (s *Shadows) enqueue(seq uint64) {
	if len(*s.models.Load()) == 0 {
		return
	}
	select {
	case s.queue <- seq:
	default:
		s.dropped.Add(1)
	}
}

// run scores queued decisions until ctx ends and the queue is empty.
func (s *Shadows) run(ctx context.Context, j *journal.Journal, log *slog.Logger) {
	for {
		var seq uint64
		select {
		case seq = <-s.queue:
		default:
			select {
			case seq = <-s.queue:
			case <-ctx.Done():
				return
			}
		}
		batch := append(make([]uint64, 0, shadowBatch), seq)
	more:
		for len(batch) < shadowBatch {
			select {
			case seq := <-s.queue:
				batch = append(batch, seq)
			default:
				break more
			}
		}
		if missed, err := s.scoreBatch(j, batch); err != nil {
			s.dropped.Add(int64(missed))
			log.Warn("shadow scores were not recorded", "decisions", missed, "error", err)
		}
	}
}

// scoreBatch scores decisions and records the scores. missed is how many could
// not be scored or recorded; decisions whose subject was erased do not count.
func (s *Shadows) scoreBatch(j *journal.Journal, seqs []uint64) (missed int, err error) {
	s.scoring.Lock()
	defer s.scoring.Unlock()
	models := *s.models.Load()
	var recs []*journal.Record
	for _, seq := range seqs {
		r, rerr := s.shadowRecord(j, models, seq)
		switch {
		case errors.Is(rerr, vault.ErrErased) || errors.Is(rerr, journal.ErrRetired):
		case rerr != nil:
			missed, err = missed+1, rerr
		case r != nil:
			recs = append(recs, r)
		}
	}
	if len(recs) == 0 {
		return missed, err
	}
	if err := j.Ready(); err != nil {
		return missed + len(recs), err
	}
	numbers := make([]uint64, len(recs))
	for i, r := range recs {
		numbers[i], r.Micros = j.TakeAt()
	}
	if _, aerr := j.AppendAll(context.Background(), numbers, recs); aerr != nil {
		return missed + len(recs), aerr
	}
	return missed, err
}

// shadowRecord makes the record of one decision's shadow scores; nil if no
// challenger has its plan.
func (s *Shadows) shadowRecord(j *journal.Journal, models []*Model, seq uint64) (*journal.Record, error) {
	rec, err := j.Get(seq)
	if err != nil {
		return nil, fmt.Errorf("decision %d: %w", seq, err)
	}
	v, err := assay.ParseVector(rec.Vector)
	if err != nil {
		return nil, fmt.Errorf("decision %d: %w", seq, err)
	}
	note := ShadowNote{Version: 1, Sequence: seq}
	for _, m := range models {
		if m.PlanDigest == v.Plan {
			x := m.Bundle.Score(m.Forest.Margin(v.Values))
			note.Scores = append(note.Scores, ShadowScore{m.Name, x.Model, x.Margin, x.PD})
		}
	}
	if len(note.Scores) == 0 {
		return nil, nil
	}
	raw, err := assay.MarshalCBOR(&note)
	if err != nil {
		return nil, err
	}
	return &journal.Record{Kind: ledger.Shadow, Subject: rec.Subject, Caller: shadowCaller,
		RequestID: strconv.FormatUint(seq, 10), Plan: v.Plan, Decision: raw}, nil
}

// KeepPlan drops the challengers of other plans, which cannot score the vectors of
// this plan.
func (s *Shadows) KeepPlan(plan assay.Digest) {
	var kept []*Model
	for _, m := range *s.models.Load() {
		if m.PlanDigest == plan {
			kept = append(kept, m)
		}
	}
	s.models.Store(&kept)
}

// ShadowScores returns the shadow scores of a decision from the journal, and the
// number of their record.
func ShadowScores(j *journal.Journal, seq uint64) (scores []ShadowScore, at uint64, err error) {
	at, _, ok, err := j.Lookup(shadowCaller, strconv.FormatUint(seq, 10))
	if err != nil || !ok {
		return nil, 0, err
	}
	rec, err := j.Get(at)
	if err != nil {
		return nil, 0, err
	}
	var note ShadowNote
	if err := assay.UnmarshalCBOR(rec.Decision, &note); err != nil {
		return nil, 0, fmt.Errorf("record %d: %w", at, err)
	}
	return note.Scores, at, nil
}
