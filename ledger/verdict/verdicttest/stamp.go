// SPDX-License-Identifier: Apache-2.0

package verdicttest

import (
	"encoding/base64"
	"encoding/json"
	"slices"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/timestamp"
	"github.com/assayrisk/assay/ledger/verdict"
)

// RefusedStamps returns receipts with tokens that fail, one for each check, and one
// from which a required token was stripped. Their names are the steps that refuse
// them.
func RefusedStamps() (out []Case) {
	l := honestLog()
	good := authorityNamed("P-256")
	add := func(step string, token []byte, trust timestamp.Trust) {
		r := stamped(l.Published(6), token)
		t := verdict.Trust{LogKey: l.Key.String(), Timestamp: trust}
		if len(token) == 0 {
			t.Require = []verdict.Requirement{verdict.RequireTimestamp}
		}
		out = append(out, Case{step, must(ledger.MarshalReceipt(&r)), must(json.Marshal(t))})
	}
	add("timestamp/format", good.Bare[:len(good.Bare)-1], pinning(good.Root))
	add("timestamp/imprint", good.Cosigned, pinning(good.Root))
	add("timestamp/policy", good.Bare, timestamp.Trust{Certificates: [][]byte{good.Root}, Policies: []string{"1.2.3"}})
	for _, x := range []struct{ step, name string }{
		{"timestamp/time", "too early"},
		{"timestamp/signer", "of other content"},
		{"timestamp/usage", "run out"},
		{"timestamp/usage", "for anything"},
		{"timestamp/signature", "by another key"},
	} {
		a := authorityNamed(x.name)
		add(x.step, a.Bare, pinning(a.Root))
	}
	add("timestamp/authority", good.Bare, pinning(authorityNamed("of the same names").Root))
	add(verdict.StepRequired, nil, pinning(good.Root))
	return out
}

// honestStamps adds receipts with tokens that hold, by an authority of each
// kind of key.
func honestStamps(l *Log, anchored assay.Receipt, t verdict.Trust,
	add func(string, assay.Receipt, verdict.Trust)) {
	plain := verdict.Trust{LogKey: l.Key.String()}
	for _, x := range []struct {
		authority string
		leaf      bool // the authority's own certificate is pinned
	}{{"RSA", false}, {"RSA, PSS", true}, {"P-256", false}, {"below another", false}} {
		a := authorityNamed(x.authority)
		plain.Timestamp = pinning(authorityNamed("P-384").Root, a.Root)
		plain.Timestamp.Policies = []string{"1.2.3", a.Policy}
		plain.Require = []verdict.Requirement{verdict.RequireTimestamp}
		if x.leaf {
			plain.Timestamp, plain.Require = pinning(a.Leaf), nil
		}
		add("stamped by "+a.Name, stamped(l.Published(6), a.Bare), plain)
	}
	add("stamped, not vouched for", stamped(l.Published(7), authorityNamed("RSA").Bare),
		verdict.Trust{LogKey: t.LogKey})
	a := authorityNamed("P-384")
	t.Timestamp = pinning(a.Root)
	t.Require = append(slices.Clone(t.Require), verdict.RequireTimestamp)
	add("pinned, cosigned and stamped", stamped(anchored, a.Cosigned), t)
}

// stamp does one thing to the token or to the pinned certificates of a case. It
// reports false if the case has no token, or is no longer JSON of its form.
func (m *mutator) stamp(c *Case) bool {
	var receipt struct {
		Timestamp []byte `json:"timestamp"`
	}
	var trust struct {
		Timestamp timestamp.Trust `json:"timestamp"`
	}
	if json.Unmarshal(c.Receipt, &receipt) != nil || len(receipt.Timestamp) == 0 ||
		json.Unmarshal(c.Trust, &trust) != nil {
		return false
	}
	pinned := trust.Timestamp.Certificates
	if len(pinned) > 0 && m.rng.IntN(3) == 0 {
		i := m.rng.IntN(len(pinned))
		switch m.rng.IntN(4) {
		case 0:
			c.Name += ", another certificate pinned"
			a := pick(m, authorities...)
			pinned[i] = pick(m, a.Root, a.Leaf)
		case 1:
			c.Name += ", a certificate unpinned"
			trust.Timestamp.Certificates = slices.Delete(pinned, i, i+1)
		default:
			c.Name += ", a pinned certificate bent"
			pinned[i] = m.der(pinned[i])
		}
		c.Trust = set(c.Trust, `"timestamp"`, must(json.Marshal(trust.Timestamp)))
		return true
	}
	token := receipt.Timestamp
	switch m.rng.IntN(6) {
	case 0:
		c.Name += ", the token of another"
		a := pick(m, authorities...)
		token = pick(m, a.Bare, a.Cosigned)
	case 1:
		c.Name += ", a byte of the token flipped"
		token = slices.Clone(token)
		token[m.rng.IntN(len(token))] ^= 1 << m.rng.IntN(8)
	default:
		c.Name += ", the token bent"
		token = m.der(token)
	}
	c.Receipt = set(c.Receipt, `"timestamp"`, []byte(`"`+base64.StdEncoding.EncodeToString(token)+`"`))
	return true
}

// set gives a field of an object another value.
func set(b []byte, name string, value []byte) []byte {
	ms := members(b)
	for i := range ms {
		if ms[i].name == name {
			ms[i].value = string(value)
		}
	}
	return joinMembers(ms)
}
