// SPDX-License-Identifier: Apache-2.0

package assay

// Score is what a model makes of a vector.
type Score struct {
	Model  Digest  `cbor:"1,keyasint" json:"model"`  // digest of the bundle's manifest
	Margin float64 `cbor:"2,keyasint" json:"margin"` // raw model output, log-odds of the bad event
	PD     float64 `cbor:"3,keyasint" json:"pd"`     // calibrated probability of the bad event, 0 to 1
	Points float64 `cbor:"4,keyasint" json:"points"` // scorecard points, higher is better
	Grade  string  `cbor:"5,keyasint" json:"grade"`  // letter grade of the PD, "" if the bundle has none
}
