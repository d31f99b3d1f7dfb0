// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"errors"
	"fmt"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"

	assay "github.com/assayrisk/assay"
)

// ReceiptVersion is the version of receipts that this code reads.
const ReceiptVersion = 1

// commitmentKeyBytes is the length of a commitment's key.
const commitmentKeyBytes = 32

// Trust is what a verifier trusts before it reads a receipt.
type Trust struct {
	LogKey    string   // the log's note verifier key, "origin+hash+base64"
	Witnesses []string // verifier keys of witnesses, none twice; if empty, cosignatures are not checked
	Quorum    int      // how many of them must have cosigned; 0 is all
}

// The steps of a verification, in order. Each builds on those before it.
const (
	StepReceipt    = "receipt"
	StepDecision   = "decision"
	StepVector     = "vector"
	StepLeaf       = "leaf"
	StepPromise    = "promise"
	StepCheckpoint = "checkpoint"
	StepInclusion  = "inclusion"
)

// Verify checks a receipt up to the checkpoint: that the decision and the vector
// are those of the leaf, that the leaf was promised and is included under the
// checkpoint, and that the log signed both. The promise or the checkpoint may be
// absent, but not both. Every step is reported, even after one was refused, so
// that the reader sees how far the damage goes.
//
// Package ledger/anchor checks Receipt.Anchor against the checkpoint that
// ParseCheckpoint returns. Programs call package ledger/verdict, which does all
// of it and says what the receipt is worth.
func Verify(r *assay.Receipt, t Trust) []Finding {
	v := verifier{r: r}
	if r.Version != ReceiptVersion {
		return append(v.findings,
			Finding{Step: StepReceipt, Detail: fmt.Sprintf("version %d, this program reads version %d",
				r.Version, ReceiptVersion)})
	}
	key, err := ParseKey(t.LogKey)
	if err != nil {
		return append(v.findings, Finding{Step: StepReceipt, Detail: err.Error()})
	}
	v.key = key
	if r.Log != key.Origin {
		v.refuse(StepReceipt, "the receipt is of log %q, the trusted key of log %q", r.Log, key.Origin)
	}
	if len(r.Promise) == 0 && len(r.Checkpoint) == 0 {
		v.refuse(StepReceipt,
			"it carries neither a promise nor a checkpoint: the log signed nothing in it, anybody could have written "+
				"it")
	}
	v.leafHash = HashLeaf(r.Leaf)
	leaf, err := ParseLeaf(r.Leaf)
	if err != nil {
		v.refuse(StepLeaf, "%v", err)
	} else {
		v.checkOpenings(&leaf)
	}
	v.checkPromise()
	v.checkInclusion()
	v.checkWitnesses(t)
	return v.findings
}

type verifier struct {
	r        *assay.Receipt
	key      Key
	leafHash assay.Digest
	findings []Finding
}

func (v *verifier) refuse(step, format string, args ...any) {
	v.findings = append(v.findings, Finding{Step: step, State: Refused, Detail: fmt.Sprintf(format, args...)})
}

func (v *verifier) prove(step, by, format string, args ...any) {
	v.findings = append(v.findings,
		Finding{Step: step, State: Proven, VouchedBy: by, Detail: fmt.Sprintf(format, args...)})
}

// checkOpenings checks that the leaf's commitments open to the decision and the
// vector, and that decision, vector and leaf say the same things.
func (v *verifier) checkOpenings(l *Leaf) {
	r := v.r
	opened := true
	if len(r.DecisionKey) != commitmentKeyBytes || CommitDecision(r.DecisionKey, r.Decision) != l.Decision {
		v.refuse(StepDecision, "the decision and its key do not open the leaf's decision commitment")
		opened = false
	} else {
		v.prove(StepDecision, "arithmetic", "opens the leaf's decision commitment (%d bytes, %s)",
			len(r.Decision), l.Kind)
	}
	if len(r.VectorKey) != commitmentKeyBytes || CommitVector(r.VectorKey, r.Vector) != l.Vector {
		v.refuse(StepVector, "the feature vector and its key do not open the leaf's vector commitment")
		opened = false
	} else {
		v.prove(StepVector, "arithmetic", "opens the leaf's vector commitment (%d bytes)", len(r.Vector))
	}
	if !opened {
		return
	}
	if l.Kind != Decision && l.Kind != Event {
		return // the opening is the record's own text: there is nothing to compare
	}
	if err := checkAgreement(r, l); err != nil {
		v.refuse(StepLeaf, "%v", err)
		return
	}
	v.prove(StepLeaf, "arithmetic",
		"leaf, decision and vector name the same sequence number, time, model, plan, policy and feature hash")
}

