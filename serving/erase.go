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

// eraseTag stands before the subject in the digest of an erasure's request.
const eraseTag = "erase\n"

// EraseSubject implements pb.AdminServer. The erasure's own record carries the
// request id, so that after a crash the same request again is answered as the
// first would have been, or done now; there is no state between.
func (a *admin) EraseSubject(ctx context.Context, req *pb.EraseSubjectRequest) (*pb.EraseSubjectResponse, error) {
	if req.Role == "" || req.Id == "" {
		return nil, &assay.FieldError{Field: "role", Problem: "role and id are both needed"}
	}
	subject, c := engine.Subject(req.Role, req.Id), callerOf(ctx)
	body := assay.Sum(engine.BodyTag, []byte(eraseTag+subject))
	a.mu.Lock()
	defer a.mu.Unlock()
	seq, done, err := a.once(ctx, req.RequestId, body)
	if err != nil {
		return nil, err
	}
	if !done {
		if seq, err = a.destroy(ctx,
			journal.ErasureRequest{Subject: subject, Reason: "asked for by " + c.Name, Caller: c.Name,
				RequestID: req.RequestId, Body: body}); err != nil {
			return nil, err
		}
		a.log.Info("admin", "act", "erase", "by", c.Name, "sequence", seq)
	}
	// Also when it was asked for before: the first may have been cut short here.
	if err := a.cfg.Journal.WaitErased(ctx, seq); err != nil {
		return nil, err
	}
	return &pb.EraseSubjectResponse{Sequence: seq}, nil
}

// destroy erases while no challenger scores: a shadow record that was made
// from the old key's records would be sealed under the subject's next key.
func (a *admin) destroy(ctx context.Context, e journal.ErasureRequest) (seq uint64, err error) {
	defer a.engine.Shadows().Pause()()
	seq, _, err = a.cfg.Journal.DestroyKey(ctx, e)
	if errors.Is(err, assay.ErrNotFound) {
		return 0, fmt.Errorf("no record can be read by this subject's key: there is none, or the subject was erased "+
			"before: %w", assay.ErrNotFound)
	}
	return seq, err
}
