// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	pb "github.com/assayrisk/assay/serving/assayv1"
)

// outcomesLooked is how many decisions printOutcomes looks at.
const outcomesLooked = 200

// printOutcomes says what was decided, from a sample spread over all decisions:
// those that are not approved cost an explanation more.
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
	for i := range uint64(outcomesLooked) {
		d, err := pb.NewScoringClient(conn).GetDecision(ctx,
			&pb.GetDecisionRequest{Key: &pb.GetDecisionRequest_Sequence{Sequence: 1 + i*decisions/outcomesLooked}})
		if err != nil {
			return err
		}
		counts[d.Decision.Outcome]++
	}
	share := func(o pb.Outcome) float64 { return 100 * float64(counts[o]) / outcomesLooked }
	fmt.Printf("of %d decisions %.0f %% were approved, %.0f %% sent to review, %.0f %% declined (a sample of %d)\n",
		decisions,
		share(pb.Outcome_OUTCOME_APPROVE), share(pb.Outcome_OUTCOME_REVIEW), share(pb.Outcome_OUTCOME_DECLINE),
		outcomesLooked)
	return nil
}
