// SPDX-License-Identifier: Apache-2.0

package evm_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethclient"

	"github.com/assayrisk/assay/internal/memlog"
	"github.com/assayrisk/assay/ledger/anchor"
	"github.com/assayrisk/assay/ledger/anchor/evm"
)

// lie is what a node says to one method, in place of the truth.
type lie struct {
	name, method string // method "" is every one
	say          func(honest string) string
}

func says(s string) func(string) string { return func(string) string { return s } }

// failing is an error in place of a result.
func failing(message string) func(string) string { return says("!" + message) }

// word replaces the n-th 32-byte word of the contract's answer.
func word(n int, hex string) func(string) string {
	return func(honest string) string {
		at := len(`"0x`) + 64*n
		if len(honest) < at+64 {
			return honest
		}
		return honest[:at] + strings.Repeat("0", 64-len(hex)) + hex + honest[at+64:]
	}
}

// field replaces a field of the result.
func field(name, value string) func(string) string {
	return func(honest string) string {
		var m map[string]json.RawMessage
		if json.Unmarshal([]byte(honest), &m) != nil || m == nil {
			return honest
		}
		m[name] = json.RawMessage(value)
		b, err := json.Marshal(m)
		if err != nil {
			return honest
		}
		return string(b)
	}
}

const (
	nonceMethod   = "eth_getTransactionCount"
	headMethod    = "eth_call"
	receiptMethod = "eth_getTransactionReceipt"
	sendMethod    = "eth_sendRawTransaction"
	proofMethod   = "eth_getProof"
	blockMethod   = "eth_getBlockByNumber"
)

// The words of the contract's answer: root, publisher, size, anchors.
func lies() []lie {
	huge := `"0x` + strings.Repeat("f", 30) + `"`
	return []lie{
		{"nonce one too high", nonceMethod, func(h string) string {
			n, err := hexutil.DecodeUint64(strings.Trim(h, `"`))
			if err != nil {
				return h
			}
			return fmt.Sprintf("%q", hexutil.EncodeUint64(n+1))
		}},
		{"nonce a thousand too high", nonceMethod, says(`"0x400"`)},
		{"greatest nonce", nonceMethod, says(`"0xffffffffffffffff"`)},
		{"nonce zero", nonceMethod, says(`"0x0"`)},
		{"nonce null", nonceMethod, says("null")},
		{"nonce of letters", nonceMethod, says(`"many"`)},
		{"tip of 2^120", "eth_maxPriorityFeePerGas", says(huge)},
		{"tip zero", "eth_maxPriorityFeePerGas", says(`"0x0"`)},
		{"tip null", "eth_maxPriorityFeePerGas", says("null")},
		{"base fee of 2^120", blockMethod, field("baseFeePerGas", huge)},
		{"gas estimate of 2^63", "eth_estimateGas", says(`"0x8000000000000000"`)},
		{"gas estimate zero", "eth_estimateGas", says(`"0x0"`)},
		{"gas estimate too low", "eth_estimateGas", says(`"0x5208"`)},
		{"a trial run that reverts", "eth_estimateGas", failing("execution reverted")},
		{"head of a larger size", headMethod, word(2, "ffffffff")},
		{"head of another root", headMethod, word(0, strings.Repeat("ab", 32))},
		{"head of size zero", headMethod, word(2, "0")},
		{"all of the head zero", headMethod, says(`"0x` + strings.Repeat("0", 256) + `"`)},
		{"no contract", headMethod, says(`"0x"`)},
		{"head of ones", headMethod, says(`"0x` + strings.Repeat("f", 256) + `"`)},
		{"receipt of success for all", receiptMethod, func(h string) string { return receiptOf(h, "0x1") }},
		{"receipt of failure for all", receiptMethod, func(h string) string { return receiptOf(h, "0x0") }},
		{"no receipt", receiptMethod, says("null")},
		{"receipt of nonsense", receiptMethod, says(`{"status":"x"}`)},
		{"transaction unknown", "eth_getTransactionByHash", says("null")},
		{"transaction taken and dropped", sendMethod, says(`"0x` + strings.Repeat("11", 32) + `"`)},
		{"transaction known already, and dropped", sendMethod, failing("already known")},
		{"nonce too low, for all", sendMethod, failing("nonce too low")},
		{"underpriced, for all", sendMethod, failing("replacement transaction underpriced")},
		{"no funds, for all", sendMethod, failing("insufficient funds for gas * price + value")},
		{"proof without nodes", proofMethod, field("accountProof", "[]")},
		{"proof null", proofMethod, says("null")},
		{"proof of other values", proofMethod, field("storageProof",
			`[{"key":"0x0","value":"0x7","proof":[]},{"key":"0x1","value":"0xffffffffffffffffffffffff","proof":[]}]`)},
		{"proof of nonsense", proofMethod, field("accountProof", `["0x00","0xff",""]`)},
		{"block of another hash", blockMethod, field("hash", `"0x`+strings.Repeat("22", 32)+`"`)},
		{"block null", blockMethod, says("null")},
		{"block of the future", blockMethod, field("timestamp", `"0xffffffffff"`)},
		{"another chain", "eth_chainId", says(`"0x2a"`)},
		{"chain null", "eth_chainId", says("null")},
		{"chain of 2^120", "eth_chainId", says(huge)},
		{"null for every answer", "", says("null")},
		{"error for every answer", "", failing("no")},
		{"a number for every answer", "", says("7")},
		{"a deep list for every answer", "", says(strings.Repeat("[", 5000) + strings.Repeat("]", 5000))},
		{"slowness", "", func(h string) string { time.Sleep(250 * time.Millisecond); return h }},
		{"silence", "", func(string) string { time.Sleep(600 * time.Millisecond); return "!late" }},
	}
}

