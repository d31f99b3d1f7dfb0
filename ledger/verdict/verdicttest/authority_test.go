// SPDX-License-Identifier: Apache-2.0

package verdicttest

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/json"
	"flag"
	"os"
	"testing"
	"time"

	"github.com/assayrisk/assay/ledger/timestamp"
	"github.com/assayrisk/assay/ledger/timestamp/timestamptest"
)

var update = flag.Bool("update", false, "write testdata/authorities.json, with new keys")

// TestAuthorities: each token in testdata is of the checkpoint that it is said
// to be of. With -update it makes new ones.
func TestAuthorities(t *testing.T) {
	if *update {
		b, err := json.MarshalIndent(makeAuthorities(t), "", " ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile("testdata/authorities.json", append(b, '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
		authoritiesFile = b
		authorities = must(readAuthorities())
	}
	for _, a := range authorities {
		for _, x := range []struct{ token, checkpoint []byte }{
			{a.Bare, bareCheckpoint()}, {a.Cosigned, cosignedCheckpoint()},
		} {
			r := timestamp.Verify(x.token, x.checkpoint, time.Time{}, pinning(a.Root))
			if len(r.Findings) < 2 || !r.Findings[1].OK || r.Findings[1].Check != timestamp.CheckImprint {
				t.Errorf("%s: %s: run this test with -update", a.Name, r.Summary())
			}
		}
	}
}

// makeAuthorities makes one of each kind of key, and one for each thing that
// can be wrong with them.
func makeAuthorities(t *testing.T) (out []authority) {
	from, to := LogStart.AddDate(-1, 0, 0), LogStart.AddDate(20, 0, 0)
	root := makeAuthority(t, timestamptest.Options{From: from, To: to})
	for _, x := range []struct {
		name string
		opts timestamptest.Options
		edit func(a *timestamptest.Authority)
	}{
		{name: "RSA", opts: timestamptest.Options{Kind: timestamptest.RSA}},
		{name: "RSA, PSS", opts: timestamptest.Options{Kind: timestamptest.RSAPSS},
			edit: func(a *timestamptest.Authority) { a.OmitIssuer = true }},
		{name: "P-256", edit: func(a *timestamptest.Authority) { a.OldCertID = true }},
		{name: "P-384", opts: timestamptest.Options{Kind: timestamptest.P384}},
		{name: "below another", opts: timestamptest.Options{Issuer: root}},
		{name: "of the same names"},
		{name: "run out", opts: timestamptest.Options{From: LogStart.AddDate(-2, 0, 0), To: from}},
		{name: "for anything", opts: timestamptest.Options{Template: func(c *x509.Certificate) {
			usage, err := asn1.Marshal([]asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, 8}})
			if err != nil {
				t.Fatal(err)
			}
			c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Value: usage}}
		}}},
		{name: "too early", edit: func(a *timestamptest.Authority) {
			a.GenTime = LogStart.Add(-time.Hour).UTC().Format("20060102150405Z")
		}},
		{name: "of other content", edit: func(a *timestamptest.Authority) {
			a.SignedContent = func(b []byte) []byte { return append([]byte{0}, b...) }
		}},
		{name: "by another key", edit: func(a *timestamptest.Authority) {
			a.NamedLeaf, a.SentLeaf = root.Leaf, root.Leaf
		}},
	} {
		if x.opts.From.IsZero() {
			x.opts.From, x.opts.To = from, to
		}
		a := makeAuthority(t, x.opts)
		a.GenTime = LogStart.Add(100 * time.Second).UTC().Format("20060102150405Z")
		if x.edit != nil {
			x.edit(a)
		}
		top := a.CA
		if x.opts.Issuer != nil {
			top = x.opts.Issuer.CA
		}
		out = append(out, authority{Name: x.name, Root: top, Leaf: a.Leaf, Policy: a.Policy.String(),
			Bare: must(a.Token(bareCheckpoint())), Cosigned: must(a.Token(cosignedCheckpoint()))})
	}
	return out
}

func makeAuthority(t *testing.T, o timestamptest.Options) *timestamptest.Authority {
	a, err := timestamptest.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return a
}
