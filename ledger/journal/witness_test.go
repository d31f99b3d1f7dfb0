// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
)

// witness is a C2SP tlog-witness: it cosigns a checkpoint if that is
// consistent with the last one that it cosigned, and only then.
type witness struct {
	name   string
	public ed25519.PublicKey
	secret ed25519.PrivateKey
	logKey string

	mu   sync.Mutex
	last ledger.Checkpoint
	seen int
}

func newWitness(t *testing.T, name string) *witness {
	t.Helper()
	pub, sec, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &witness{name: name, public: pub, secret: sec}
}

func (w *witness) vkey() string {
	raw := append([]byte{4}, w.public...)
	return fmt.Sprintf("%s+%08x+%s", w.name, w.hash(), base64.StdEncoding.EncodeToString(raw))
}

func (w *witness) hash() uint32 {
	// The same hash as every note key, over another algorithm byte.
	raw := append([]byte(w.name+"\n\x04"), w.public...)
	h := sha256.Sum256(raw)
	return binary.BigEndian.Uint32(h[:])
}

// ServeHTTP implements add-checkpoint.
func (w *witness) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<16))
	if err != nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	head, signed, ok := strings.Cut(string(body), "\n\n")
	lines := strings.Split(head, "\n")
	var old uint64
	if _, err := fmt.Sscanf(lines[0], "old %d", &old); err != nil || !ok {
		http.Error(rw, "malformed", http.StatusBadRequest)
		return
	}
	cp, err := ledger.ParseCheckpoint([]byte(signed), w.logKey)
	if err != nil {
		http.Error(rw, err.Error(), http.StatusForbidden)
		return
	}
	if old != w.last.Size {
		rw.Header().Set("Content-Type", "text/x.tlog.size")
		rw.WriteHeader(http.StatusConflict)
		fmt.Fprintf(rw, "%d\n", w.last.Size)
		return
	}
	var path [][]byte
	for _, l := range lines[1:] {
		h, err := base64.StdEncoding.DecodeString(l)
		if err != nil {
			http.Error(rw, "malformed", http.StatusBadRequest)
			return
		}
		path = append(path, h)
	}
	if old > 0 {
		if err := proof.VerifyConsistency(rfc6962.DefaultHasher, old, cp.Size, path, w.last.Root[:],
			cp.Root[:]); err != nil {
			http.Error(rw, "not consistent", http.StatusUnprocessableEntity)
			return
		}
	}
	w.last = cp
	w.seen++
	now := uint64(time.Now().Unix())
	sig := binary.BigEndian.AppendUint32(nil, w.hash())
	sig = binary.BigEndian.AppendUint64(sig, now)
	sig = append(sig, ed25519.Sign(w.secret, ledger.CosignatureMessage(cp.String(), now))...)
	fmt.Fprintf(rw, "— %s %s\n", w.name, base64.StdEncoding.EncodeToString(sig))
}

