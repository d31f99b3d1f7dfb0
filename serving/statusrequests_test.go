// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	pb "github.com/assayrisk/assay/serving/assayv1"
	v2 "github.com/assayrisk/assay/serving/inferencev2"
	"github.com/assayrisk/assay/serving/wire"
)

// requests: what is wrong with the request, or with the state it meets.
func (s seen) requests(t *testing.T) {
	n := start(t, t.TempDir(), statusConfig(t))
	c, ctx := n.all("all-key"), t.Context()
	const invalid, missing, exists, state = codes.InvalidArgument, codes.NotFound, codes.AlreadyExists,
		codes.FailedPrecondition
	for method, call := range c.byID(ctx, "", 0) {
		s.want(t, method, invalid, "no request id", call)
	}
	bySequence := func(seq uint64) *pb.GetDecisionRequest {
		return &pb.GetDecisionRequest{Key: &pb.GetDecisionRequest_Sequence{Sequence: seq}}
	}
	explain := func(seq uint64) *pb.ExplainRequest {
		return &pb.ExplainRequest{What: &pb.ExplainRequest_Sequence{Sequence: seq}}
	}
	for method, call := range map[string]func() error{
		"Scoring/Explain": func() error {
			_, err := c.score.Explain(ctx, &pb.ExplainRequest{})
			return err
		},
		"Scoring/GetDecision": func() error {
			_, err := c.score.GetDecision(ctx, &pb.GetDecisionRequest{})
			return err
		},
		"Scoring/ListDecisions": func() error {
			_, err := c.score.ListDecisions(ctx, &pb.ListDecisionsRequest{PageSize: -1})
			return err
		},
		"inference.GRPCInferenceService/ModelInfer": func() error {
			_, err := c.infer.ModelInfer(ctx, &v2.ModelInferRequest{})
			return err
		},
	} {
		s.want(t, method, invalid, "a request that asks for nothing", call)
	}
	for method, call := range map[string]func() error{
		"Scoring/Explain": func() error {
			_, err := c.score.Explain(ctx, explain(999))
			return err
		},
		"Scoring/GetDecision": func() error {
			_, err := c.score.GetDecision(ctx, bySequence(999))
			return err
		},
		"Scoring/GetReceipt": func() error {
			_, err := c.score.GetReceipt(ctx, &pb.GetReceiptRequest{Sequence: 999})
			return err
		},
		"Admin/EraseSubject": c.byID(ctx, "nobody", 7)["Admin/EraseSubject"],
		"inference.GRPCInferenceService/ModelInfer": func() error {
			_, err := c.infer.ModelInfer(ctx, &v2.ModelInferRequest{ModelName: "none"})
			return err
		},
		"inference.GRPCInferenceService/ModelMetadata": func() error {
			_, err := c.infer.ModelMetadata(ctx, &v2.ModelMetadataRequest{Name: "none"})
			return err
		},
		"inference.GRPCInferenceService/RepositoryModelUnload": func() error {
			_, err := c.infer.RepositoryModelUnload(ctx, &v2.RepositoryModelUnloadRequest{ModelName: "none"})
			return err
		},
	} {
		s.want(t, method, missing, "nothing there", call)
	}
	// A record of each subject, so that it can be erased below.
	for i := range 3 {
		e := application(fmt.Sprintf("subject-%d", i), 10, 600)
		e.Entities[0].ID = fmt.Sprintf("B-%d", i)
		if _, err := c.score.Score(ctx, scoreRequest(e.ID, e)); err != nil {
			t.Fatal(err)
		}
	}
	for method := range c.byID(ctx, "", 0) {
		id := "id of " + method
		if err := c.byID(ctx, id, 1)[method](); err != nil {
			t.Fatalf("%s: %v", method, err)
		}
		s.want(t, method, exists, "one id, two bodies", c.byID(ctx, id, 2)[method])
	}
	bundleOf := func(name string) *pb.ActivateModelRequest {
		return &pb.ActivateModelRequest{RequestId: "b-" + name, Bundle: name}
	}
	s.want(t, "Admin/ActivateModel", state, "a bundle that is refused", func() error {
		_, err := c.admin.ActivateModel(ctx, bundleOf("none"))
		return err
	})
	s.want(t, "Admin/SetShadow", state, "a shadow of another plan", func() error {
		_, err := c.admin.SetShadow(ctx, &pb.SetShadowRequest{RequestId: "other", Bundles: []string{"other plan"}})
		return err
	})
	s.want(t, "inference.GRPCInferenceService/RepositoryModelLoad", state, "a bundle that is refused", func() error {
		_, err := c.infer.RepositoryModelLoad(ctx, &v2.RepositoryModelLoadRequest{ModelName: "none"})
		return err
	})
	active := n.server.engine.Models().Active.Name
	s.want(t, "inference.GRPCInferenceService/RepositoryModelUnload", state, "the active model", func() error {
		_, err := c.infer.RepositoryModelUnload(ctx, &v2.RepositoryModelUnloadRequest{ModelName: active})
		return err
	})
	// second-1 decides now
	s.want(t, "Scoring/Explain", state, "the model that decided is not loaded any more", func() error {
		if _, err := c.infer.RepositoryModelUnload(ctx, &v2.RepositoryModelUnloadRequest{ModelName: "first"}); err !=
			nil {
			return err
		}
		_, err := c.score.Explain(ctx, explain(begun))
		return err
	})
	// The subject B-1 was erased above.
	for method, call := range map[string]func() error{
		"Scoring/Score": func() error {
			e := application("subject-1", 10, 600)
			e.Entities[0].ID = "B-1"
			_, err := c.score.Score(ctx, scoreRequest(e.ID, e))
			return err
		},
		"Scoring/GetDecision": func() error { _, err := c.score.GetDecision(ctx, bySequence(begun+1)); return err },
		"Scoring/GetReceipt": func() error {
			_, err := c.score.GetReceipt(ctx, &pb.GetReceiptRequest{Sequence: begun + 1})
			return err
		},
	} {
		s.want(t, method, state, "an erased subject", call)
	}
	big := strings.Repeat("x", 1<<17)
	huge := application(big, 10, 600)
	for method, call := range map[string]func() error{
		"Scoring/Score": func() error { _, err := c.score.Score(ctx, scoreRequest("big", huge)); return err },
		"Scoring/ScoreBatch": func() error {
			return c.batch(ctx, &pb.ScoreBatchRequest{Rows: []*pb.ScoreRequest{scoreRequest("big", huge)}})
		},
		"Scoring/ScoreStream": func() error { return c.stream(ctx, scoreRequest("big", huge)) },
		"Scoring/Record": func() error {
			_, err := c.score.Record(ctx, &pb.RecordRequest{RequestId: "big", Event: wire.Event(huge)})
			return err
		},
		"Scoring/RecordBatch": func() error {
			return c.recordBatch(ctx,
				&pb.RecordBatchRequest{Rows: []*pb.RecordRequest{{RequestId: "big", Event: wire.Event(huge)}}})
		},
		"Admin/SetPolicy": func() error {
			_, err := c.admin.SetPolicy(ctx, &pb.SetPolicyRequest{RequestId: big})
			return err
		},
		"inference.GRPCInferenceService/ModelInfer": func() error {
			_, err := c.infer.ModelInfer(ctx, &v2.ModelInferRequest{ModelName: big})
			return err
		},
	} {
		s.want(t, method, codes.ResourceExhausted, "too large", call)
	}
}
