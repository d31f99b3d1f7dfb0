// SPDX-License-Identifier: Apache-2.0

// Package assayclient asks an Assay server for decisions.
//
//	c, err := assayclient.Dial("127.0.0.1:7400", assayclient.Config{APIKey: key, LogKey: logKey})
//	d, err := c.Score(ctx, "order-4711", &event)
//	if d.Outcome == assay.Approve { ... }
//
// A request is retried with its request id until it is answered or ctx ends: the
// server scores one id once, so a retry never decides twice. With the log's key,
// every promise, decision and receipt is checked as it arrives: the log's owner
// signed it, the reply agrees with the canonical bytes that the log commits to, and
// the record is in the log. Keep the promise: it proves that the decision was
// given, should the log ever lack it.
package assayclient

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	pb "github.com/assayrisk/assay/serving/assayv1"
	"github.com/assayrisk/assay/serving/wire"
)

// Config of a client; its zero value dials in plain text, with no credential
// and no key to check promises with.
type Config struct {
	APIKey string                                              // sent as x-api-key
	Bearer func(ctx context.Context) (token string, err error) // called for each call, sent as authorization
	TLS    *tls.Config                                         // nil: plain text, for loopback
	// LogKey is the log's note verifier key; "": promises are not checked.
	LogKey string
	// Attempts bounds how often one request is sent; 0: 8.
	Attempts int
	// DialOptions are added when dialling.
	DialOptions []grpc.DialOption
}

// Client asks for decisions. It is safe for concurrent use.
type Client struct {
	cfg  Config
	conn *grpc.ClientConn
	rpc  pb.ScoringClient
	key  *ledger.Key
}

// ErrBadProof matches the error of a reply that does not prove what it says. Such
// a request is not retried: keep the reply and ask the operator.
var ErrBadProof = errors.New("the reply's proof does not hold")

// Dial makes a client. It connects when the first request is sent.
func Dial(target string, cfg Config) (*Client, error) {
	c := &Client{cfg: cfg}
	if cfg.LogKey != "" {
		k, err := ledger.ParseKey(cfg.LogKey)
		if err != nil {
			return nil, fmt.Errorf("assayclient: LogKey: %w", err)
		}
		c.key = &k
	}
	creds := insecure.NewCredentials()
	if cfg.TLS == nil && (cfg.APIKey != "" || cfg.Bearer != nil) && !isLocal(target) {
		return nil, fmt.Errorf("assayclient: a credential would travel in plain text to %s: set Config.TLS", target)
	}
	if cfg.TLS != nil {
		creds = credentials.NewTLS(cfg.TLS)
	}
	opts := append([]grpc.DialOption{
		grpc.WithTransportCredentials(creds),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(wire.NewCodec()), grpc.MaxCallRecvMsgSize(64<<20)),
		grpc.WithPerRPCCredentials(callCredentials{cfg}),
	}, cfg.DialOptions...)
	conn, err := grpc.NewClient(target, opts...)
	if err != nil {
		return nil, fmt.Errorf("assayclient: %w", err)
	}
	c.conn, c.rpc = conn, pb.NewScoringClient(conn)
	return c, nil
}

// isLocal reports whether a target is on this machine: a loopback address, a Unix
// socket, or a dialler of the caller's own.
func isLocal(target string) bool {
	if scheme, rest, ok := strings.Cut(target, ":///"); ok {
		if scheme == "passthrough" || scheme == "unix" {
			return true
		}
		target = rest
	}
	host, _, err := net.SplitHostPort(target)
	if err != nil {
		host = target
	}
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasPrefix(target, "unix:") || ip != nil && ip.IsLoopback()
}

// Close closes the connection.
func (c *Client) Close() error { return c.conn.Close() }

// Conn returns the connection, for methods that this package does not wrap.
func (c *Client) Conn() *grpc.ClientConn { return c.conn }

// Decision is a decision with its proof.
type Decision struct {
	assay.Decision
	Canonical []byte            // the bytes that the log commits to
	Promise   []byte            // the log's signed promise: keep it
	Repeated  bool              // an earlier call with this request id made it
	Response  *pb.ScoreResponse // the whole reply
}

// Score asks for one decision.
func (c *Client) Score(ctx context.Context, requestID string, e *assay.Event) (*Decision, error) {
	req := &pb.ScoreRequest{RequestId: requestID, Event: wire.Event(e)}
	var m *pb.ScoreResponse
	err := c.retry(ctx, func() (err error) { m, err = c.rpc.Score(ctx, req); return err })
	if err != nil {
		return nil, err
	}
	return c.checkReply(requestID, m)
}

