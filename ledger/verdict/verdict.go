// SPDX-License-Identifier: Apache-2.0

package verdict

import (
	"fmt"
	"strings"
	"time"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/anchor"
	"github.com/assayrisk/assay/ledger/timestamp"
)

// Finding is one line of a verdict.
type Finding = ledger.Finding

// Level says who vouches for a receipt, from nobody to most.
type Level string

// The levels. Witnesses and time stamps have no level of their own, only lines of
// the verdict; an anchor that nobody vouches for adds nothing to Logged.
const (
	Refused  Level = "refused"  // a step was refused: the receipt proves nothing
	Promised Level = "promised" // the log's key promised the record; it is not published yet
	Logged   Level = "logged"   // the record is in the log, under a checkpoint that its key signed
	Sealed   Level = "sealed"   // and a quorum of the trusted validators sealed a block that holds the checkpoint
	Pinned   Level = "pinned"   // and a block whose hash was pinned holds the checkpoint
)

// StepAnchor is the step that checks a receipt's anchor; the name of a check
// follows it.
const StepAnchor = "anchor"

// StepRequired is the step that compares a receipt with Trust.Require.
const StepRequired = "required"

// Verdict is what Verify finds, and what programs print as JSON.
type Verdict struct {
	OK       bool      `json:"ok"` // something is proven and nothing refused
	Index    uint64    `json:"index"`
	Level    Level     `json:"level"`
	Summary  string    `json:"summary"`  // one line, for people
	Findings []Finding `json:"findings"` // a line for each step, in order
}

// RefusalReason names the first step that was refused, and why; "" if none was.
func (v *Verdict) RefusalReason() string {
	f := v.refusal()
	if f == nil {
		return ""
	}
	return f.Step + ": " + f.Detail
}

// RefusedStep names the first step that was refused; "" if none was.
func (v *Verdict) RefusedStep() string {
	f := v.refusal()
	if f == nil {
		return ""
	}
	return f.Step
}

func (v *Verdict) refusal() *Finding {
	for i := range v.Findings {
		if v.Findings[i].State == ledger.Refused {
			return &v.Findings[i]
		}
	}
	return nil
}

// Verify judges a receipt's bytes, with the network off. A trust that
// [Trust.Check] refuses refuses every receipt.
func Verify(receipt []byte, t Trust) Verdict {
	v := verification{trust: t}
	if err := t.Check(); err != nil {
		return v.refused(ledger.StepReceipt, "the trust is not usable: "+err.Error())
	}
	r, err := ledger.ParseReceipt(receipt)
	if err != nil {
		return v.refused(ledger.StepReceipt, err.Error())
	}
	v.receipt, v.index = r, r.Index
	v.findings = ledger.Verify(r, ledger.Trust{LogKey: t.LogKey, Witnesses: t.Witnesses, Quorum: t.Quorum})
	v.checkAnchor()
	v.findings = append(v.findings, timestamp.VerifyReceipt(r, t.Timestamp)...)
	v.checkRequirements()
	return v.verdict()
}

// verification carries one receipt through the steps.
type verification struct {
	trust    Trust
	receipt  *assay.Receipt
	index    uint64
	findings []Finding

	anchored *anchor.Result // nil: there was none, or it was not checked
}

func (v *verification) add(step string, state ledger.State, by, detail string) {
	v.findings = append(v.findings, Finding{Step: step, State: state, VouchedBy: by, Detail: detail})
}

func (v *verification) refused(step, detail string) Verdict {
	v.add(step, ledger.Refused, "", detail)
	return v.verdict()
}

// state returns how a step ended, Absent if it has no line.
func (v *verification) state(step string) ledger.State {
	for i := range v.findings {
		if v.findings[i].Step == step {
			return v.findings[i].State
		}
	}
	return ledger.Absent
}

// checkAnchor checks the anchor's proof against the checkpoint, if the log signed it.
func (v *verification) checkAnchor() {
	r := v.receipt
	if len(r.Anchor) == 0 {
		v.add(StepAnchor, ledger.Absent, "",
			"the receipt carries no anchor: nobody but the log has vouched for the checkpoint")
		return
	}
	cp, err := ledger.ParseCheckpoint(r.Checkpoint, v.trust.LogKey)
	if err != nil {
		v.add(StepAnchor, ledger.Refused, "", "an anchor without a checkpoint that the log signed")
		return
	}
	var trust anchor.Trust
	if v.trust.Anchor != nil {
		trust = *v.trust.Anchor
	}
	res := anchor.VerifyProof(r.Anchor, anchor.Checkpoint{Checkpoint: cp, NotBefore: v.earliestCheckpointTime()}, trust)
	v.anchored = &res
	by, held := "", ledger.Unvouched
	switch res.Level {
	case anchor.Sealed:
		by, held = fmt.Sprintf("%d of %d validators", res.Seals, res.Validators), ledger.Proven
	case anchor.Pinned:
		by, held = "the block hash that was pinned", ledger.Proven
	}
	for _, f := range res.Findings {
		state, word := held, by
		if !f.OK {
			state, word = ledger.Refused, ""
		}
		v.add(StepAnchor+"/"+string(f.Check), state, word, f.Text)
	}
}

