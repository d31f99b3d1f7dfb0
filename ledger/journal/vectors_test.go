// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal/recordfile"
	"github.com/assayrisk/assay/ledger/journal/store"
	"github.com/assayrisk/assay/ledger/vault"
)

var update = flag.Bool("update", false, "write docs/formats/testdata/records.json again")

// recordVectors are record files with the keys that open them, and what is in
// them. Readers in other languages read the same file.
type recordVectors struct {
	Note    string            `json:"note"`
	LogKey  string            `json:"log_key"`
	Master  json.RawMessage   `json:"master"`       // keys/master.json
	System  string            `json:"system"`       // id of the system key
	Wrapped map[string]string `json:"wrapped_keys"` // the store's: key id -> wrapped key; an erased one is missing
	Files   []string          `json:"files"`        // the record files, in order, hexadecimal
	Groups  []groupVector     `json:"groups"`
}

type groupVector struct {
	First   uint64         `json:"first"`
	Root    string         `json:"root"` // of the leaf hashes, which the promise signs
	Ops     []opVector     `json:"ops"`
	Records []recordVector `json:"records"`
}

type opVector struct {
	Kind       int    `json:"kind"`
	SubjectTag string `json:"subject_tag"`
	KeyID      string `json:"key_id"`
	Sequence   uint64 `json:"sequence,omitempty"` // of an erasure
}

type recordVector struct {
	Sequence   uint64 `json:"sequence"`
	Kind       string `json:"kind"`
	Micros     int64  `json:"micros"`
	KeyID      string `json:"key_id"`
	RequestTag string `json:"request_tag"`
	LeafHash   string `json:"leaf_hash"`
	Erased     bool   `json:"erased"` // its key was destroyed: what follows cannot be read
	Body       string `json:"body,omitempty"`
	Subject    string `json:"subject,omitempty"`
	Caller     string `json:"caller,omitempty"`
	RequestID  string `json:"request_id,omitempty"`
	Decision   string `json:"decision,omitempty"`
	Vector     string `json:"vector,omitempty"`
	Private    string `json:"private,omitempty"`
}

var recordVectorFile = filepath.Join("..", "..", "docs", "formats", "testdata", "records.json")

// TestRecordVectors reads the committed record files with the same code as a start,
// and compares the records with those in the vectors: a change of format fails
// here.
func TestRecordVectors(t *testing.T) {
	t.Parallel()
	if *update {
		b, err := json.MarshalIndent(makeRecordVectors(t), "", " ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(recordVectorFile, append(b, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(recordVectorFile)
	if err != nil {
		t.Fatal(err)
	}
	var v recordVectors
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	if got := readRecordVectors(t, &v); !equalJSON(t, got, v.Groups) {
		t.Error("the committed record files do not hold what the vectors say; if the format was meant to change, " +
			"give it another version and run: go test ./ledger/journal -run TestRecordVectors -update")
	}
}

// TestPythonReadsRecords has the second reader, in Python, read the same file.
func TestPythonReadsRecords(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes seconds")
	}
	python := os.Getenv("ASSAY_PEERS_PYTHON")
	if python == "" {
		python = "python3"
	}
	if err := exec.Command(python, "-c", "import cryptography").Run(); err != nil {
		t.Skip("no Python with the package cryptography: the second reader of record files was not run (set " +
			"ASSAY_PEERS_PYTHON)")
	}
	out, err := exec.Command(python, filepath.Join("..", "..", "docs", "formats", "verifier", "read_records.py"),
		recordVectorFile).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}

func equalJSON(t *testing.T, a, b any) bool {
	t.Helper()
	x, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	y, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Equal(x, y)
}

// readRecordVectors reads the groups of a vector's file with its keys.
func readRecordVectors(t *testing.T, v *recordVectors) (out []groupVector) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "master.json")
	must(os.WriteFile(path, v.Master, 0o600))
	master, err := vault.OpenMaster(path, nil)
	must(err)
	keys := map[string]*vault.Key{}
	for id, w := range v.Wrapped {
		i, err := hex.DecodeString(id)
		must(err)
		b, err := hex.DecodeString(w)
		must(err)
		opened, err := master.Unwrap(vault.WrappedKey{ID: vault.ID(i), Bytes: b})
		must(err)
		keys[id] = opened[0]
	}
	auth, err := keys[v.System].Authenticator()
	must(err)
	logKey, err := ledger.ParseKey(v.LogKey)
	must(err)
	for _, text := range v.Files {
		file, err := hex.DecodeString(text)
		must(err)
		out = append(out, readRecordFile(t, file, keys, auth, logKey)...)
	}
	return out
}

