// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/internal/nearest"
	"github.com/assayrisk/assay/ledger/journal"
	pb "github.com/assayrisk/assay/serving/assayv1"
	"github.com/assayrisk/assay/serving/auth"
	"github.com/assayrisk/assay/serving/engine"
	"github.com/assayrisk/assay/serving/wire"
)

// Bounds of ListDecisions. A page reads at most maxScan records, so that records which
// can be found by reading alone cannot occupy the server; the next page goes on from there.
const (
	defaultPage = 100
	maxPage     = 1000
	maxScan     = 1_000
	maxLooks    = 16 // of some milliseconds, see journal.Search
)

// Scoring comes before lists.
const (
	// maxLists bounds the calls that are under way; of these, one for every two
	// processors fills its page, and the others wait.
	maxLists = 8
	// recordsPerRow is how many records that a page reads cost one row of its
	// caller's rate.
	recordsPerRow = 16
	// While rows are being scored, a page waits for yieldFor after every yieldEvery
	// records, which take about a third of a millisecond to read.
	yieldEvery = 32
	yieldFor   = 2 * time.Millisecond
)

// errPageFull ends the scan of a page.
var errPageFull = errors.New("page full")

// page is a page of ListDecisions that is being filled.
type page struct {
	query *engine.Query
	size  int
	next  uint64 // the sequence number to go on from
	read  int    // records so far
	looks int    // of lookedAtMuch
	out   []*pb.ScoreResponse

	// beforeRecord is called before each record is read. Its error ends the page.
	beforeRecord func(ctx context.Context, read int) error

	// emptyError is returned in place of an empty list; nil: an empty list is a good
	// answer. found is set once this page or one before it has a decision.
	emptyError error
	found      bool
}

// ListDecisions implements pb.ScoringServer.
func (s *scoringServer) ListDecisions(ctx context.Context, req *pb.ListDecisionsRequest) (*pb.ListDecisionsResponse,
	error) {
	if err := s.admitRead(ctx); err != nil {
		return nil, err
	}
	select {
	case s.listSlots <- struct{}{}:
		defer func() { <-s.listSlots }()
	default:
		return nil, &engine.RetryError{Kind: assay.ErrExhausted,
			Why: fmt.Sprintf("the server is full: too many lists are under way, at most %d at once (fixed)",
				maxLists),
			After: 100 * time.Millisecond}
	}
	p := page{size: int(req.PageSize), beforeRecord: s.chargeAndYield}
	switch {
	case p.size == 0:
		p.size = defaultPage
	case p.size < 0 || p.size > maxPage:
		return nil, &assay.FieldError{Field: "page_size", Problem: fmt.Sprintf("want 1 to %d (fixed)", maxPage)}
	}
	var err error
	if p.next, p.found, err = readPageToken(req.PageToken); err != nil {
		return nil, err
	}
	if p.query, err = readQuery(ctx, req); err != nil {
		return nil, err
	}
	p.emptyError = s.unknownRoleError(p.query.Entity)
	select {
	case s.fillSlots <- struct{}{}:
		defer func() { <-s.fillSlots }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	err = p.fill(ctx, s.cfg.Journal)
	switch {
	case errors.Is(err, errPageFull):
		return &pb.ListDecisionsResponse{Decisions: p.out, NextPageToken: pageToken(p.next, p.found)}, nil
	case err != nil:
		return nil, err
	case !p.found && p.emptyError != nil:
		return nil, p.emptyError
	}
	return &pb.ListDecisionsResponse{Decisions: p.out}, nil
}

// fill reads the records that the journal's index finds until none is left, or the page is full (errPageFull).
func (p *page) fill(ctx context.Context, j *journal.Journal) (err error) {
	search, err := p.query.Search(j)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, search.Close()) }()
	for {
		first, end, err := search.Next(p.next)
		if err != nil {
			return err
		}
		p.next = first
		if first == end { // much was looked at
			if err := p.lookedAtMuch(ctx); err != nil {
				return err
			}
			continue
		}
		err = j.Scan(first, end, func(seq uint64, rec *journal.Record, unreadable error) error {
			return p.addRecord(ctx, seq, rec, unreadable)
		})
		if err != nil {
			return err
		}
		if j.Stats().Durable <= end {
			return nil
		}
		p.next = end
	}
}

// lookedAtMuch is called when the index was searched for a while without a match: it costs as much as the records that
// are read before one row is charged, and a page ends after maxLooks of it.
func (p *page) lookedAtMuch(ctx context.Context) error {
	if p.looks++; p.looks == maxLooks {
		return errPageFull
	}
	p.read += recordsPerRow - p.read%recordsPerRow
	return p.beforeRecord(ctx, p.read)
}

