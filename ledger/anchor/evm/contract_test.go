// SPDX-License-Identifier: Apache-2.0

package evm

import (
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/state"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/core/vm/runtime"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"

	"github.com/assayrisk/assay/internal/memlog"
	"github.com/assayrisk/assay/ledger/anchor"
)

var (
	owner     = common.Address{1}
	publisher = common.Address{2}
	stranger  = common.Address{3}
	logID     = [32]byte(anchor.LogID("assay.test/log"))
)

// machine is the bare EVM with the contract in it.
type machine struct {
	t   testing.TB
	art *Artefact
	cfg runtime.Config
	at  common.Address
}

func newMachine(t testing.TB) *machine {
	t.Helper()
	art, err := Registry()
	if err != nil {
		t.Fatal(err)
	}
	db, err := state.New(types.EmptyRootHash, state.NewDatabaseForTesting())
	if err != nil {
		t.Fatal(err)
	}
	m := &machine{t: t, art: art, cfg: runtime.Config{State: db, Origin: owner, GasLimit: 30_000_000}}
	code, at, _, err := runtime.Create(art.Bytecode, &m.cfg)
	if err != nil {
		t.Fatal(err)
	}
	if anchor.Hash(crypto.Keccak256Hash(code)) != anchor.RegistryCodeHash {
		t.Fatal("the creation code gives other code than anchor.RegistryCodeHash names")
	}
	m.at = at
	return m
}

// call runs a function as from, and returns what it returns, or the name of
// the contract's error.
func (m *machine) call(from common.Address, method string, args ...any) (out []byte, revert string) {
	m.t.Helper()
	in, err := m.art.ABI.Pack(method, args...)
	if err != nil {
		m.t.Fatal(err)
	}
	m.cfg.Origin = from
	out, _, err = runtime.Call(m.at, in, &m.cfg)
	if err != nil {
		if !errors.Is(err, vm.ErrExecutionReverted) {
			m.t.Fatalf("%s: %v", method, err)
		}
		name := m.art.revertName(out)
		if name == "" {
			m.t.Fatalf("%s: refused with %x, which the contract does not declare", method, out)
		}
		return nil, name
	}
	return out, ""
}

func (m *machine) head(id [32]byte) anchor.Head {
	m.t.Helper()
	out, revert := m.call(stranger, "logs", id)
	if revert != "" {
		m.t.Fatal(revert)
	}
	h, err := m.art.unpackLog(out)
	if err != nil {
		m.t.Fatal(err)
	}
	return h
}

// TestArtefactCodeHash: the committed artefact has the code hash that verifiers
// know, and the storage layout that proofs rely on.
func TestArtefactCodeHash(t *testing.T) {
	t.Parallel()
	art, err := Registry()
	if err != nil {
		t.Fatal(err)
	}
	if got := anchor.Hash(crypto.Keccak256Hash(art.Runtime)); got != anchor.RegistryCodeHash {
		t.Errorf("the artefact's code hash is %s, anchor.RegistryCodeHash is %s", got, anchor.RegistryCodeHash)
	}
	want := map[string]StorageItem{
		"logs": {Slot: "2"}, "Log.root": {Slot: "0"}, "Log.publisher": {Slot: "1"},
		"Log.size": {Slot: "1", Offset: 20}, "Log.anchors": {Slot: "1", Offset: 28},
	}
	found := 0
	for _, item := range art.Storage {
		if w, ok := want[item.Name]; ok {
			found++
			if item.Slot != w.Slot || item.Offset != w.Offset {
				t.Errorf("%s is at slot %s, offset %d; proofs take it from slot %s, offset %d", item.Name, item.Slot,
					item.Offset, w.Slot, w.Offset)
			}
		}
	}
	if found != len(want) {
		t.Errorf("%d of %d variables are in the artefact", found, len(want))
	}
}

