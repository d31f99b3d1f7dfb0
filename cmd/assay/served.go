// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"math"
	"os"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal"
	"github.com/assayrisk/assay/serving/assayclient"
	pb "github.com/assayrisk/assay/serving/assayv1"
	"github.com/assayrisk/assay/serving/engine"
	"github.com/assayrisk/assay/serving/wire"
	"github.com/assayrisk/assay/training"
)

// askedRows bounds the rows that a running server is asked about.
const askedRows = 2000

// apiKeyName names the variable that holds the key sent to --server.
const apiKeyName = "ASSAY_API_KEY"

// gatherServed asks a running server, or a stopped one's journal, for its
// scores of the evaluated rows.
func (f *evaluateFlags) gatherServed(ctx context.Context, u *ui, e *training.Evaluation) error {
	switch {
	case f.server != "" && f.decisions != "":
		return usagef("--server and --decisions both say whose scores to compare: give one")
	case f.server != "":
		u.Step("ask the server at %s for its scores", f.server)
		return askServer(ctx, e, f.server, f.serverCA)
	case f.decisions != "":
		u.Step("read the decisions in %s", f.decisions)
		return readDecisions(ctx, e, f.decisions, &f.parts)
	}
	return nil
}

// askServer has a running server explain evenly spaced rows, which scores them
// and records nothing. A plan with windows reads those that the server has now:
// rows of such a plan can be compared by --decisions alone, and the report says so.
func askServer(ctx context.Context, e *training.Evaluation, addr, ca string) error {
	s := e.Scorer
	if s.Plan.HasWindows() {
		e.WhyNotServed = "The running server was not asked for its scores: the plan reads windows, and those of the " +
			"server are as its own events left them, so that each row would have to be replayed to it in the " +
			"order in which the events came. Its past decisions can be compared with --decisions instead; what is " +
			"compared above is the same code in this process, replaying the events in order."
		return nil
	}
	c, err := dialServer(addr, ca)
	if err != nil {
		return err
	}
	defer c.Close()
	scoring := pb.NewScoringClient(c.Conn())
	e.Served, e.ServedBy = e.UnservedMargins(), "the running server at "+addr
	every := (len(e.Test.Rows) + askedRows - 1) / askedRows
	for i := 0; i < len(e.Test.Rows); i += every {
		ev, err := s.Event(e.Test, e.Test.Rows[i])
		if err != nil {
			return err
		}
		reply, err := scoring.Explain(ctx, &pb.ExplainRequest{What: &pb.ExplainRequest_Event{Event: wire.Event(&ev)}})
		if err != nil {
			return fmt.Errorf("ask %s: %w", addr, err)
		}
		if string(reply.ModelDigest) != string(s.Bundle.Digest[:]) {
			return fmt.Errorf("%w: the server at %s decides by the model %x, not by %s", assay.ErrPrecondition, addr,
				reply.ModelDigest[:min(8, len(reply.ModelDigest))], s.Bundle.Digest.Short())
		}
		e.Served[i] = reply.Margin
	}
	return nil
}

// dialServer connects to a running server: in plain text, or with the authority
// that signed its certificate.
func dialServer(addr, ca string) (*assayclient.Client, error) {
	cfg := assayclient.Config{APIKey: os.Getenv(apiKeyName)}
	if ca != "" {
		pem, err := os.ReadFile(ca)
		if err != nil {
			return nil, err
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%w: %s holds no certificate in PEM", assay.ErrInvalid, ca)
		}
		cfg.TLS = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS13}
	}
	return assayclient.Dial(addr, cfg)
}

// readDecisions takes the margins of past decisions by this model. A row is
// known by its event id where the plan names a column of ids, else by its
// vector.
func readDecisions(ctx context.Context, e *training.Evaluation, dir string, parts *ledgerParts) error {
	s := e.Scorer
	key := func(ev *assay.Event, v *assay.Vector) string {
		if s.Plan.Spec().ID != "" {
			return ev.ID
		}
		d := v.Digest()
		return string(d[:])
	}
	rows := map[string][]int{}
	err := s.Replay(ctx, e.Test, func(i int, ev *assay.Event, st *features.State) error {
		v, err := s.Plan.Vector(nil, ev, st)
		if err == nil {
			k := key(ev, &v)
			rows[k] = append(rows[k], i)
		}
		return err
	})
	if err != nil {
		return err
	}
	j, end, err := openJournal(ctx, dir, parts)
	if err != nil {
		return err
	}
	defer end()
	e.Served, e.ServedBy = e.UnservedMargins(), "the decisions in the journal of "+j.Origin()
	return j.Scan(0, math.MaxUint64, func(_ uint64, r *journal.Record, unreadable error) error {
		if unreadable != nil || r.Kind != ledger.Decision || r.Model != s.Bundle.Digest {
			return ctx.Err()
		}
		ev, err := engine.EventOf(r)
		if err != nil || ev == nil {
			return err
		}
		v, err := assay.ParseVector(r.Vector)
		if err != nil {
			return err
		}
		d, err := assay.ParseDecision(r.Decision)
		if err != nil {
			return err
		}
		for _, i := range rows[key(ev, &v)] {
			e.Served[i] = d.Score.Margin
		}
		return ctx.Err()
	})
}