// addRecord reads one record, and adds it to the page if it matches.
func (p *page) addRecord(ctx context.Context, seq uint64, rec *journal.Record, unreadable error) error {
	if len(p.out) == p.size || p.read >= maxScan {
		return errPageFull
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := p.beforeRecord(ctx, p.read); err != nil {
		return err
	}
	p.read++
	p.next = seq + 1
	if unreadable != nil || !p.query.Matches(rec) {
		return nil
	}
	m, err := decisionResponse(rec)
	if err != nil {
		return err
	}
	if o, ok := wire.Outcome(m.Outcome); p.query.AnyOutcome || ok && o == p.query.Outcome {
		p.out, p.found = append(p.out, m), true
	}
	return nil
}

// chargeAndYield charges the records that a page reads to its caller's rate, and
// lets scoring go first. A caller that is over its rate gets the page so far; the
// next page goes on from there.
func (s *scoringServer) chargeAndYield(ctx context.Context, read int) error {
	if read > 0 && read%recordsPerRow == 0 && s.admitRead(ctx) != nil {
		return errPageFull
	}
	if read == 0 || read%yieldEvery != 0 || s.engine.InFlight() == 0 {
		return nil
	}
	s.yields.Add(1)
	t := time.NewTimer(yieldFor)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// readQuery reads the filter. A caller that is not an auditor gets only its own
// decisions.
func readQuery(ctx context.Context, req *pb.ListDecisionsRequest) (*engine.Query, error) {
	q := &engine.Query{From: math.MinInt64, To: math.MaxInt64,
		AnyOutcome: req.Outcome == pb.Outcome_OUTCOME_UNSPECIFIED}
	if req.From != nil {
		at, err := wire.ReadTime("from", req.From)
		if err != nil {
			return nil, err
		}
		q.From = at.UnixMicro()
	}
	if req.To != nil {
		at, err := wire.ReadTime("to", req.To)
		if err != nil {
			return nil, err
		}
		q.To = at.UnixMicro()
	}
	var ok bool
	if q.Outcome, ok = wire.Outcome(req.Outcome); !ok && !q.AnyOutcome {
		return nil, &assay.FieldError{Field: "outcome", Problem: "is not one of the outcomes"}
	}
	if q.From >= q.To {
		return nil, &assay.FieldError{Field: "from", Problem: "must lie before to: the range is empty"}
	}
	if req.Entity != nil {
		switch {
		case req.Entity.Role == "":
			return nil, &assay.FieldError{Field: "entity.role", Problem: "must not be empty"}
		case req.Entity.Id == "":
			return nil, &assay.FieldError{Field: "entity.id", Problem: "must not be empty"}
		}
		q.Entity = &assay.Entity{Role: req.Entity.Role, ID: req.Entity.Id}
	}
	if c := callerOf(ctx); c.Roles&auth.Audit == 0 {
		q.OwnOnly, q.Caller = true, c.Name
	}
	return q, nil
}

// unknownRoleError is the error of a list that finds nothing for an entity whose
// role no loaded plan has: most likely the role is misspelt. It is nil for a known
// role. The log is searched in any case, since plans that are no longer loaded may
// have had such a role.
func (s *Server) unknownRoleError(of *assay.Entity) error {
	if of == nil {
		return nil
	}
	var known []string
	for _, m := range s.engine.Models().All() {
		known = append(known, m.Plan.Roles()...)
	}
	if slices.Contains(known, of.Role) {
		return nil
	}
	problem := "no decision that was asked for has an entity of this role, and no loaded plan has roles"
	if slices.Sort(known); len(known) > 0 {
		problem = "no decision that was asked for has this entity, and no loaded plan has such a role: the roles are " +
			strings.Join(slices.Compact(known), ", ") + nearest.Hint(of.Role, known)
	}
	return &assay.FieldError{Field: "entity.role", Problem: problem}
}

// pageToken says where the next page goes on, and whether the pages so far had a
// decision.
func pageToken(next uint64, found bool) string {
	b := binary.BigEndian.AppendUint64(nil, next)
	if !found {
		b = append(b, 0)
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

func readPageToken(t string) (next uint64, found bool, err error) {
	if t == "" {
		return 0, false, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(t)
	if err != nil || len(b) != 8 && (len(b) != 9 || b[8] != 0) {
		return 0, false, &assay.FieldError{Field: "page_token", Problem: "was not made by this server"}
	}
	return binary.BigEndian.Uint64(b), len(b) == 8, nil
}