// TestArtefactCurrent compiles the source again and compares. It needs node
// and npm's solc; contract/compile.mjs says where it looks for it.
func TestArtefactCurrent(t *testing.T) {
	t.Parallel()
	if os.Getenv("SOLC_MODULES") == "" {
		t.Skip("SOLC_MODULES is not set: contract/install.sh DIR installs the compiler, then SOLC_MODULES=DIR")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if out, err := exec.CommandContext(ctx, "node", "contract/compile.mjs", "--check").CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

// TestReverts gives each function each reason to refuse.
func TestReverts(t *testing.T) {
	t.Parallel()
	none := [][32]byte{}
	root := func(b byte) [32]byte { return [32]byte{b} }
	type step struct {
		from   common.Address
		method string
		args   []any
		want   string // "" = accepted
	}
	zero := common.Address{}
	steps := []step{
		{stranger, "register", []any{logID, publisher}, "NotOwner"},
		{owner, "register", []any{logID, zero}, "ZeroPublisher"},
		{owner, "rotate", []any{logID, publisher}, "NotRegistered"},
		{publisher, "anchor", []any{logID, uint64(0), uint64(1), root(1), none}, "NotPublisher"},
		{owner, "register", []any{logID, publisher}, ""},
		{owner, "register", []any{logID, publisher}, "AlreadyRegistered"},
		{owner, "register", []any{logID, stranger}, "AlreadyRegistered"},
		{stranger, "anchor", []any{logID, uint64(0), uint64(1), root(1), none}, "NotPublisher"},
		{owner, "anchor", []any{logID, uint64(0), uint64(1), root(1), none}, "NotPublisher"},
		{publisher, "anchor", []any{logID, uint64(5), uint64(7), root(1), none}, "Stale[0 5]"},
		{publisher, "anchor", []any{logID, uint64(0), uint64(0), root(1), none}, "NotNewer[0 0]"},
		{publisher, "anchor", []any{logID, uint64(0), uint64(1), root(1), [][32]byte{{9}}}, "Inconsistent"},
		{publisher, "anchor", []any{logID, uint64(0), uint64(3), root(1), none}, ""},
		{publisher, "anchor", []any{logID, uint64(0), uint64(3), root(1), none}, "Stale[3 0]"},
		{publisher, "anchor", []any{logID, uint64(3), uint64(3), root(1), none}, "NotNewer[3 3]"},
		{publisher, "anchor", []any{logID, uint64(3), uint64(2), root(1), none}, "NotNewer[3 2]"},
		{publisher, "anchor", []any{logID, uint64(3), uint64(4), root(2), none}, "Inconsistent"},
		{publisher, "anchor", []any{logID, uint64(3), uint64(4), root(2), [][32]byte{{1}, {2}, {3}}}, "Inconsistent"},
		{stranger, "rotate", []any{logID, stranger}, "NotOwner"},
		{publisher, "rotate", []any{logID, stranger}, "NotOwner"},
		{owner, "rotate", []any{logID, zero}, "ZeroPublisher"},
		{owner, "rotate", []any{logID, stranger}, ""},
		{publisher, "anchor", []any{logID, uint64(3), uint64(4), root(2), none}, "NotPublisher"},
		// the new key may anchor, and the log's state is kept
		{stranger, "anchor", []any{logID, uint64(3), uint64(4), root(2), none}, "Inconsistent"},
		{stranger, "offerOwnership", []any{stranger}, "NotOwner"},
		{stranger, "takeOwnership", nil, "NotPendingOwner"},
		{owner, "offerOwnership", []any{stranger}, ""},
		{owner, "takeOwnership", nil, "NotPendingOwner"},
		{owner, "offerOwnership", []any{zero}, ""},
		{stranger, "takeOwnership", nil, "NotPendingOwner"},
	}
	m := newMachine(t)
	for i, s := range steps {
		if _, got := m.call(s.from, s.method, s.args...); got != s.want {
			t.Errorf("step %d, %s: %q, want %q", i, s.method, got, s.want)
		}
	}
	if _, got := m.call(owner, "offerOwnership", stranger); got != "" {
		t.Fatal(got)
	}
	if _, got := m.call(stranger, "takeOwnership"); got != "" {
		t.Errorf("taking the contract: %q", got)
	}
	if _, got := m.call(owner, "register", [32]byte{7}, publisher); got != "NotOwner" {
		t.Errorf("the former owner registers a log: %q", got)
	}
	if _, got := m.call(stranger, "register", [32]byte{7}, publisher); got != "" {
		t.Errorf("the new owner registers a log: %q", got)
	}
	if h := m.head(logID); h.Size != 3 || h.Anchors != 1 || h.Publisher != anchor.Address(stranger) ||
		h.Root != root(1) {
		t.Errorf("head %+v", h)
	}
}

func drawGrowth(rng *rand.Rand) memlog.Growth {
	size := func() uint64 { return 1 + rng.Uint64()>>(1+rng.UintN(63)) }
	g := memlog.Growth{Seed: rng.Uint64(), From: size(), To: size()}
	if rng.UintN(4) == 0 {
		g.To = g.From + 1 + rng.Uint64N(9) // small steps, across powers of two
	}
	if rng.UintN(4) == 0 {
		g.From = 1 << rng.UintN(62)
	}
	if g.From > g.To {
		g.From, g.To = g.To, g.From
	}
	if g.From == g.To {
		g.To++
	}
	return g
}

// TestGrowths anchors trees that grow in 10,000 random ways: each is accepted,
// and each is refused with one bit flipped in the new root, the anchored root,
// or the proof, with a node more or less, and with another size. The contract's
// answers are also compared with the library that the log itself uses.
func TestGrowths(t *testing.T) {
	t.Parallel()
	growths := 10_000
	if testing.Short() {
		growths = 500
	}
	rng := rand.New(rand.NewPCG(7, 11))
	m := newMachine(t)
	refused := 0
	for i := range growths {
		g := drawGrowth(rng)
		id := [32]byte{}
		binary.BigEndian.PutUint64(id[:], uint64(i))
		oldRoot, newRoot, path := g.Root(g.From), g.Root(g.To), g.Proof()
		lib := make([][]byte, len(path))
		for i := range path {
			lib[i] = path[i][:]
		}
		if err := proof.VerifyConsistency(rfc6962.DefaultHasher, g.From, g.To, lib, oldRoot[:],
			newRoot[:]); err != nil {
			t.Fatalf("%d -> %d: the test's own proof: %v", g.From, g.To, err)
		}
		if _, r := m.call(owner, "register", id, publisher); r != "" {
			t.Fatal(r)
		}
		if _, r := m.call(publisher, "anchor", id, uint64(0), g.From, oldRoot, [][32]byte{}); r != "" {
			t.Fatal(r)
		}
		bad := append([][32]byte(nil), path...)
		badRoot, badSize := newRoot, g.To
		switch kind := rng.UintN(5); {
		case kind == 0 || len(bad) == 0:
			badRoot[rng.UintN(32)] ^= 1 << rng.UintN(8)
		case kind == 1:
			bad = bad[:len(bad)-1]
		case kind == 2:
			bad = append(bad, bad[0])
		default:
			bad[rng.IntN(len(bad))][rng.UintN(32)] ^= 1 << rng.UintN(8)
		}
		if _, r := m.call(publisher, "anchor", id, g.From, badSize, badRoot, bad); r != "Inconsistent" {
			t.Fatalf("%d -> %d, tampered: %q, want Inconsistent", g.From, g.To, r)
		}
		refused++
		if i%8 == 0 { // on top of another anchored root
			badOld := oldRoot
			badOld[rng.UintN(32)] ^= 1 << rng.UintN(8)
			if out, r := m.call(stranger, "consistent", g.From, g.To, badOld, newRoot, path); r != "" || out[31] != 0 {
				t.Fatalf("%d -> %d from another root: consistent says %x %q", g.From, g.To, out, r)
			}
			refused++
		}
		if _, r := m.call(publisher, "anchor", id, g.From, g.To, newRoot, path); r != "" {
			t.Fatalf("%d -> %d: %q", g.From, g.To, r)
		}
		if i%8 != 0 {
			continue
		}
		if h := m.head(id); h.Size != g.To || h.Root != newRoot || h.Anchors != 2 {
			t.Fatalf("%d -> %d: head %+v", g.From, g.To, h)
		}
	}
	t.Logf("%d growths accepted, %d tampered ones refused", growths, refused)
	t.Logf("COUNT contract_growths %d", growths)
	t.Logf("COUNT contract_growths_tampered_refused %d", refused)
}

// FuzzConsistent: the contract and the library give the same answer on any input.
func FuzzConsistent(f *testing.F) {
	rng := rand.New(rand.NewPCG(1, 3))
	for range 20 {
		g := drawGrowth(rng)
		var flat []byte
		for _, n := range g.Proof() {
			flat = append(flat, n[:]...)
		}
		a, b := g.Root(g.From), g.Root(g.To)
		f.Add(g.From, g.To, a[:], b[:], flat)
	}
	m := newMachine(f)
	f.Fuzz(func(t *testing.T, first, second uint64, a, b, flat []byte) {
		m.t = t
		if len(a) != 32 || len(b) != 32 || len(flat) > 32*70 || first == 0 || first >= second {
			t.Skip()
		}
		var path [][32]byte
		var lib [][]byte
		for ; len(flat) >= 32; flat = flat[32:] {
			path, lib = append(path, [32]byte(flat)), append(lib, flat[:32])
		}
		want := proof.VerifyConsistency(rfc6962.DefaultHasher, first, second, lib, a, b) == nil
		out, revert := m.call(stranger, "consistent", first, second, [32]byte(a), [32]byte(b), path)
		if revert != "" || len(out) != 32 || (out[31] == 1) != want {
			t.Errorf("%d -> %d with %d nodes: the contract says %x %q, the library %v", first, second,
				len(path), out, revert, want)
		}
	})
}

func TestRevertName(t *testing.T) {
	t.Parallel()
	art, err := Registry()
	if err != nil {
		t.Fatal(err)
	}
	for _, data := range [][]byte{nil, {1}, {1, 2, 3, 4}, []byte(strings.Repeat("x", 100))} {
		if name := art.revertName(data); name != "" {
			t.Errorf("%x is named %q", data, name)
		}
	}
}