// readRecordFile reads the groups of one file.
func readRecordFile(t *testing.T, file []byte, keys map[string]*vault.Key, auth *vault.Authenticator,
	logKey ledger.Key) (out []groupVector) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for !isZero(file) {
		f, err := recordfile.ParseHead(file)
		must(err)
		frame := file[:f.Size()]
		must(f.Check(auth, frame))
		file = file[f.Size():]
		body := frame[recordfile.HeadBytes:]
		g := groupVector{First: f.First, Ops: []opVector{}}
		ops, err := f.Ops(body)
		must(err)
		for _, o := range ops {
			g.Ops = append(g.Ops,
				opVector{int(o.Kind), hex.EncodeToString(o.Subject[:]), hex.EncodeToString(o.Key[:]), o.Sequence})
		}
		var hashes []assay.Digest
		for i := range int(f.Count) {
			s, err := f.At(body, i)
			must(err)
			leaf, err := ledger.ParseLeaf(s.Leaf)
			must(err)
			hash := ledger.HashLeaf(s.Leaf)
			hashes = append(hashes, hash)
			r := recordVector{Sequence: f.First + uint64(i), Kind: leaf.Kind.String(), Micros: leaf.Micros,
				KeyID:      hex.EncodeToString(s.Key[:]),
				RequestTag: hex.EncodeToString(s.Tag[:]), LeafHash: hex.EncodeToString(hash[:])}
			if k := keys[r.KeyID]; k == nil {
				r.Erased = true
			} else {
				ad := sealContext(r.Sequence, hash)
				plain, err := k.Open(nil, s.Sealed, ad[:])
				must(err)
				var rec Record
				must(rec.parsePrivate(plain))
				kd, kv := k.CommitmentKeys(r.Sequence)
				if leaf.Decision != ledger.CommitDecision(kd[:], rec.Decision) ||
					leaf.Vector != ledger.CommitVector(kv[:], rec.Vector) {
					t.Errorf("record %d: the sealed part does not open the leaf's commitments", r.Sequence)
				}
				r.Body, r.Subject, r.Caller, r.RequestID = hex.EncodeToString(rec.Body[:]), rec.Subject,
					rec.Caller, rec.RequestID
				r.Decision, r.Vector, r.Private = hex.EncodeToString(rec.Decision), hex.EncodeToString(rec.Vector),
					hex.EncodeToString(rec.Private)
			}
			g.Records = append(g.Records, r)
		}
		var tree ledger.GroupTree
		tree.Reset(hashes)
		root := tree.Root()
		g.Root = hex.EncodeToString(root[:])
		p := ledger.Promise{Sequence: f.First, LeafHash: hashes[0], First: f.First, Count: f.Count,
			Path: tree.AppendPath(nil, 0), Signature: f.Signature}
		must(p.Verify(logKey))
		out = append(out, g)
	}
	return out
}

// makeRecordVectors runs a journal: a record without a subject, three of two
// subjects in one commit, an erasure, and one more of the subject that stays.
func makeRecordVectors(t *testing.T) *recordVectors {
	t.Helper()
	dir := t.TempDir()
	j, stop := start(t, dir, Config{Origin: "log.example/vectors"})
	one := func(r *Record) {
		t.Helper()
		if _, err := j.Append(t.Context(), j.Take(), r); err != nil {
			t.Fatal(err)
		}
	}
	one(&Record{Kind: ledger.Failed, Micros: 1_700_000_000_000_000})
	var seqs []uint64
	var rs []*Record
	for i := range 3 {
		seq := j.Take()
		seqs, rs = append(seqs, seq), append(rs, decision(seq, fmt.Sprintf("buyer-%d", i%2)))
	}
	if _, err := j.AppendAll(t.Context(), seqs, rs); err != nil {
		t.Fatal(err)
	}
	if _, _, err := j.Erase(t.Context(), "buyer-0", "asked for"); err != nil {
		t.Fatal(err)
	}
	one(decision(j.taken.Load(), "buyer-1"))
	v := &recordVectors{Note: "Made for this file alone by go test ./ledger/journal -run TestRecordVectors -update; " +
		"docs/formats/journal.md draws it. The keys open nothing else.",
		LogKey: j.Key(), Wrapped: map[string]string{}}
	err := j.store.Each(t.Context(), store.Keys, func(id, wrapped []byte) error {
		v.Wrapped[hex.EncodeToString(id)] = hex.EncodeToString(wrapped)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	id := j.store.System().ID()
	v.System = hex.EncodeToString(id[:])
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if v.Master, err = os.ReadFile(filepath.Join(dir, "keys", "master.json")); err != nil {
		t.Fatal(err)
	}
	for _, name := range recordFiles(t, dir) {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		end := len(bytes.TrimRight(b, "\x00"))
		// some of the zeros that were written in advance
		v.Files = append(v.Files, hex.EncodeToString(slices.Concat(b[:end], make([]byte, 64))))
	}
	v.Groups = readRecordVectors(t, v)
	return v
}