// checkAgreement compares what the leaf, the decision and the vector say about
// each other.
func checkAgreement(r *assay.Receipt, l *Leaf) error {
	d, err := assay.ParseDecision(r.Decision)
	if err != nil {
		return err
	}
	switch {
	case d.Sequence != r.Index:
		return fmt.Errorf("the decision has sequence number %d, the receipt is of index %d", d.Sequence, r.Index)
	case d.Micros != l.Micros:
		return errors.New("the decision's time is not the leaf's")
	case d.Score.Model != l.Model:
		return errors.New("the decision's model is not the leaf's")
	case d.Plan != l.Plan:
		return errors.New("the decision's plan is not the leaf's")
	case d.Policy != l.Policy:
		return errors.New("the decision's policy is not the leaf's")
	}
	if len(r.Vector) == 0 && l.Kind == Event {
		return nil // a recorded fact may have no vector
	}
	x, err := assay.ParseVector(r.Vector)
	if err != nil {
		return err
	}
	if x.Plan != l.Plan {
		return errors.New("the vector's plan is not the leaf's")
	}
	if x.Digest() != d.Vector {
		return errors.New("the decision's feature hash is not the vector's digest")
	}
	return nil
}

// checkPromise checks the signed promise of the reply.
func (v *verifier) checkPromise() {
	if len(v.r.Promise) == 0 {
		v.findings = append(v.findings,
			Finding{Step: StepPromise, State: Absent, Detail: "the receipt carries no promise"})
		return
	}
	p, err := ParsePromise(v.r.Promise)
	switch {
	case err != nil:
		v.refuse(StepPromise, "%v", err)
	case p.Sequence != v.r.Index:
		v.refuse(StepPromise, "it promises index %d, the receipt is of index %d", p.Sequence, v.r.Index)
	case p.LeafHash != v.leafHash:
		v.refuse(StepPromise, "it promises another leaf")
	default:
		if err := p.Verify(v.key); err != nil {
			v.refuse(StepPromise, "%v", err)
			return
		}
		v.prove(StepPromise, "log key "+v.key.Origin, "promised as record %d, in a group of %d", p.Sequence, p.Count)
	}
}

// checkInclusion checks the checkpoint's signature and the audit path to its root.
func (v *verifier) checkInclusion() {
	r := v.r
	if len(r.Checkpoint) == 0 {
		v.findings = append(v.findings,
			Finding{Step: StepCheckpoint, State: Absent,
				Detail: "the receipt carries no checkpoint: the record is promised, not yet published"})
		if len(r.Inclusion) != 0 {
			v.refuse(StepInclusion, "an inclusion proof without a checkpoint")
			return
		}
		v.findings = append(v.findings,
			Finding{Step: StepInclusion, State: Absent,
				Detail: "without a checkpoint there is no root that an audit path could lead to"})
		return
	}
	cp, err := ParseCheckpoint(r.Checkpoint, v.key.String())
	if err != nil {
		v.refuse(StepCheckpoint, "%v", err)
		return
	}
	v.prove(StepCheckpoint, "log key "+v.key.Origin, "log %s signed size %d, root %s", cp.Origin,
		cp.Size, cp.Root.Short())
	if err := proof.VerifyInclusion(rfc6962.DefaultHasher, r.Index, cp.Size, v.leafHash[:], r.Inclusion,
		cp.Root[:]); err != nil {
		v.refuse(StepInclusion, "the audit path does not lead from this leaf at index %d to the checkpoint's root",
			r.Index)
		return
	}
	v.prove(StepInclusion, "log key "+v.key.Origin, "the leaf is entry %d of the %d in the checkpoint", r.Index,
		cp.Size)
}