// witnessedReceipt publishes two checkpoints through two witnesses, and returns a
// receipt under the second and the log's key.
func witnessedReceipt(t *testing.T, a, b *witness) (r *assay.Receipt, logKey string) {
	t.Helper()
	dir := t.TempDir()
	var policy strings.Builder
	for name, w := range map[string]*witness{"a": a, "b": b} {
		s := httptest.NewServer(w)
		t.Cleanup(s.Close)
		fmt.Fprintf(&policy, "witness %s %s %s\n", name, w.vkey(), s.URL)
	}
	policy.WriteString("group both all a b\nquorum both\n")

	j, err := Open(t.Context(), dir, Config{}) // the witnesses learn the log's key
	if err != nil {
		t.Fatal(err)
	}
	a.logKey, b.logKey = j.Key(), j.Key()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j, stop := start(t, dir, Config{Witnesses: policy.String()})
	for _, size := range []uint64{50, 100} {
		add(t, j, 50, 4)
		if err := j.WaitPublished(t.Context(), size); err != nil {
			t.Fatal(err)
		}
	}
	if r, err = j.Receipt(t.Context(), 7); err != nil {
		t.Fatal(err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if a.last.Size != 100 || b.last.Size != 100 {
		t.Errorf("the witnesses saw sizes %d and %d, want 100", a.last.Size, b.last.Size)
	}
	return r, j.Key()
}

// TestWitnesses publishes through two witnesses, checks the cosignatures of a
// receipt, and finds that a missing, strange or changed one is refused.
func TestWitnesses(t *testing.T) {
	t.Parallel()
	a, b := newWitness(t, "witness.example/a"), newWitness(t, "witness.example/b")
	r, logKey := witnessedReceipt(t, a, b)
	both := ledger.Trust{LogKey: logKey, Witnesses: []string{a.vkey(), b.vkey()}}
	last := func(fs []ledger.Finding) ledger.Finding { return fs[len(fs)-1] }
	if f := last(ledger.Verify(r, both)); f.Step != ledger.StepWitness || f.State != ledger.Proven {
		t.Fatalf("%v", f)
	}
	if fs := ledger.Verify(r, ledger.Trust{LogKey: logKey}); !ledger.OK(fs) || last(fs).Step == ledger.StepWitness {
		t.Errorf("without trusted witnesses: %v", fs)
	}
	stranger := newWitness(t, "witness.example/a")
	strange := ledger.Trust{LogKey: logKey, Witnesses: []string{stranger.vkey(), b.vkey()}}
	if f := last(ledger.Verify(r, strange)); f.State != ledger.Refused {
		t.Errorf("a stranger under a's name: %v", f)
	}
	strange.Quorum = 1
	if f := last(ledger.Verify(r, strange)); f.State != ledger.Proven {
		t.Errorf("one of two: %v", f)
	}
	// Drop b's line; then change a bit of its signature.
	lines := bytes.SplitAfter(r.Checkpoint, []byte("\n"))
	at := slices.IndexFunc(lines, func(l []byte) bool { return bytes.HasPrefix(l, []byte("— witness.example/b ")) })
	if at < 0 {
		t.Fatalf("no cosignature of b in %s", r.Checkpoint)
	}
	whole := r.Checkpoint
	r.Checkpoint = bytes.Join(append(append([][]byte(nil), lines[:at]...), lines[at+1:]...), nil)
	if f := last(ledger.Verify(r, both)); f.State != ledger.Refused {
		t.Errorf("a cosignature was dropped: %v", f)
	}
	line := bytes.Clone(lines[at])
	line[len(line)-20] ^= 2
	lines[at] = line
	r.Checkpoint = bytes.Join(lines, nil)
	if bytes.Equal(r.Checkpoint, whole) {
		t.Fatal("nothing was changed")
	}
	if fs := ledger.Verify(r, both); ledger.OK(fs) {
		t.Errorf("a cosignature was changed: %v", fs)
	}
}

// TestWitnessIsNeeded: nothing is published while the witness cannot be reached.
func TestWitnessIsNeeded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := newWitness(t, "witness.example/w")
	asked := make(chan struct{}, 16)
	away := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		http.NotFound(rw, r)
		select {
		case asked <- struct{}{}:
		default:
		}
	}))
	t.Cleanup(away.Close)
	policy := fmt.Sprintf("witness w %s %s\nquorum w\n", w.vkey(), away.URL)
	cfg := Config{Witnesses: policy, DrainTimeout: time.Millisecond}
	j, _ := start(t, dir, cfg)
	add(t, j, 10, 2) // appends go on
	for range 3 {    // the third request comes after two attempts have ended
		<-asked
	}
	if _, size := j.Checkpoint(); size != 0 {
		t.Fatalf("size %d was published without its witness", size)
	}
	if err := j.Ready(); err != nil {
		t.Error(err)
	}
}

func TestWitnessPolicyIsChecked(t *testing.T) {
	t.Parallel()
	j, err := Open(t.Context(), t.TempDir(), Config{Witnesses: "quorum nobody\n", Interval: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Run(t.Context()); err == nil {
		t.Error("a policy that names nobody was taken")
	}
	if err := j.Close(); err != nil {
		t.Error(err)
	}
}