// Request is one row of a batch: an event to decide about, or a fact.
type Request struct {
	ID    string
	Event *assay.Event
}

// Row is the answer to one row: a decision or an error.
type Row struct {
	Decision *Decision
	Err      error
}

// ScoreBatch asks for many decisions in one call, in order.
func (c *Client) ScoreBatch(ctx context.Context, rows []Request) ([]Row, error) {
	req := &pb.ScoreBatchRequest{Rows: make([]*pb.ScoreRequest, len(rows))}
	for i, r := range rows {
		req.Rows[i] = &pb.ScoreRequest{RequestId: r.ID, Event: wire.Event(r.Event)}
	}
	var m *pb.ScoreBatchResponse
	if err := c.retry(ctx, func() (err error) { m, err = c.rpc.ScoreBatch(ctx, req); return err }); err != nil {
		return nil, err
	}
	if len(m.Rows) != len(rows) {
		return nil, fmt.Errorf("assayclient: %d answers to %d rows: %w", len(m.Rows), len(rows), ErrBadProof)
	}
	out := make([]Row, len(rows))
	for i, r := range m.Rows {
		out[i].Decision, out[i].Err = c.decodeRow(rows[i].ID, r)
	}
	return out, nil
}

func (c *Client) decodeRow(id string, m *pb.ScoreResponse) (*Decision, error) {
	if m.Error != nil {
		return nil, status.Error(codes.Code(m.Error.Code), m.Error.Message)
	}
	return c.checkReply(id, m)
}

// ScoreStream sends the requests that next returns, until it returns io.EOF, and
// calls each with the answers, in the same order. An error of either ends the
// stream. It does not retry: after an error, send what was not answered again, with
// the same ids.
func (c *Client) ScoreStream(ctx context.Context, next func() (Request, error),
	each func(id string, r Row) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	st, err := c.rpc.ScoreStream(ctx)
	if err != nil {
		return err
	}
	sent := make(chan error, 1)
	go func() {
		for {
			r, err := next()
			if err == nil {
				err = st.Send(&pb.ScoreRequest{RequestId: r.ID, Event: wire.Event(r.Event)})
			} else if errors.Is(err, io.EOF) {
				sent <- st.CloseSend()
				return
			}
			if err != nil {
				cancel()
				sent <- err
				return
			}
		}
	}()
	for {
		m, err := st.Recv()
		if errors.Is(err, io.EOF) {
			return <-sent
		}
		if err != nil {
			select {
			case serr := <-sent:
				if serr != nil && !errors.Is(serr, io.EOF) {
					return serr
				}
			default:
			}
			return err
		}
		d, rerr := c.decodeRow(m.RequestId, m)
		if err := each(m.RequestId, Row{d, rerr}); err != nil {
			return err
		}
	}
}

// Receipt returns the receipt of a record; it waits until the log has published
// the record. With the log's key it is verified: the record opens its leaf, the
// leaf was promised, and it is included under a checkpoint that the log signed.
// Whether a chain has the checkpoint is not checked: see ledger/anchor.
func (c *Client) Receipt(ctx context.Context, sequence uint64) (*assay.Receipt, error) {
	var m *pb.GetReceiptResponse
	err := c.retry(ctx, func() (err error) {
		m, err = c.rpc.GetReceipt(ctx, &pb.GetReceiptRequest{Sequence: sequence, Wait: true})
		return err
	})
	if err != nil {
		return nil, err
	}
	r, err := ledger.ParseReceipt(m.ReceiptJson)
	if err != nil {
		return nil, fmt.Errorf("assayclient: receipt: %w: %w", ErrBadProof, err)
	}
	if r.Index != sequence {
		return nil, fmt.Errorf("assayclient: the receipt is of record %d, asked for %d: %w",
			r.Index, sequence, ErrBadProof)
	}
	if c.key == nil {
		return r, nil
	}
	included := false
	for _, f := range ledger.Verify(r, ledger.Trust{LogKey: c.cfg.LogKey}) {
		if f.State == ledger.Refused {
			return nil, fmt.Errorf("assayclient: the receipt of record %d, %s: %s: %w", sequence,
				f.Step, f.Detail, ErrBadProof)
		}
		included = included || f.Step == ledger.StepInclusion && f.State == ledger.Proven
	}
	if !included {
		return nil, fmt.Errorf("assayclient: the receipt of record %d does not show that the record is in the log: %w",
			sequence, ErrBadProof)
	}
	return r, nil
}

