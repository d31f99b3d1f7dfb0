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
	"github.com/assayrisk/assay/models/eval"
	"github.com/assayrisk/assay/serving/assayclient"
	pb "github.com/assayrisk/assay/serving/assayv1"
	"github.com/assayrisk/assay/serving/wire"
)

// askedRows bounds the rows that a running server is asked about.
const askedRows = 2000

// apiKeyName names the variable that holds the key sent to --server.
const apiKeyName = "ASSAY_API_KEY"

// gatherServed asks a running server, or a stopped one's journal, for its
// scores of the evaluated rows.
func (f *evaluateFlags) gatherServed(ctx context.Context, u *ui, e *evaluation) error {
	switch {
	case f.server != "" && f.decisions != "":
		return usagef("--server and --decisions both say whose scores to compare: give one")
	case f.server != "":
		u.step("ask the server at %s for its scores", f.server)
		return e.askServer(ctx, f.server, f.serverCA)
	case f.decisions != "":
		u.step("read the decisions in %s", f.decisions)
		return e.readDecisions(ctx, f.decisions)
	}
	return nil
}

// serve fills the margins that the report compares with its own. Without a
// server they come from the path that an event takes through it: validate,
// make the vector from the windows as they stand, walk the compiled forest.
func (e *evaluation) serve(ctx context.Context, in *eval.Input) error {
	in.Served, in.ServedBy, in.Unasked = e.served, e.servedBy, e.unasked
	if in.Served != nil {
		return nil
	}
	in.Served, in.ServedBy = e.noneServed(), "the path of single events, as the server takes them, run in this process"
	var x []float64
	return e.scorer.replay(ctx, e.test, func(i int, ev *assay.Event, st *features.State) error {
		v, err := e.scorer.plan.Vector(x, ev, st)
		if err == nil {
			x = v.Values
			in.Served[i] = e.scorer.forest.Margin(x)
		}
		return err
	})
}

// noneServed is one NaN a row: not served.
func (e *evaluation) noneServed() []float64 {
	out := make([]float64, len(e.test.rows))
	for i := range out {
		out[i] = math.NaN()
	}
	return out
}

// askServer has a running server explain evenly spaced rows, which scores them
// and records nothing. A plan with windows reads those that the server has now:
// rows of such a plan can be compared by --decisions alone, and the report says so.
func (e *evaluation) askServer(ctx context.Context, addr, ca string) error {
	s := e.scorer
	if s.plan.HasWindows() {
		e.unasked = "The running server was not asked for its scores: the plan reads windows, and those of the server stand where its own events left them, so that each row would have to be replayed to it in the order in which the events came. Its past decisions can be compared with --decisions instead; what is compared above is the same code in this process, replaying the events in order."
		return nil
	}
	c, err := dialServer(addr, ca)
	if err != nil {
		return err
	}
	defer c.Close()
	scoring := pb.NewScoringClient(c.Conn())
	e.served, e.servedBy = e.noneServed(), "the running server at "+addr
	every := (len(e.test.rows) + askedRows - 1) / askedRows
	for i := 0; i < len(e.test.rows); i += every {
		ev, err := s.event(e.test, e.test.rows[i])
		if err != nil {
			return err
		}
		reply, err := scoring.Explain(ctx, &pb.ExplainRequest{What: &pb.ExplainRequest_Event{Event: wire.Event(&ev)}})
		if err != nil {
			return fmt.Errorf("ask %s: %w", addr, err)
		}
		if string(reply.ModelDigest) != string(s.bundle.Digest[:]) {
			return fmt.Errorf("%w: the server at %s decides by the model %x, not by %s", assay.ErrPrecondition, addr, reply.ModelDigest[:min(8, len(reply.ModelDigest))], s.bundle.Digest.Short())
		}
		e.served[i] = reply.Margin
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
func (e *evaluation) readDecisions(ctx context.Context, dir string) error {
	s := e.scorer
	key := func(ev *assay.Event, v *assay.Vector) string {
		if s.plan.Spec().ID != "" {
			return ev.ID
		}
		d := v.Digest()
		return string(d[:])
	}
	rows := map[string][]int{}
	err := s.replay(ctx, e.test, func(i int, ev *assay.Event, st *features.State) error {
		v, err := s.plan.Vector(nil, ev, st)
		if err == nil {
			k := key(ev, &v)
			rows[k] = append(rows[k], i)
		}
		return err
	})
	if err != nil {
		return err
	}
	j, err := openJournal(ctx, dir)
	if err != nil {
		return err
	}
	defer j.Close()
	e.served, e.servedBy = e.noneServed(), "the decisions in the journal of "+j.Origin()
	return j.Scan(0, math.MaxUint64, func(_ uint64, r *journal.Record, unreadable error) error {
		if unreadable != nil || r.Kind != ledger.Decision || r.Model != s.bundle.Digest {
			return ctx.Err()
		}
		ev, err := assay.ParseEvent(r.Private)
		if err != nil {
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
		for _, i := range rows[key(&ev, &v)] {
			e.served[i] = d.Score.Margin
		}
		return ctx.Err()
	})
}
