// SPDX-License-Identifier: Apache-2.0

package anchor

import (
	"context"
	"crypto/ecdsa"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"sync"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/rawdb"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/rlp"
	"github.com/ethereum/go-ethereum/trie"
	"github.com/ethereum/go-ethereum/triedb"
	"github.com/holiman/uint256"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
)

const testOrigin = "assay.test/log"

var testContract = Address{0xc0, 0xff, 0xee}
var testPublisher = Address{0xaa, 1}

// proofList collects trie nodes in the order of a walk.
type proofList [][]byte

func (l *proofList) Put(_, value []byte) error {
	if !slices.ContainsFunc(*l, func(n []byte) bool { return string(n) == string(value) }) {
		*l = append(*l, value)
	}
	return nil
}
func (*proofList) Delete([]byte) error { panic("not used") }

// world is a block's state, built with go-ethereum's own tries: the contract
// alone, or among other accounts and other logs.
type world struct {
	chainID  uint64
	head     Head
	logID    Hash
	others   int // how many other accounts and storage slots there are
	number   uint64
	parent   Hash
	codeHash Hash
	keys     []*ecdsa.PrivateKey // QBFT validators that seal, nil = no seals
	sealers  int                 // how many of them seal
}

func (w *world) prove(t testing.TB) *Proof {
	t.Helper()
	must := func(err error) {
		if err != nil {
			t.Helper()
			t.Fatal(err)
		}
	}
	db := triedb.NewDatabase(rawdb.NewMemoryDatabase(), nil)
	storage := trie.NewEmpty(db)
	put := func(slot, v Hash) {
		if v.IsZero() {
			return
		}
		enc, err := rlp.EncodeToBytes(common.TrimLeftZeroes(v[:]))
		must(err)
		storage.MustUpdate(crypto.Keccak256(slot[:]), enc)
	}
	var packed Hash
	copy(packed[12:], w.head.Publisher[:])
	new(big.Int).SetUint64(w.head.Size).FillBytes(packed[4:12])
	new(big.Int).SetUint64(uint64(w.head.Anchors)).FillBytes(packed[:4])
	slots := LogSlots(w.logID)
	put(slots[0], Hash(w.head.Root))
	put(slots[1], packed)
	for i := range w.others {
		put(keccak([]byte{1, byte(i), byte(i >> 8)}), Hash{31: byte(i + 1)})
	}
	code := w.codeHash
	if code.IsZero() {
		code = RegistryCodeHash
	}
	account := types.StateAccount{Nonce: 1, Balance: new(uint256.Int), Root: storage.Hash(), CodeHash: code[:]}
	enc, err := rlp.EncodeToBytes(&account)
	must(err)
	state := trie.NewEmpty(db)
	state.MustUpdate(crypto.Keccak256(testContract[:]), enc)
	for i := range w.others {
		other := types.StateAccount{Balance: uint256.NewInt(uint64(i)), Root: types.EmptyRootHash,
			CodeHash: types.EmptyCodeHash[:]}
		enc, err := rlp.EncodeToBytes(&other)
		must(err)
		state.MustUpdate(crypto.Keccak256([]byte{2, byte(i), byte(i >> 8)}), enc)
	}
	var nodes proofList
	must(state.Prove(crypto.Keccak256(testContract[:]), &nodes))
	for _, s := range slots {
		must(storage.Prove(crypto.Keccak256(s[:]), &nodes))
	}
	h := &types.Header{ParentHash: common.Hash(w.parent), Root: state.Hash(), Number: new(big.Int).SetUint64(w.number),
		Difficulty: big.NewInt(1), GasLimit: 30e6, Time: 1_700_000_000 + w.number,
		BaseFee: big.NewInt(7), Extra: []byte("fake")}
	p := &Proof{Version: ProofVersion, ChainID: w.chainID, Contract: testContract, LogID: w.logID,
		Anchors:   w.head.Anchors,
		Publisher: w.head.Publisher, Seal: SealNone, Nodes: nodes}
	p.Block = Hash(h.Hash())
	if w.keys != nil {
		p.Seal = SealQBFT
		p.Block = sealHeader(t, h, w.keys, w.sealers)
	}
	p.Header, err = rlp.EncodeToBytes(h)
	must(err)
	return p
}