// checkReply checks the reply against its proof.
func (c *Client) checkReply(id string, m *pb.ScoreResponse) (*Decision, error) {
	d, err := assay.ParseDecision(m.Decision)
	if err != nil {
		return nil, fmt.Errorf("assayclient: %w: %w", ErrBadProof, err)
	}
	if d.RequestID != id {
		return nil, fmt.Errorf("assayclient: the reply is about another request: %w", ErrBadProof)
	}
	if f := differingField(m, &d); f != "" {
		return nil, fmt.Errorf("assayclient: the reply's %s is not that of the decision that it proves: %w", f,
			ErrBadProof)
	}
	if err := c.checkPromise(m.Sequence, m.Promise); err != nil {
		return nil, err
	}
	return &Decision{Decision: d, Canonical: m.Decision, Promise: m.Promise, Repeated: m.RepeatedRequest, Response: m},
		nil
}

// differingField names the first field of a reply that does not agree with the
// decision whose canonical bytes it carries, "" for none. Fields that no decision
// has (expected loss, price, lateness, the promise itself) are not compared.
func differingField(m *pb.ScoreResponse, d *assay.Decision) string {
	want := new(pb.ScoreResponse)
	wire.FillDecision(want, d, m.Decision)
	got, all := m.ProtoReflect(), m.ProtoReflect().Descriptor().Fields()
	for i := range all.Len() {
		switch f := all.Get(i); f.Name() {
		case "promise", "repeated_request", "error", "expected_loss", "price", "late_by", "late_windows":
		default:
			if !got.Get(f).Equal(want.ProtoReflect().Get(f)) {
				return string(f.Name())
			}
		}
	}
	return ""
}

func (c *Client) checkPromise(seq uint64, b []byte) error {
	p, err := ledger.ParsePromise(b)
	if err != nil {
		return fmt.Errorf("assayclient: %w: %w", ErrBadProof, err)
	}
	if p.Sequence != seq {
		return fmt.Errorf("assayclient: the promise is for record %d, the reply is record %d: %w",
			p.Sequence, seq, ErrBadProof)
	}
	if c.key == nil {
		return nil
	}
	if err := p.Verify(*c.key); err != nil {
		return fmt.Errorf("assayclient: %w: %w", ErrBadProof, err)
	}
	return nil
}

// retry sends until another attempt could not change the answer. Between attempts
// it waits as long as the server asks (RetryInfo), or twice as long each time.
func (c *Client) retry(ctx context.Context, send func() error) error {
	attempts := c.cfg.Attempts
	if attempts <= 0 {
		attempts = 8
	}
	wait := 20 * time.Millisecond
	for n := 1; ; n++ {
		err := send()
		st := status.Convert(err)
		code := st.Code()
		if code == codes.ResourceExhausted && strings.Contains(st.Message(), "received message larger than max") {
			return fmt.Errorf("%w: send smaller batches, or raise the server's setting max-message", err)
		}
		if code != codes.Unavailable && code != codes.ResourceExhausted || n >= attempts ||
			strings.Contains(st.Message(), "larger than max-message") {
			return err // sending the same again would not help
		}
		pause := wait
		for _, d := range st.Details() {
			if r, ok := d.(*errdetails.RetryInfo); ok {
				pause = max(r.RetryDelay.AsDuration(), time.Millisecond)
			}
		}
		wait = min(2*wait, 2*time.Second)
		t := time.NewTimer(pause)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return err
		}
	}
}

// callCredentials adds the credential to each call.
type callCredentials struct{ cfg Config }

// GetRequestMetadata implements credentials.PerRPCCredentials.
func (p callCredentials) GetRequestMetadata(ctx context.Context, _ ...string) (map[string]string, error) {
	switch {
	case p.cfg.APIKey != "":
		return map[string]string{"x-api-key": p.cfg.APIKey}, nil
	case p.cfg.Bearer != nil:
		t, err := p.cfg.Bearer(ctx)
		if err != nil {
			return nil, err
		}
		return map[string]string{"authorization": "Bearer " + t}, nil
	}
	return nil, nil
}

// RequireTransportSecurity implements credentials.PerRPCCredentials. It allows
// plain text because a server on loopback has no TLS; Dial refuses other targets.
func (p callCredentials) RequireTransportSecurity() bool { return false }
