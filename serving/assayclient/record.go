// SPDX-License-Identifier: Apache-2.0

package assayclient

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/assayrisk/assay"
	pb "github.com/assayrisk/assay/serving/assayv1"
	"github.com/assayrisk/assay/serving/wire"
)

// Recorded is the durable record of a fact with its proof.
type Recorded struct {
	Sequence uint64
	Promise  []byte // the log's signed promise: keep it
	Repeated bool   // an earlier call with this request id made it
	// LateBy is 0 for a fact in time. Otherwise the fact came later than the plan's
	// lateness allows: it lies so far behind the newest event before it, and
	// LateWindows do not count it.
	LateBy      time.Duration
	LateWindows []string
}

// Record records a fact.
func (c *Client) Record(ctx context.Context, requestID string, e *assay.Event) (*Recorded, error) {
	req := &pb.RecordRequest{RequestId: requestID, Event: wire.Event(e)}
	var m *pb.RecordResponse
	if err := c.retry(ctx, func() (err error) { m, err = c.rpc.Record(ctx, req); return err }); err != nil {
		return nil, err
	}
	return c.decodeRecorded(m)
}

// RecordedRow is the answer to one fact of a batch: its record or an error.
type RecordedRow struct {
	*Recorded
	Err error
}

// RecordBatch records many facts in one call, in order.
func (c *Client) RecordBatch(ctx context.Context, rows []Request) ([]RecordedRow, error) {
	req := &pb.RecordBatchRequest{Rows: make([]*pb.RecordRequest, len(rows))}
	for i, r := range rows {
		req.Rows[i] = &pb.RecordRequest{RequestId: r.ID, Event: wire.Event(r.Event)}
	}
	var m *pb.RecordBatchResponse
	if err := c.retry(ctx, func() (err error) { m, err = c.rpc.RecordBatch(ctx, req); return err }); err != nil {
		return nil, err
	}
	if len(m.Rows) != len(rows) {
		return nil, fmt.Errorf("assayclient: %d answers to %d facts: %w", len(m.Rows), len(rows), ErrBadProof)
	}
	out := make([]RecordedRow, len(rows))
	for i, r := range m.Rows {
		if r.Error != nil {
			out[i].Err = status.Error(codes.Code(r.Error.Code), r.Error.Message)
			continue
		}
		out[i].Recorded, out[i].Err = c.decodeRecorded(r)
	}
	return out, nil
}

func (c *Client) decodeRecorded(m *pb.RecordResponse) (*Recorded, error) {
	if err := c.checkPromise(m.Sequence, m.Promise); err != nil {
		return nil, err
	}
	return &Recorded{Sequence: m.Sequence, Promise: m.Promise, Repeated: m.RepeatedRequest,
		LateBy: m.LateBy.AsDuration(), LateWindows: m.LateWindows}, nil
}