// receiptOf is a receipt with a status, also where there is none.
func receiptOf(honest, status string) string {
	if honest != "null" {
		return field("status", `"`+status+`"`)(honest)
	}
	return `{"transactionHash":"0x` + strings.Repeat("11",
		32) + `","status":"` + status + `","cumulativeGasUsed":"0x1","gasUsed":"0x1","logs":[],"logsBloom":"0x` + strings.Repeat("0", 512) +
		`","blockNumber":"0x1","transactionIndex":"0x0","effectiveGasPrice":"0x1"}`
}

// tell makes a node tell a lie: always, or to every second call of the method.
func (l lie) tell(inTurn bool) func(string, http.ResponseWriter, func(http.ResponseWriter)) {
	var calls atomic.Int64
	return func(method string, w http.ResponseWriter, forward func(http.ResponseWriter)) {
		if l.method != "" && method != l.method || inTurn && calls.Add(1)%2 == 0 {
			forward(w)
			return
		}
		honest := httptest.NewRecorder()
		if method != sendMethod { // what is said to be dropped does not reach the chain
			forward(honest)
		}
		var answer struct {
			ID     json.RawMessage `json:"id"`
			Result json.RawMessage `json:"result"`
		}
		_ = json.Unmarshal(honest.Body.Bytes(), &answer)
		if len(answer.ID) == 0 {
			answer.ID = json.RawMessage("null")
		}
		if len(answer.Result) == 0 {
			answer.Result = json.RawMessage("null")
		}
		w.Header().Set("Content-Type", "application/json")
		said := l.say(string(answer.Result))
		if message, ok := strings.CutPrefix(said, "!"); ok {
			fmt.Fprintf(w, `{"jsonrpc":"2.0","id":%s,"error":{"code":-32000,"message":%q}}`, answer.ID, message)
			return
		}
		fmt.Fprintf(w, `{"jsonrpc":"2.0","id":%s,"result":%s}`, answer.ID, said)
	}
}

