// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"errors"
	"fmt"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger/journal"
	pb "github.com/assayrisk/assay/serving/assayv1"
	"github.com/assayrisk/assay/serving/engine"
)

// eraseTag precedes the subject in the body of an erasure's request.
const eraseTag = "erase\n"

// EraseSubject implements pb.AdminServer. The record of the erasure has the request
// id, so that after a crash the same request again is either answered like the
// first or done now; there is no state in between.
func (a *admin) EraseSubject(ctx context.Context, req *pb.EraseSubjectRequest) (*pb.EraseSubjectResponse, error) {
	if req.Role == "" || req.Id == "" {
		return nil, &assay.FieldError{Field: "role", Problem: "role and id are both needed"}
	}
	subject, c := engine.Subject(req.Role, req.Id), callerOf(ctx)
	body := assay.Sum(engine.BodyTag, []byte(eraseTag+subject))
	a.mu.Lock()
	defer a.mu.Unlock()
	seq, done, err := a.lookupAct(ctx, req.RequestId, body)
	if err != nil {
		return nil, err
	}
	if !done {
		if seq, err = a.destroyKey(ctx,
			journal.ErasureRequest{Subject: subject, Reason: "asked for by " + c.Name, Caller: c.Name,
				RequestID: req.RequestId, Body: body}); err != nil {
			return nil, err
		}
		a.log.Info("admin", "act", "erase", "by", c.Name, "sequence", seq)
	}
	// Also for a repeated request: the first may have been cut short here.
	if err := a.cfg.Journal.WaitErased(ctx, seq); err != nil {
		return nil, err
	}
	return &pb.EraseSubjectResponse{Sequence: seq}, nil
}

// destroyKey says in an admin's words why a subject cannot be erased.
func (a *admin) destroyKey(ctx context.Context, e journal.ErasureRequest) (seq uint64, err error) {
	seq, err = a.engine.Erase(ctx, e)
	if errors.Is(err, assay.ErrNotFound) {
		return 0, fmt.Errorf("no record can be read by this subject's key: there is none, or the subject was erased "+
			"before: %w", assay.ErrNotFound)
	}
	return seq, err
}
