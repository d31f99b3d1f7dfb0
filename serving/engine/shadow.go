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
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal"
	"github.com/assayrisk/assay/ledger/vault"
)

// Bounds of the shadow's way: decisions that wait, and those scored together.
const (
	shadowQueue = 4096
	shadowBatch = 64
)

// shadowCaller is whom the records of shadow scores are indexed under, with the
// decision's number as their request id. No caller has a name like it.
const shadowCaller = "\x00shadow"

// ShadowNote is what challengers made of the vector of one decision, as its
// record (kind shadow) commits to it: canonical CBOR. The keys are frozen.
type ShadowNote struct {
	Version  uint8         `cbor:"0,keyasint"` // 1
	Sequence uint64        `cbor:"1,keyasint"` // of the decision
	Scores   []ShadowScore `cbor:"2,keyasint"`
}

// ShadowScore is one challenger's.
type ShadowScore struct {
	Model  string       `cbor:"0,keyasint"`
	Digest assay.Digest `cbor:"1,keyasint"`
	Margin float64      `cbor:"2,keyasint"`
	PD     float64      `cbor:"3,keyasint"`
}

// Shadows scores challengers beside the active model, off the request's way:
// when the queue is full, the challengers miss the decision, never the caller.
//
//	decision durable ─▶ queue of numbers ─▶ read the record ─▶ score its vector ─▶ a record of kind shadow
//
// The record is sealed under the key of the decision's subject: erasing the
// subject erases what challengers made of it too. What waits when the process
// is killed is not scored.
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

// Use makes ms the challengers.
func (s *Shadows) Use(ms []*Model) { s.models.Store(&ms) }

// Dropped is how many decisions found the queue full, or were not recorded.
func (s *Shadows) Dropped() int64 { return s.dropped.Load() }

// Pause lets no challenger score until resume is called.
func (s *Shadows) Pause() (resume func()) {
	s.scoring.Lock()
	return s.scoring.Unlock
}

// offer gives a durable decision to the challengers.
func (s *Shadows) offer(seq uint64) {
	if len(*s.models.Load()) == 0 {
		return
	}
	select {
	case s.queue <- seq:
	default:
		s.dropped.Add(1)
	}
}

// run scores until ctx ends, and then what still waits.
func (s *Shadows) run(ctx context.Context, j *journal.Journal, now func() time.Time, log *slog.Logger) {
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
		if missed, err := s.score(j, now, batch); err != nil {
			s.dropped.Add(int64(missed))
			log.Warn("shadow scores were not recorded", "decisions", missed, "error", err)
		}
	}
}

// score scores decisions and records what came of it; missed of them have no
// record then, apart from those whose subject is erased.
func (s *Shadows) score(j *journal.Journal, now func() time.Time, seqs []uint64) (missed int, err error) {
	s.scoring.Lock()
	defer s.scoring.Unlock()
	models := *s.models.Load()
	var recs []*journal.Record
	for _, seq := range seqs {
		r, rerr := s.one(j, models, seq)
		switch {
		case errors.Is(rerr, vault.ErrErased) || errors.Is(rerr, journal.ErrRetired):
		case rerr != nil:
			missed, err = missed+1, rerr
		case r != nil:
			r.Micros = now().UnixMicro()
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
	for i := range numbers {
		numbers[i] = j.Take()
	}
	if _, aerr := j.AppendAll(context.Background(), numbers, recs); aerr != nil {
		return missed + len(recs), aerr
	}
	return missed, err
}

// one makes the record of one decision's shadow scores, nil if no challenger
// is of its plan.
func (s *Shadows) one(j *journal.Journal, models []*Model, seq uint64) (*journal.Record, error) {
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

// KeepPlan drops the challengers of other plans: they cannot score the vectors
// of this one.
func (s *Shadows) KeepPlan(plan assay.Digest) {
	var kept []*Model
	for _, m := range *s.models.Load() {
		if m.PlanDigest == plan {
			kept = append(kept, m)
		}
	}
	s.models.Store(&kept)
}

// ShadowScores reads the shadow scores of a decision from the journal, and the
// number of the record that has them.
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
