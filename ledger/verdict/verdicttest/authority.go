// SPDX-License-Identifier: Apache-2.0

package verdicttest

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger/timestamp"
)

// authority is a time-stamping authority and what it stamped.
type authority struct {
	Name     string `json:"name"`
	Root     []byte `json:"root"` // who issued the certificate of its issuer, DER; the issuer itself for most
	Leaf     []byte `json:"leaf"` // the certificate that signs, DER
	Policy   string `json:"policy"`
	Bare     []byte `json:"bare"`     // a token of bareCheckpoint
	Cosigned []byte `json:"cosigned"` // and of cosignedCheckpoint
}

// The file is written by TestAuthorities -update: keys and signatures of
// authorities are random, and what tests compare must not be.
//
//go:embed testdata/authorities.json
var authoritiesFile []byte

var authorities = must(readAuthorities())

func readAuthorities() (out []authority, err error) {
	err = json.Unmarshal(authoritiesFile, &out)
	return out, err
}

func authorityNamed(name string) authority {
	i := slices.IndexFunc(authorities, func(a authority) bool { return a.Name == name })
	if i < 0 {
		panic(fmt.Sprintf("no authority %q in testdata/authorities.json", name))
	}
	return authorities[i]
}

// The checkpoints that authorities stamped.
func bareCheckpoint() []byte     { return honestLog().checkpoint(nil) }
func cosignedCheckpoint() []byte { return honestLog().checkpoint(witnesses) }

// stamped adds an authority's token to a receipt whose checkpoint it stamped.
func stamped(r assay.Receipt, token []byte) assay.Receipt {
	r.Timestamp = token
	return r
}

// pinning is the trust in authorities by these certificates.
func pinning(certificates ...[]byte) timestamp.Trust {
	return timestamp.Trust{Certificates: certificates}
}
