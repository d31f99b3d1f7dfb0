// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/internal/compact"
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
	// Signatures are the files of signatures, in order, hexadecimal; in format 1 the groups' heads hold them.
	Signatures []string `json:"signatures,omitempty"`
	// Dictionaries are those that parts are compressed with, hexadecimal.
	Dictionaries []string      `json:"dictionaries,omitempty"`
	Groups       []groupVector `json:"groups"`
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
	// What stays readable after an erasure.
	Parties  []string `json:"parties,omitempty"`
	Business string   `json:"business,omitempty"`
}

var recordVectorFile = filepath.Join("..", "..", "docs", "formats", "testdata", "records.json")

// recordVectorFile1 has record files of format 1, which nothing writes any more.
var recordVectorFile1 = filepath.Join("..", "..", "docs", "formats", "testdata", "records-1.json")

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
	for _, file := range []string{recordVectorFile, recordVectorFile1} {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var v recordVectors
		if err := json.Unmarshal(b, &v); err != nil {
			t.Fatal(err)
		}
		if got := readRecordVectors(t, &v); !equalJSON(t, got, v.Groups) {
			t.Errorf("%s: the record files do not hold what the vectors say; if the format was meant to change, "+
				"give it another version and run: go test ./ledger/journal -run TestRecordVectors -update", file)
		}
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
	if err := exec.Command(python, "-c", "import cryptography, zstandard").Run(); err != nil {
		t.Skip("no Python with the packages cryptography and zstandard (set ASSAY_PEERS_PYTHON): the second reader " +
			"of record files was not run")
	}
	out, err := exec.Command(python, filepath.Join("..", "..", "docs", "formats", "verifier", "read_records.py"),
		recordVectorFile, recordVectorFile1).CombinedOutput()
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

// vectorReader reads record files with their keys.
type vectorReader struct {
	*testing.T
	keys       map[string]*vault.Key
	programme  programmeKeys
	decoder    *compact.Decoder
	auth       *vault.Authenticator
	log        ledger.Key
	signatures map[uint64][64]byte // by the first number of their group; of format 2
}

func (r *vectorReader) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

func (r *vectorReader) bytes(text string) []byte {
	r.Helper()
	b, err := hex.DecodeString(text)
	r.must(err)
	return b
}

// readRecordVectors reads the groups of a vector's file with its keys.
func readRecordVectors(t *testing.T, v *recordVectors) (out []groupVector) {
	t.Helper()
	r := &vectorReader{T: t, keys: map[string]*vault.Key{}, signatures: map[uint64][64]byte{}}
	path := filepath.Join(t.TempDir(), "master.json")
	r.must(os.WriteFile(path, v.Master, 0o600))
	master, err := vault.OpenMaster(path, nil)
	r.must(err)
	for id, w := range v.Wrapped {
		opened, err := master.Unwrap(vault.WrappedKey{ID: vault.ID(r.bytes(id)), Bytes: r.bytes(w)})
		r.must(err)
		r.keys[id] = opened[0]
	}
	r.programme.system = r.keys[v.System]
	r.auth, err = r.keys[v.System].Authenticator()
	r.must(err)
	r.log, err = ledger.ParseKey(v.LogKey)
	r.must(err)
	for _, text := range v.Signatures {
		for b := r.bytes(text); len(b) > 0; b = b[80:] {
			r.signatures[binary.BigEndian.Uint64(b)] = [64]byte(b[12:])
		}
	}
	var dictionaries []*compact.Dictionary
	for _, text := range v.Dictionaries {
		d, err := compact.Parse(r.bytes(text))
		r.must(err)
		dictionaries = append(dictionaries, d)
	}
	r.decoder, err = compact.NewDecoder(dictionaries...)
	r.must(err)
	for _, text := range v.Files {
		for file := r.bytes(text); !isZero(file); {
			f, err := recordfile.ParseHead(file)
			r.must(err)
			r.must(f.Check(r.auth, file[:f.Size()]))
			out = append(out, r.group(&f, file[f.HeadLen():f.Size()-vault.MACSize]))
			file = file[f.Size():]
		}
	}
	return out
}

// group reads one group.
func (r *vectorReader) group(f *recordfile.Head, body []byte) groupVector {
	r.Helper()
	g := groupVector{First: f.First, Ops: []opVector{}}
	ops, err := f.Ops(body)
	r.must(err)
	for _, o := range ops {
		g.Ops = append(g.Ops,
			opVector{int(o.Kind), hex.EncodeToString(o.Subject[:]), hex.EncodeToString(o.Key[:]), o.Sequence})
	}
	var hashes []assay.Digest
	for i := range int(f.Count) {
		s, err := f.At(body, i)
		r.must(err)
		hashes = append(hashes, ledger.HashLeaf(s.Leaf))
		g.Records = append(g.Records, r.record(f.First+uint64(i), s))
	}
	var tree ledger.GroupTree
	tree.Reset(hashes)
	root := tree.Root()
	g.Root = hex.EncodeToString(root[:])
	signature := f.Signature
	if f.Version > 1 {
		signature = r.signatures[f.First]
	}
	p := ledger.Promise{Sequence: f.First, LeafHash: hashes[0], First: f.First, Count: f.Count,
		Path: tree.AppendPath(nil, 0), Signature: signature}
	r.must(p.Verify(r.log))
	return g
}

// record reads one record.
func (r *vectorReader) record(seq uint64, s recordfile.StoredRecord) recordVector {
	r.Helper()
	leaf, err := ledger.ParseLeaf(s.Leaf)
	r.must(err)
	hash := ledger.HashLeaf(s.Leaf)
	v := recordVector{Sequence: seq, Kind: leaf.Kind.String(), Micros: leaf.Micros,
		KeyID:      hex.EncodeToString(s.Key[:]),
		RequestTag: hex.EncodeToString(s.Tag[:]), LeafHash: hex.EncodeToString(hash[:])}
	ad := sealContext(seq, hash)
	var rec Record
	if len(s.Business) > 0 {
		key, err := r.programme.of(seq)
		r.must(err)
		plain, err := openPart(key, r.decoder, s.Version, s.Business, ad[:])
		r.must(err)
		r.must(rec.parseBusiness(plain, s.Key))
		v.Business = hex.EncodeToString(rec.Business)
		for _, p := range rec.PartyNumbers {
			v.Parties = append(v.Parties, hex.EncodeToString(p[:]))
		}
	}
	k := r.keys[v.KeyID]
	if k == nil {
		v.Erased = true
		return v
	}
	plain, err := openPart(k, r.decoder, s.Version, s.Personal, ad[:])
	r.must(err)
	r.must(rec.parsePersonal(plain))
	kd, kv := k.CommitmentKeys(seq)
	if leaf.Decision != ledger.CommitDecision(kd[:], rec.Decision) ||
		leaf.Vector != ledger.CommitVector(kv[:], rec.Vector) {
		r.Errorf("record %d: the personal part does not open the leaf's commitments", seq)
	}
	v.Body, v.Subject, v.Caller, v.RequestID = hex.EncodeToString(rec.Body[:]), rec.Subject, rec.Caller, rec.RequestID
	v.Decision, v.Vector, v.Private = hex.EncodeToString(rec.Decision), hex.EncodeToString(rec.Vector),
		hex.EncodeToString(rec.Private)
	return v
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
	useTestDictionary(t, j)
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
	event := decision(j.taken.Load(), "buyer-1")
	event.Private, event.Business = []byte("what is personal of an event"), []byte("what is not")
	for _, name := range []string{"buyer-1", "seller-1"} {
		p, err := j.Party(name)
		if err != nil {
			t.Fatal(err)
		}
		event.Parties = append(event.Parties, p)
	}
	one(event)
	if _, _, err := j.Erase(t.Context(), "buyer-1", "asked for, too"); err != nil {
		t.Fatal(err)
	}
	one(decision(j.taken.Load(), "buyer-2"))
	v := &recordVectors{Note: "Made for this file alone by go test ./ledger/journal -run TestRecordVectors -update; " +
		"docs/formats/journal.md draws it. The keys open nothing else.",
		LogKey: j.Key(), Wrapped: map[string]string{}}
	err := errors.Join(j.waitApplied(t.Context(), j.durable.Load()),
		j.store.Each(t.Context(), store.Keys, func(id, wrapped []byte) error {
			v.Wrapped[hex.EncodeToString(id)] = hex.EncodeToString(wrapped)
			return nil
		}))
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
	for _, name := range filesBelow(t, dir, signatureDir) {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		v.Signatures = append(v.Signatures, hex.EncodeToString(b))
	}
	for _, d := range j.dictionaries.all {
		v.Dictionaries = append(v.Dictionaries, hex.EncodeToString(d.Bytes()))
	}
	v.Groups = readRecordVectors(t, v)
	return v
}

// useTestDictionary makes a dictionary of decisions that are not in the journal.
func useTestDictionary(t testing.TB, j *Journal) {
	t.Helper()
	var samples []*Record
	for i := range uint64(50) {
		samples = append(samples, decision(1_000_000+977*i, fmt.Sprint("sample-", i)))
	}
	if err := j.UseDictionary(samples); err != nil {
		t.Fatal(err)
	}
}