// TestLyingNode tells an anchor each of the lies, alone and in turn with honest
// answers, while checkpoints are published. The anchor goes on within a minute
// of the last lie, anchors nothing twice, offers no fee above its maximum, and
// never ends what runs it.
func TestLyingNode(t *testing.T) {
	most := new(big.Int).Mul(big.NewInt(40), big.NewInt(1e9))
	chain, p, client, log, _ := setup(t, func(c *evm.Config) {
		c.HTTP.Timeout, c.HTTP.Retries = 400*time.Millisecond, -1
		profile, err := evm.ProfileByName("devchain")
		if err != nil {
			t.Fatal(err)
		}
		profile.Gas.MaxFee = most
		c.Profile = profile
	})
	a, err := anchor.Open(t.TempDir(), origin, log, client, anchor.Config{ChainID: chain.ChainID(),
		Every: 20 * time.Millisecond, Poll: 10 * time.Millisecond, StuckAfter: 300 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the anchor ended: %v", err)
		}
	}()
	sizes := map[uint64]bool{}
	for i, l := range lies() {
		for _, inTurn := range []bool{false, true} {
			name := l.name
			if inTurn {
				name += ", in turn"
			}
			t.Run(name, func(t *testing.T) {
				underLie(t, p, a, log, l.tell(inTurn))
				if i == 0 && !inTurn && a.Status().Renewed == 0 {
					t.Error("no transaction was made anew")
				}
			})
			select {
			case err := <-ended:
				ended <- err
				t.Fatalf("the anchor ended: %v", err)
			default:
			}
			sizes[log.Size()] = true
		}
	}
	anchoredOnce(t, chain.URL(), client, log)
	feesWithin(t, p, most)
	t.Logf("COUNT chain_lies %d", 2*len(lies()))
}

// underLie publishes two checkpoints under a lie and waits, when it has ended,
// until the newest is anchored.
func underLie(t *testing.T, p *proxy, a *anchor.Anchor, log *memlog.Log, fault func(string, http.ResponseWriter,
	func(http.ResponseWriter))) {
	t.Helper()
	p.set("", fault)
	for range 2 {
		log.Grow(3)
		rounds := a.Status().Rounds
		for until := time.Now().Add(2 * time.Second); a.Status().Rounds < rounds+4 && time.Now().Before(until); {
			time.Sleep(2 * time.Millisecond)
		}
	}
	during := a.Status()
	p.set("", nil)
	begin := time.Now()
	for a.Status().Size < log.Size() {
		if time.Since(begin) > time.Minute {
			t.Fatalf("nothing is anchored a minute after the lie: %+v", a.Status())
		}
		time.Sleep(2 * time.Millisecond)
	}
	t.Logf("state %q under the lie (%v); anchored %v after it", during.State, during.Err,
		time.Since(begin).Round(time.Millisecond))
}

// anchoredOnce reads the contract's own events: each size once, going up.
func anchoredOnce(t *testing.T, url string, client *evm.Client, log *memlog.Log) {
	t.Helper()
	node, err := ethclient.DialContext(testContext(t), url)
	if err != nil {
		t.Fatal(err)
	}
	defer node.Close()
	id := anchor.LogID(origin)
	event := crypto.Keccak256Hash([]byte("Anchored(bytes32,uint64,bytes32,uint64)"))
	events, err := node.FilterLogs(testContext(t), ethereum.FilterQuery{FromBlock: new(big.Int),
		Topics: [][]common.Hash{{event}, {common.Hash(id)}}})
	if err != nil {
		t.Fatal(err)
	}
	var got []uint64
	for _, e := range events {
		got = append(got, e.Topics[2].Big().Uint64())
	}
	for i := 1; i < len(got); i++ {
		if got[i] <= got[i-1] {
			t.Errorf("anchored %d leaves after %d", got[i], got[i-1])
		}
	}
	head, err := client.Head(testContext(t), id)
	if err != nil || head.Size != log.Size() || head.Root != log.Root(head.Size) || int(head.Anchors) != len(got) || len(got) < len(lies()) {
		t.Errorf("head %+v after %d anchors, %v; the log has %d leaves", head, len(got), err, log.Size())
	}
}

// feesWithin decodes every transaction that was sent.
func feesWithin(t *testing.T, p *proxy, most *big.Int) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	capped := 0
	for _, params := range p.mu.sent {
		var raw []hexutil.Bytes
		tx := new(types.Transaction)
		if err := json.Unmarshal(params, &raw); err != nil || len(raw) != 1 {
			t.Fatalf("%s: %v", params, err)
		}
		if err := tx.UnmarshalBinary(raw[0]); err != nil {
			t.Fatal(err)
		}
		if tx.GasFeeCap().Cmp(most) > 0 || tx.GasTipCap().Cmp(most) > 0 || tx.Gas() > 6_250_000 {
			t.Errorf("a transaction offers %s (tip %s) for %d gas, at most %s", tx.GasFeeCap(), tx.GasTipCap(),
				tx.Gas(), most)
		}
		if tx.GasFeeCap().Cmp(most) == 0 {
			capped++
		}
	}
	if capped == 0 {
		t.Error("no lie drove a fee to its maximum")
	}
}
