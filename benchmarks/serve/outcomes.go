// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	pb "github.com/assayrisk/assay/serving/assayv1"
)

// outcomesSampled is how many decisions printOutcomes reads.
const outcomesSampled = 200

// printOutcomes prints what was decided, from a sample spread over all decisions.
// It matters for the time: a decision other than approval needs an explanation.
func printOutcomes(ctx context.Context, addr string) error {
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer conn.Close()
	st, err := pb.NewAdminClient(conn).GetStatus(ctx, &pb.GetStatusRequest{})
	if err != nil {
		return err
	}
	if st.NextSequence < 2 {
		return nil
	}
	decisions := st.NextSequence - 1 // record 0 is the server's start
	counts := map[pb.Outcome]int{}
	for i := range uint64(outcomesSampled) {
		d, err := pb.NewScoringClient(conn).GetDecision(ctx,
			&pb.GetDecisionRequest{Key: &pb.GetDecisionRequest_Sequence{Sequence: 1 + i*decisions/outcomesSampled}})
		if err != nil {
			return err
		}
		counts[d.Decision.Outcome]++
	}
	share := func(o pb.Outcome) float64 { return 100 * float64(counts[o]) / outcomesSampled }
	fmt.Printf("of %d decisions %.0f %% were approved, %.0f %% sent to review, %.0f %% declined (a sample of %d)\n",
		decisions, share(pb.Outcome_OUTCOME_APPROVE), share(pb.Outcome_OUTCOME_REVIEW),
		share(pb.Outcome_OUTCOME_DECLINE), outcomesSampled)
	return nil
}