// sealHeader writes QBFT extraData into h as Besu lays it out, sealed by the
// first n of the validators, and returns the block's hash. It shares no code
// with parseQBFT.
func sealHeader(t testing.TB, h *types.Header, validators []*ecdsa.PrivateKey, n int) Hash {
	type extra struct {
		Vanity     []byte
		Validators []common.Address
		Vote       []rlp.RawValue
		Round      uint32
		Seals      [][]byte
	}
	ex := extra{Vanity: make([]byte, 32), Round: 3, Seals: [][]byte{}}
	for _, k := range validators {
		ex.Validators = append(ex.Validators, crypto.PubkeyToAddress(k.PublicKey))
	}
	encode := func(e extra) []byte {
		b, err := rlp.EncodeToBytes(&e)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	h.Extra = encode(ex)
	digest := h.Hash()
	final := ex
	for _, k := range validators[:n] {
		sig, err := crypto.Sign(digest[:], k)
		if err != nil {
			t.Fatal(err)
		}
		final.Seals = append(final.Seals, sig)
	}
	ex.Round = 0
	h.Extra = encode(ex)
	hash := h.Hash()
	h.Extra = encode(final)
	return Hash(hash)
}

// fakeTx is a transaction of the fake chain; its JSON is what is sent.
type fakeTx struct {
	Nonce uint64
	Fee   int
	Call  Call
}

type fakeBlock struct {
	head  Head
	nonce uint64
	txs   map[Hash]TxState
	raws  [][]byte
}

// fakeChain is a chain in memory with the faults that real ones have. It runs
// the contract's rules, and its proofs are real tries.
type fakeChain struct {
	t  testing.TB
	mu struct {
		sync.Mutex
		id       uint64
		blocks   []fakeBlock
		pool     map[Hash][]byte
		lag      int // final = this many blocks below the newest
		minFee   int // transactions below it wait
		salt     byte
		reverted int
		fault    func(method string) (before, after error) // after: the call takes effect, and fails
		calls    map[string]int
	}
}

func newFakeChain(t testing.TB) *fakeChain {
	c := &fakeChain{t: t}
	c.mu.id = 5
	c.mu.pool = map[Hash][]byte{}
	c.mu.calls = map[string]int{}
	c.mu.blocks = []fakeBlock{{head: Head{Publisher: testPublisher}, txs: map[Hash]TxState{}}}
	return c
}

var _ Chain = (*fakeChain)(nil)

// enter locks the chain, counts the call, and returns its fault.
func (c *fakeChain) enter(method string) (before, after error) {
	c.mu.Lock()
	c.mu.calls[method]++
	if c.mu.fault != nil {
		return c.mu.fault(method)
	}
	return nil, nil
}

func (c *fakeChain) ChainID(context.Context) (uint64, error) {
	before, after := c.enter("ChainID")
	defer c.mu.Unlock()
	return c.mu.id, errors.Join(before, after)
}

func (c *fakeChain) top() *fakeBlock { return &c.mu.blocks[len(c.mu.blocks)-1] }

func (c *fakeChain) Head(context.Context, Hash) (Head, error) {
	before, after := c.enter("Head")
	defer c.mu.Unlock()
	return c.top().head, errors.Join(before, after)
}

func (c *fakeChain) Sign(_ context.Context, call Call, replace *Tx) (Tx, error) {
	before, after := c.enter("Sign")
	defer c.mu.Unlock()
	if err := errors.Join(before, after); err != nil {
		return Tx{}, err
	}
	if err := c.allowed(c.top().head, call); err != nil {
		return Tx{}, err
	}
	f := fakeTx{Nonce: c.top().nonce, Fee: 1, Call: call}
	if replace != nil {
		old := c.decode(replace.Raw)
		f.Nonce, f.Fee = old.Nonce, old.Fee+1
	}
	raw, err := json.Marshal(f)
	return Tx{Hash: keccak(raw), Nonce: f.Nonce, Raw: raw}, err
}

func (c *fakeChain) Nonce(context.Context) (uint64, error) {
	before, after := c.enter("Nonce")
	defer c.mu.Unlock()
	return c.top().nonce, errors.Join(before, after)
}

func (c *fakeChain) decode(raw []byte) fakeTx {
	var f fakeTx
	if err := json.Unmarshal(raw, &f); err != nil {
		c.t.Errorf("transaction: %v", err)
	}
	return f
}

// allowed applies the contract's rules to a call.
func (c *fakeChain) allowed(h Head, call Call) error {
	if call.Previous != h.Size || call.Size <= h.Size {
		return fmt.Errorf("stale: %w", ErrReverted)
	}
	if h.Size > 0 && proof.VerifyConsistency(rfc6962.DefaultHasher, h.Size, call.Size, call.Proof,
		h.Root[:], call.Root[:]) != nil {
		return fmt.Errorf("inconsistent: %w", ErrReverted)
	}
	return nil
}

func (c *fakeChain) Send(_ context.Context, raw []byte) error {
	before, after := c.enter("Send")
	defer c.mu.Unlock()
	if before != nil {
		return before
	}
	f, hash := c.decode(raw), keccak(raw)
	if f.Nonce < c.top().nonce {
		return ErrNonce
	}
	for h, other := range c.mu.pool {
		if o := c.decode(other); o.Nonce == f.Nonce && h != hash {
			if f.Fee <= o.Fee {
				return ErrUnderpriced
			}
			delete(c.mu.pool, h)
		}
	}
	c.mu.pool[hash] = raw
	return after
}

func (c *fakeChain) Find(_ context.Context, hash Hash) (TxState, error) {
	before, after := c.enter("Find")
	defer c.mu.Unlock()
	if err := errors.Join(before, after); err != nil {
		return 0, err
	}
	if s, ok := c.top().txs[hash]; ok {
		return s, nil
	}
	if _, ok := c.mu.pool[hash]; ok {
		return TxPending, nil
	}
	return TxUnknown, nil
}

func (c *fakeChain) Prove(_ context.Context, id Hash) (*Proof, Head, error) {
	before, after := c.enter("Prove")
	defer c.mu.Unlock()
	if err := errors.Join(before, after); err != nil {
		return nil, Head{}, err
	}
	n := len(c.mu.blocks) - 1 - c.mu.lag
	if n < 0 || c.mu.blocks[n].head.Size == 0 {
		return nil, Head{}, ErrNotFinal
	}
	b := c.mu.blocks[n]
	w := world{chainID: c.mu.id, head: b.head, logID: id, others: 3, number: uint64(n), parent: Hash{c.mu.salt}}
	return w.prove(c.t), b.head, nil
}

// mine makes a block of the pool's transactions.
func (c *fakeChain) mine() {
	c.mu.Lock()
	defer c.mu.Unlock()
	top := c.top()
	b := fakeBlock{head: top.head, nonce: top.nonce, txs: make(map[Hash]TxState)}
	for h, s := range top.txs {
		b.txs[h] = s
	}
	for {
		var found bool
		for h, raw := range c.mu.pool {
			f := c.decode(raw)
			if f.Nonce != b.nonce || f.Fee < c.mu.minFee {
				continue
			}
			found = true
			delete(c.mu.pool, h)
			b.nonce++
			b.raws = append(b.raws, raw)
			if c.allowed(b.head, f.Call) != nil {
				b.txs[h] = TxReverted
				c.mu.reverted++
			} else {
				b.txs[h] = TxIncluded
				b.head.Root, b.head.Size, b.head.Anchors = [32]byte(f.Call.Root), f.Call.Size, b.head.Anchors+1
			}
			break
		}
		if !found {
			break
		}
	}
	c.mu.blocks = append(c.mu.blocks, b)
}

// drop removes the newest blocks. Their transactions go back to the pool, as in
// a reorganisation, or are forgotten with the pool, as in a loss.
func (c *fakeChain) drop(depth int, forget bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mu.salt++
	for range min(depth, len(c.mu.blocks)-1) {
		top := c.top()
		if !forget {
			for _, raw := range top.raws {
				c.mu.pool[keccak(raw)] = raw
			}
		}
		c.mu.blocks = c.mu.blocks[:len(c.mu.blocks)-1]
	}
	if forget {
		clear(c.mu.pool)
	}
}

func (c *fakeChain) set(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
}

func (c *fakeChain) head() Head {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.top().head
}