// earliestCheckpointTime returns a time before which the checkpoint cannot have
// been made: the latest of the record's own, and of those at which trusted
// witnesses saw the checkpoint.
func (v *verification) earliestCheckpointTime() (latest time.Time) {
	if leaf, err := ledger.ParseLeaf(v.receipt.Leaf); err == nil {
		latest = time.UnixMicro(leaf.Micros)
	}
	by, err := ledger.Cosignatures(v.receipt.Checkpoint, v.trust.LogKey, v.trust.Witnesses)
	if err != nil {
		return latest // the witness step was refused for it
	}
	for _, c := range by {
		if c.Time.After(latest) {
			latest = c.Time
		}
	}
	return latest
}

// checkRequirements checks that the receipt has everything that the trust requires.
func (v *verification) checkRequirements() {
	for _, part := range v.trust.Require {
		if !v.isProven(part) {
			v.add(StepRequired, ledger.Refused, "",
				fmt.Sprintf("%s is required, and the receipt has none that is proven: it was stripped, or is not "+
					"there yet",
					part))
		}
	}
}

func (v *verification) isProven(part Requirement) bool {
	switch part {
	case RequirePromise:
		return v.state(ledger.StepPromise) == ledger.Proven
	case RequireCheckpoint:
		return v.state(ledger.StepInclusion) == ledger.Proven
	case RequireWitnesses:
		return v.state(ledger.StepWitness) == ledger.Proven
	case RequireAnchor:
		return v.anchored != nil && v.anchored.Proven()
	case RequireTimestamp:
		return v.state(timestamp.Step+"/"+string(timestamp.CheckAuthority)) == ledger.Proven
	}
	return false
}

// verdict ends the verification: nothing after a refused step is proven.
func (v *verification) verdict() Verdict {
	out := Verdict{Index: v.index, Findings: v.findings}
	for i := range out.Findings {
		f := &out.Findings[i]
		if f.State != ledger.Refused {
			continue
		}
		out.Level, out.Summary = Refused, "refused: "+f.Step+": "+f.Detail
		for j := i + 1; j < len(out.Findings); j++ {
			out.Findings[j] = Finding{Step: out.Findings[j].Step, State: ledger.Unchecked,
				Detail: "not looked at, because " + f.Step + " was refused"}
		}
		return out
	}
	out.OK, out.Level, out.Summary = true, v.level(), v.summary()
	return out
}

// level returns the level of a receipt of which nothing was refused. It has a
// promise or a checkpoint, or the first step would have been refused.
func (v *verification) level() Level {
	switch {
	case v.anchored != nil && v.anchored.Proven():
		return Level(v.anchored.Level)
	case v.state(ledger.StepInclusion) == ledger.Proven:
		return Logged
	}
	return Promised
}

// summary is one line: what is proven, and what is absent or not vouched for.
func (v *verification) summary() string {
	if v.state(ledger.StepInclusion) != ledger.Proven {
		return fmt.Sprintf("record %d is promised by the log's key, and not published: "+
			"no checkpoint, no anchor, no time stamp", v.index)
	}
	parts := []string{fmt.Sprintf("record %d is in the log, by the log's key", v.index)}
	for _, f := range v.findings {
		if f.Step == ledger.StepWitness && f.State == ledger.Proven {
			parts = append(parts, "cosigned by "+f.VouchedBy)
		}
	}
	if v.anchored == nil {
		parts = append(parts, "not anchored")
	} else {
		parts = append(parts, v.anchored.Summary())
	}
	switch {
	case v.isProven(RequireTimestamp):
		parts = append(parts, "time-stamped")
	case v.state(timestamp.Step) == ledger.Unvouched:
		parts = append(parts, "its time stamp is not vouched for")
	default:
		parts = append(parts, "no time stamp")
	}
	return strings.Join(parts, "; ")
}
