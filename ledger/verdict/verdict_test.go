// SPDX-License-Identifier: Apache-2.0

package verdict_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/anchor"
	"github.com/assayrisk/assay/ledger/verdict"
	"github.com/assayrisk/assay/ledger/verdict/verdicttest"
)

var (
	log   = verdicttest.NewLog("log.example/decisions", 11)
	block = verdicttest.Block{ChainID: 1337, Contract: anchor.Address{1}, Publisher: anchor.Address{2}, Number: 99,
		Time: verdicttest.LogStart.Add(time.Minute)}
)

func file(t *testing.T, r assay.Receipt) []byte {
	t.Helper()
	b, err := ledger.MarshalReceipt(&r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func sealed() verdicttest.Block {
	b := block
	b.Validators, b.Sealed = 4, 3
	return b
}

// TestLevels: each honest receipt has its level, and says what it lacks.
func TestLevels(t *testing.T) {
	t.Parallel()
	want := map[string]struct {
		level verdict.Level
		says  string
	}{
		"promised": {verdict.Promised,
			"record 3 is promised by the log's key, and not published"},
		"logged": {verdict.Logged,
			"record 6 is in the log, by the log's key; not anchored; no time stamp"},
		"logged, an activation":            {verdict.Logged, "not anchored"},
		"logged, cosigned by two of three": {verdict.Logged, "cosigned by 2 of 3 witnesses; not anchored"},
		"anchored, not vouched for": {verdict.Logged,
			"its anchor, which names block 99 of chain 1337, is not vouched for"},
		"anchored, chain not named": {verdict.Logged, "is not vouched for"},
		"sealed": {verdict.Sealed,
			"anchored (3 of 4 validators) in block 99 of chain 1337 at 2023-11-14T22:14:20Z"},
		"sealed, and no validator known": {verdict.Logged, "is not vouched for"},
		"pinned":                         {verdict.Pinned, "anchored (block hash known beforehand)"},
		"sealed and pinned":              {verdict.Pinned, "cosigned by 3 of 3 witnesses"},
		"stamped by RSA":                 {verdict.Logged, "; time-stamped"},
		"stamped by RSA, PSS":            {verdict.Logged, "; time-stamped"},
		"stamped by P-256":               {verdict.Logged, "; time-stamped"},
		"stamped by below another":       {verdict.Logged, "; time-stamped"},
		"stamped, not vouched for":       {verdict.Logged, "its time stamp is not vouched for"},
		"pinned, cosigned and stamped":   {verdict.Pinned, "; time-stamped"},
	}
	for _, c := range verdicttest.HonestCases() {
		tr, err := verdict.ParseTrust(c.Trust)
		if err != nil {
			t.Fatalf("%s: %v", c.Name, err)
		}
		v := verdict.Verify(c.Receipt, tr)
		if w := want[c.Name]; !v.OK || v.Level != w.level || !strings.Contains(v.Summary, w.says) {
			t.Errorf("%s: %v, level %q, %s; want %q and %q", c.Name, v.OK, v.Level, v.Summary, w.level, w.says)
		}
		for _, step := range []string{"promise", "checkpoint", "inclusion", "anchor", "timestamp"} {
			if !slices.ContainsFunc(v.Findings,
				func(f verdict.Finding) bool { return f.Step == step || strings.HasPrefix(f.Step, step+"/") }) {
				t.Errorf("%s: nothing is said of %s", c.Name, step)
			}
		}
	}
}

// TestRefusedStamps: a token that fails one check is refused at that one, and
// a receipt without the one that is required is refused.
func TestRefusedStamps(t *testing.T) {
	t.Parallel()
	for _, c := range verdicttest.RefusedStamps() {
		tr, err := verdict.ParseTrust(c.Trust)
		if err != nil {
			t.Fatalf("%s: %v", c.Name, err)
		}
		if v := verdict.Verify(c.Receipt, tr); v.OK || v.RefusedStep() != c.Name {
			t.Errorf("refused at %q, want %q: %s", v.RefusedStep(), c.Name, v.Summary)
		}
	}
}

// TestAnchorThatAnybodyMade: without a pinned block or validators no anchor is
// proven, whoever made it; and none is older than what it holds.
func TestAnchorThatAnybodyMade(t *testing.T) {
	t.Parallel()
	named := verdict.Trust{LogKey: log.Key.String(), Anchor: &anchor.Trust{ChainID: 1337, Contract: block.Contract}}
	for _, b := range []verdicttest.Block{block, sealed()} {
		v := verdict.Verify(file(t, log.Anchored(6, b)), named)
		if !v.OK || v.Level != verdict.Logged {
			t.Errorf("level %q, %s", v.Level, v.Summary)
		}
		if !strings.Contains(v.Summary, "not vouched for") || strings.Contains(v.Summary,
			"anchored (") || strings.Contains(v.Summary, b.Time.UTC().Format("2006")) {
			t.Errorf("summary %s", v.Summary)
		}
		for _, f := range v.Findings {
			if strings.HasPrefix(f.Step, "anchor") && f.State != ledger.Unvouched {
				t.Errorf("%v", f)
			}
		}
	}
	for name, made := range map[string]struct {
		block time.Time
		trust verdict.Trust
		by    []verdicttest.Witness
	}{
		"year 2000":       {time.Unix(946_684_800, 0), named, nil},
		"before the leaf": {verdicttest.LogStart.Add(-anchor.Allowance - time.Second), named, nil},
		"before a trusted witness saw the checkpoint": {block.Time, verdict.Trust{LogKey: log.Key.String(),
			Witnesses: []string{verdicttest.Witness{Name: "w.example/a"}.VerifierKey()}},
			[]verdicttest.Witness{{Name: "w.example/a", After: 3600}}},
	} {
		b := sealed()
		b.Time = made.block
		for _, vouched := range []bool{false, true} {
			tr := made.trust
			if vouched {
				tr.Anchor = &anchor.Trust{Validators: verdicttest.Validators(4)}
			}
			v := verdict.Verify(file(t, log.Anchored(6, b, made.by...)), tr)
			if v.OK || v.RefusedStep() != "anchor/time" {
				t.Errorf("%s, vouched for %v: refused at %q, %s", name, vouched, v.RefusedStep(), v.Summary)
			}
		}
	}
}

// TestCheckpointThatNobodySigned: the anchor of a checkpoint that the log's key
// did not sign proves nothing, though validators sealed it.
func TestCheckpointThatNobodySigned(t *testing.T) {
	t.Parallel()
	r := log.Anchored(6, sealed())
	r.Checkpoint = bytes.Clone(r.Checkpoint)
	r.Checkpoint[len(r.Checkpoint)-9] ^= 1
	v := verdict.Verify(file(t, r), verdict.Trust{LogKey: log.Key.String(),
		Anchor: &anchor.Trust{Validators: verdicttest.Validators(4)}})
	if v.OK || v.Level != verdict.Refused || v.RefusedStep() != "checkpoint" || !strings.HasPrefix(v.Summary,
		"refused: checkpoint") {
		t.Errorf("level %q, %s", v.Level, v.Summary)
	}
	if last := v.Findings[len(v.Findings)-1]; last.State != ledger.Unchecked {
		t.Errorf("%v", last)
	}
}

// TestNothingAfterARefusedStep holds over all mutations.
func TestNothingAfterARefusedStep(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes seconds")
	}
	for _, c := range verdicttest.Mutations(4, 1000) {
		tr, err := verdict.ParseTrust(c.Trust)
		if err != nil {
			continue
		}
		v := verdict.Verify(c.Receipt, tr)
		refused := false
		for _, f := range v.Findings {
			if refused && f.State != ledger.Unchecked || !refused && f.State == ledger.Unchecked {
				t.Errorf("%s: %v", c.Name, f)
			}
			refused = refused || f.State == ledger.Refused
		}
		if v.OK == refused || refused != (v.Level == verdict.Refused) || refused != strings.HasPrefix(v.Summary,
			"refused: ") || v.Summary == "" {
			t.Errorf("%s: ok %v, level %q, %s", c.Name, v.OK, v.Level, v.Summary)
		}
	}
}

// TestRequired: a receipt from which what is required was stripped is refused.
func TestRequired(t *testing.T) {
	t.Parallel()
	w := verdicttest.Witness{Name: "w.example/a", After: 5}
	trust := verdict.Trust{LogKey: log.Key.String(), Witnesses: []string{w.VerifierKey()},
		Anchor: &anchor.Trust{Validators: verdicttest.Validators(4)}}
	whole := log.Anchored(6, sealed(), w)
	for _, c := range []struct {
		part  verdict.Requirement
		strip func(r *assay.Receipt)
	}{
		{verdict.RequirePromise, func(r *assay.Receipt) { r.Promise = nil }},
		{verdict.RequireAnchor, func(r *assay.Receipt) { r.Anchor = nil }},
		{verdict.RequireCheckpoint, func(r *assay.Receipt) { r.Checkpoint, r.Inclusion, r.Anchor = nil, nil, nil }},
		{verdict.RequireWitnesses, func(r *assay.Receipt) { r.Checkpoint, r.Inclusion, r.Anchor = nil, nil, nil }},
	} {
		tr := trust
		tr.Require = []verdict.Requirement{c.part}
		if v := verdict.Verify(file(t, whole), tr); !v.OK {
			t.Errorf("%s: the whole receipt: %s", c.part, v.Summary)
		}
		r := whole
		c.strip(&r)
		if v := verdict.Verify(file(t, r), tr); v.OK || v.RefusedStep() != verdict.StepRequired {
			t.Errorf("%s: stripped: %s", c.part, v.Summary)
		}
		if v := verdict.Verify(file(t, r), trust); !v.OK {
			t.Errorf("%s: stripped, and not required: %s", c.part, v.Summary)
		}
	}
	trust.Require = []verdict.Requirement{verdict.RequireTimestamp}
	if v := verdict.Verify(file(t, whole), trust); v.OK || v.RefusedStep() != ledger.StepReceipt {
		t.Errorf("a time stamp is required of no authority: %s", v.Summary)
	}
}

// TestAddRequirements: adding requirements removes none.
func TestAddRequirements(t *testing.T) {
	t.Parallel()
	tr := verdict.Trust{Require: []verdict.Requirement{verdict.RequireAnchor}}
	before := tr.Require
	if err := tr.AddRequirements("promise,anchor"); err != nil ||
		!slices.Equal(tr.Require, []verdict.Requirement{verdict.RequireAnchor, verdict.RequirePromise}) ||
		len(before) != 1 {
		t.Errorf("%v, %v", tr.Require, err)
	}
	for _, bad := range []string{"seal", "promise,promise", "", "promise,"} {
		if err := tr.AddRequirements(bad); err == nil || len(tr.Require) != 2 {
			t.Errorf("%q: %v", bad, tr.Require)
		}
	}
}

// TestTrustFailsClosed: what would be trusted in silence is an error.
func TestTrustFailsClosed(t *testing.T) {
	t.Parallel()
	key := log.Key.String()
	w := verdicttest.Witness{Name: "w.example/a"}.VerifierKey()
	for name, text := range map[string]string{
		"junk behind it":        `{"log_key":%q}{}`,
		"a brace behind it":     `{"log_key":%q}}`,
		"a field twice":         `{"log_key":"x","log_key":%q}`,
		"an inner field twice":  `{"log_key":%q,"anchor":{"chain_id":1,"chain_id":2}}`,
		"an unknown field":      `{"log_key":%q,"validators":["0x01"]}`,
		"a field in capitals":   `{"Log_Key":%q}`,
		"a Kelvin sign for a k": `{"log_` + "\u212a" + `ey":%q}`,
		"null":                  `{"log_key":%q,"witnesses":null}`,
		"an empty list":         `{"log_key":%q,"witnesses":[]}`,
		"an empty object":       `{"log_key":%q,"anchor":{}}`,
		"a zero":                `{"log_key":%q,"anchor":{"chain_id":0}}`,
		"a zero address": `{"log_key":%q,"anchor":{"contract":"0x` + strings.Repeat("0",
			40) + `"}}`,
		"no log key":                 `{"witnesses":["` + w + `"]}`,
		"white space around the key": `{"log_key":" %s"}`,
		"a quorum without witnesses": `{"log_key":%q,"quorum":1}`,
		"a quorum of more than all":  `{"log_key":%q,"witnesses":["` + w + `"],"quorum":2}`,
		"a negative quorum":          `{"log_key":%q,"witnesses":["` + w + `"],"quorum":-1}`,
		"a witness twice":            `{"log_key":%q,"witnesses":["` + w + `","` + w + `"],"quorum":1}`,
		"a key that is no witness's": `{"log_key":%q,"witnesses":["` + key + `"]}`,
		"a validator twice": `{"log_key":%q,"anchor":{"validators":["0x` + strings.Repeat("1a",
			20) + `","0x` + strings.Repeat("1A", 20) + `"]}}`,
		"an unreadable certificate":                `{"log_key":%q,"timestamp":{"certificates":["AAAA"]}}`,
		"a policy of no authority":                 `{"log_key":%q,"timestamp":{"policies":["1.2.3"]}}`,
		"what is no part, required":                `{"log_key":%q,"require":["seal"]}`,
		"a part twice":                             `{"log_key":%q,"require":["promise","promise"]}`,
		"witnesses required, none known":           `{"log_key":%q,"require":["witnesses"]}`,
		"an anchor required, with nobody to vouch": `{"log_key":%q,"anchor":{"chain_id":5},"require":["anchor"]}`,
		"a time stamp required, of nobody":         `{"log_key":%q,"require":["timestamp"]}`,
		"not UTF-8":                                "{\"log_key\":%q,\"require\":[\"\xff\"]}",
		"a list":                                   `[%q]`,
		"too deep": `{"log_key":%q,"anchor":` + strings.Repeat("[",
			20000) + strings.Repeat("]", 20000) + `}`,
	} {
		b := []byte(strings.NewReplacer("%q", `"`+key+`"`, "%s", key).Replace(text))
		if tr, err := verdict.ParseTrust(b); err == nil {
			t.Errorf("%s: taken as %+v", name, tr)
		}
	}
	// What a server writes is taken.
	for _, tr := range []verdict.Trust{{LogKey: key}, {LogKey: key, Anchor: &anchor.Trust{ChainID: 5,
		Contract: anchor.Address{1}}}} {
		b, err := json.MarshalIndent(tr, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := verdict.ParseTrust(append(b, '\n')); err != nil {
			t.Errorf("%s: %v", b, err)
		}
	}
	r := file(t, log.Published(6))
	for _, bad := range []verdict.Trust{{}, {LogKey: key, Quorum: 1}, {LogKey: key + "\n"}, {LogKey: key,
		Require: []verdict.Requirement{verdict.RequireAnchor}}} {
		if v := verdict.Verify(r, bad); v.OK || v.Level != verdict.Refused {
			t.Errorf("%+v verifies: %s", bad, v.Summary)
		}
	}
}

// TestOneSpellingOfAbsence: what a receipt does not carry is null or left out.
func TestOneSpellingOfAbsence(t *testing.T) {
	t.Parallel()
	tr := verdict.Trust{LogKey: log.Key.String()}
	honest := string(file(t, log.Promised(4)))
	for _, s := range [][2]string{
		{`"checkpoint":null`, `"checkpoint":""`}, {`"inclusion":null`, `"inclusion":[]`}, {`"vector":null`,
			`"vector":""`},
		{`"checkpoint":null`, `"checkpoint":null,"anchor":null`}, {`"checkpoint":null`,
			`"checkpoint":null,"timestamp":null`}, {`"checkpoint":null`, `"checkpoint":null,"timestamp":""`},
		{`,"checkpoint":null`, ``}, {`"inclusion":null`, `"inclusion":[null]`}, {`"inclusion":null`,
			`"inclusion":[""]`},
	} {
		if !strings.Contains(honest, s[0]) {
			t.Fatalf("no %s in %s", s[0], honest)
		}
		if v := verdict.Verify([]byte(strings.Replace(honest, s[0], s[1], 1)), tr); v.OK {
			t.Errorf("%s for %s: %s", s[1], s[0], v.Summary)
		}
	}
	r := log.Promised(4)
	r.Vector, r.Inclusion, r.Checkpoint = []byte{}, [][]byte{}, []byte{}
	if got := string(file(t, r)); got != honest {
		t.Errorf("empty parts are written as %s", got)
	}
	if b, err := json.MarshalIndent(&r, "", " "); err != nil || !bytes.Contains(b, []byte(`"inclusion": null`)) {
		t.Errorf("%s, %v", b, err)
	}
}

func FuzzParseTrust(f *testing.F) {
	for _, c := range verdicttest.HonestCases() {
		f.Add(c.Trust)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		tr, err := verdict.ParseTrust(b)
		if err != nil {
			return
		}
		again, err := json.Marshal(tr)
		if err != nil {
			t.Fatal(err)
		}
		back, err := verdict.ParseTrust(again)
		if err != nil || fmt.Sprint(back) != fmt.Sprint(tr) && tr.Anchor == nil {
			t.Errorf("%s is written as %s: %v", b, again, err)
		}
	})
}
