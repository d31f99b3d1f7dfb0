// SPDX-License-Identifier: Apache-2.0

package vault

// rowInfo separates the domain of the keys that rows of a state are sealed under. Frozen.
const rowInfo = "assay/row key/v1\n"

// RowKey returns the key of a row that several keys must open together: whoever lacks one of them cannot open it. Its
// secret is the last link of a chain of HKDF-Expand, one for each key in order, with the domain, the number of keys and
// the key's place among them (a byte each), the link before, and what the row is. Its id is zero.
func RowKey(keys []*Key, what []byte) (*Key, error) {
	var link [SecretSize]byte
	var data []byte
	for i, k := range keys {
		data = append(data[:0], byte(len(keys)), byte(i))
		if i > 0 {
			data = append(data, link[:]...)
		}
		link = k.expand(rowInfo, 1, nil, append(data, what...))
	}
	return newKey(ID{}, link[:])
}
