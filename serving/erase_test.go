// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"errors"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal"
	"github.com/assayrisk/assay/ledger/vault"
	"github.com/assayrisk/assay/serving/assayclient"
	pb "github.com/assayrisk/assay/serving/assayv1"
	"github.com/assayrisk/assay/serving/engine"
)

// TestErase: erasing is done once, answers the same request the same way, and
// says so when there is nothing to erase.
func TestErase(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir(), Config{})
	e := application("e", 10, 600)
	d, err := n.client.Score(t.Context(), "r", e)
	if err != nil {
		t.Fatal(err)
	}
	adm := pb.NewAdminClient(n.client.Conn())
	req := &pb.EraseSubjectRequest{RequestId: "x", Role: e.Entities[0].Role, Id: e.Entities[0].ID}
	first, err := adm.EraseSubject(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	again, err := adm.EraseSubject(t.Context(), req)
	if err != nil || again.Sequence != first.Sequence {
		t.Errorf("the same request again: %v, %v, want sequence %d", again, err, first.Sequence)
	}
	if _, err := n.journal.Get(d.Sequence); err == nil {
		t.Error("the erased record can be read")
	}
	req.Id = "nobody"
	if _, err := adm.EraseSubject(t.Context(), req); status.Code(err) != codes.AlreadyExists {
		t.Errorf("the same id with another subject: %v", err)
	}
	req.RequestId = "y"
	if _, err := adm.EraseSubject(t.Context(), req); status.Code(err) != codes.NotFound {
		t.Errorf("a subject that is not there: %v", err)
	}
}

// TestEraseCutShort stops the server after the only step that a crash can separate
// from the reply: the erasure's record is durable, and nobody got the reply. (Package
// journal's TestKillsWhileErasing kills processes and finds no other state.) The same
// request again is then answered with that record, the same request of another admin
// finds nothing to erase, and the erasure is final.
func TestEraseCutShort(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cfg := Config{Auth: keys("officer:admin,score", "other:admin")}
	n := start(t, dir, cfg)
	e := application("e", 10, 600)
	d, err := n.dial(assayclient.Config{APIKey: "officer-key"}).Score(t.Context(), "r", e)
	if err != nil {
		t.Fatal(err)
	}
	req := &pb.EraseSubjectRequest{RequestId: "x", Role: e.Entities[0].Role, Id: e.Entities[0].ID}
	subject := engine.Subject(req.Role, req.Id)
	seq, err := newAdmin(n.server, nil).destroyKey(t.Context(),
		journal.ErasureRequest{Subject: subject, Reason: "asked for by officer", Caller: "officer",
			RequestID: "x", Body: assay.Sum(engine.BodyTag, []byte(eraseTag+subject))})
	if err != nil {
		t.Fatal(err)
	}
	n.stop()
	n = start(t, dir, cfg)
	got, err := n.as("officer").EraseSubject(t.Context(), req)
	if err != nil || got.Sequence != seq {
		t.Fatalf("the same request after the restart: %v, %v, want record %d", got, err, seq)
	}
	if _, err := n.as("other").EraseSubject(t.Context(), req); status.Code(err) != codes.NotFound {
		t.Errorf("another admin's: %v, want NOT_FOUND: the subject is erased", err)
	}
	if _, err := n.journal.Get(d.Sequence); !errors.Is(err, vault.ErrErased) {
		t.Errorf("the subject's record: %v", err)
	}
	erasures := 0
	err = n.journal.Scan(0, n.journal.Stats().Durable, func(_ uint64, r *journal.Record, _ error) error {
		if r.Kind == ledger.Erasure {
			erasures++
		}
		return nil
	})
	if err != nil || erasures != 1 {
		t.Errorf("%d erasures in the journal, %v, want 1", erasures, err)
	}
}
