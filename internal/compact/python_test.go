// SPDX-License-Identifier: Apache-2.0

package compact

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// pythonReads checks the digest and the id of the dictionary in the file that is
// named. Then it reads lines of two hexadecimal texts, a frame and its content, and
// says which line is read otherwise.
const pythonReads = `
import hashlib, sys, zstandard
dictionary = open(sys.argv[1], "rb").read()
digest = hashlib.sha256(b"assay/dictionary/v1\n" + dictionary[8:])
number = 32768 + int.from_bytes(digest.digest()[:4], "little") % (2**31 - 32768)
if digest.hexdigest() != sys.argv[2] or number != zstandard.ZstdCompressionDict(dictionary).dict_id():
    sys.exit(f"the digest is {digest.hexdigest()}, the id {number}")
reader = zstandard.ZstdDecompressor(zstandard.ZstdCompressionDict(dictionary))
for n, line in enumerate(sys.stdin):
    frame, content = (bytes.fromhex(x) for x in line.split(","))
    if reader.decompress(frame, max_output_size=1 << 21) != content:
        sys.exit(f"line {n} is read otherwise")
print(n + 1)
`

// TestPythonReads: zstandard, which is the reference implementation in C, reads
// all records as they were.
func TestPythonReads(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes seconds")
	}
	python := os.Getenv("ASSAY_PEERS_PYTHON")
	if python == "" {
		t.Skip("ASSAY_PEERS_PYTHON is not set")
	}
	r := loadRecords(t)
	for _, kind := range recordKinds {
		d := r.dictionaries[kind]
		name := t.TempDir() + "/dictionary"
		if err := os.WriteFile(name, d.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		var in bytes.Buffer
		records := slices.Concat(r.records[kind], changedRecords(r.records[kind], 1000))
		if kind == "decision" {
			records = slices.Concat(records, hardRecords())
		}
		for _, record := range records {
			for _, d := range []*Dictionary{d, nil} {
				fmt.Fprintf(&in, "%s,%s\n", hex.EncodeToString(d.Append(nil, record)), hex.EncodeToString(record))
			}
		}
		cmd := exec.Command(python, "-c", pythonReads, name, d.Digest().String())
		cmd.Stdin = &in
		out, err := cmd.CombinedOutput()
		if want := fmt.Sprint(2 * len(records)); err != nil || strings.TrimSpace(string(out)) != want {
			t.Errorf("%s: reads %s of %s, error %v", kind, out, want, err)
		}
	}
}
