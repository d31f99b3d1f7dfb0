// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"errors"
	"fmt"
	"io"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/serving/assayclient"
	pb "github.com/assayrisk/assay/serving/assayv1"
	v2 "github.com/assayrisk/assay/serving/inferencev2"
	"github.com/assayrisk/assay/serving/wire"
)

// calls are the generated clients of one caller.
type calls struct {
	score pb.ScoringClient
	admin pb.AdminClient
	infer v2.GRPCInferenceServiceClient
}

func callsOf(c *assayclient.Client) *calls {
	return &calls{pb.NewScoringClient(c.Conn()), pb.NewAdminClient(c.Conn()),
		v2.NewGRPCInferenceServiceClient(c.Conn())}
}

func scoreRequest(id string, e *assay.Event) *pb.ScoreRequest {
	return &pb.ScoreRequest{RequestId: id, Event: wire.Event(e)}
}

// rowError is the error of a row that was refused in its place, with the row's
// own fields as the details that a call would have had.
func rowError(m *pb.ScoreResponse, err error) error {
	e := m.GetError()
	if err != nil || e == nil {
		return err
	}
	st := status.New(codes.Code(e.Code), e.Message)
	if e.Field != "" {
		st, err = st.WithDetails(
			&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: e.Field}}})
	}
	if e.RetryAfter != nil && err == nil {
		st, err = st.WithDetails(&errdetails.RetryInfo{RetryDelay: e.RetryAfter})
	}
	if err != nil {
		return err
	}
	return st.Err()
}

func (c *calls) batch(ctx context.Context, req *pb.ScoreBatchRequest) error {
	m, err := c.score.ScoreBatch(ctx, req)
	if err != nil || len(m.Rows) == 0 {
		return err
	}
	return rowError(m.Rows[0], nil)
}

func (c *calls) recordBatch(ctx context.Context, req *pb.RecordBatchRequest) error {
	m, err := c.score.RecordBatch(ctx, req)
	if err != nil || len(m.Rows) == 0 {
		return err
	}
	return rowError(&pb.ScoreResponse{Error: m.Rows[0].Error}, nil)
}

func (c *calls) stream(ctx context.Context, req *pb.ScoreRequest) error {
	st, err := c.score.ScoreStream(ctx)
	if err != nil {
		return err
	}
	if err := st.Send(req); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	m, err := st.Recv()
	return rowError(m, err)
}

func (c *calls) watch(ctx context.Context) error {
	st, err := c.score.WatchCheckpoints(ctx, &pb.WatchCheckpointsRequest{})
	for err == nil {
		_, err = st.Recv()
	}
	return err
}

// byID calls each method that takes a request id, with a body that depends on the
// variant, so that two variants of one id are two bodies.
func (c *calls) byID(ctx context.Context, id string, variant int) map[string]func() error {
	amount := 10 + float64(variant)
	req, digest := scoreRequest(id, application("e-"+id, amount, 600)), assay.Sum("report", []byte{byte(variant)})
	return map[string]func() error{
		"Scoring/Score": func() error { _, err := c.score.Score(ctx, req); return err },
		"Scoring/ScoreBatch": func() error {
			return c.batch(ctx, &pb.ScoreBatchRequest{Rows: []*pb.ScoreRequest{req}})
		},
		"Scoring/ScoreStream": func() error { return c.stream(ctx, req) },
		"Scoring/Record": func() error {
			_, err := c.score.Record(ctx, &pb.RecordRequest{RequestId: id, Event: req.Event})
			return err
		},
		"Scoring/RecordBatch": func() error {
			return c.recordBatch(ctx,
				&pb.RecordBatchRequest{Rows: []*pb.RecordRequest{{RequestId: id, Event: req.Event}}})
		},
		"Admin/ActivateModel": func() error {
			_, err := c.admin.ActivateModel(ctx,
				&pb.ActivateModelRequest{RequestId: id, Bundle: fmt.Sprintf("second-%d", variant)})
			return err
		},
		"Admin/SetShadow": func() error {
			_, err := c.admin.SetShadow(ctx,
				&pb.SetShadowRequest{RequestId: id, Bundles: []string{fmt.Sprintf("second-%d", variant)}})
			return err
		},
		"Admin/SetPolicy": func() error {
			_, err := c.admin.SetPolicy(ctx,
				&pb.SetPolicyRequest{RequestId: id,
					Yaml: fmt.Appendf(nil, "name: p%d\ncutoffs: {review_from: 0.1, decline_from: 0.2}\n", variant)})
			return err
		},
		"Admin/EraseSubject": func() error {
			_, err := c.admin.EraseSubject(ctx,
				&pb.EraseSubjectRequest{RequestId: id, Role: "buyer", Id: fmt.Sprintf("B-%d", variant)})
			return err
		},
		"Admin/RecordReport": func() error {
			_, err := c.admin.RecordReport(ctx, &pb.RecordReportRequest{RequestId: id, ReportDigest: digest[:]})
			return err
		},
	}
}

// limited are calls of the methods whose rows are counted.
func (c *calls) limited(ctx context.Context) map[string]func() error {
	rows := c.byID(ctx, "two", 0)
	event := wire.Event(application("look", 10, 600))
	return map[string]func() error{
		"Scoring/Score": rows["Scoring/Score"], "Scoring/ScoreBatch": rows["Scoring/ScoreBatch"],
		"Scoring/ScoreStream": rows["Scoring/ScoreStream"], "Scoring/Record": rows["Scoring/Record"],
		"Scoring/RecordBatch": rows["Scoring/RecordBatch"],
		"Scoring/Explain": func() error {
			_, err := c.score.Explain(ctx, &pb.ExplainRequest{What: &pb.ExplainRequest_Event{Event: event}})
			return err
		},
		"inference.GRPCInferenceService/ModelInfer": func() error {
			_, err := c.infer.ModelInfer(ctx,
				&v2.ModelInferRequest{Inputs: []*v2.ModelInferRequest_InferInputTensor{
					{Name: "amount", Datatype: "FP64", Shape: []int64{1},
						Contents: &v2.InferTensorContents{Fp64Contents: []float64{1}}}}})
			return err
		},
	}
}
