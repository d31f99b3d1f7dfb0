// SPDX-License-Identifier: Apache-2.0

package evmtest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ethereum/go-ethereum/common/hexutil"
)

// Lie is a false answer of a node to one method.
type Lie struct {
	Name   string
	method string // "" = every method
	answer func(honest string) string
}

// fixed answers the same whatever the truth is.
func fixed(result string) func(string) string { return func(string) string { return result } }

// failing answers with an error in place of a result.
func failing(message string) func(string) string { return fixed("!" + message) }

// replaceWord replaces the n-th 32-byte word of the contract's answer.
func replaceWord(n int, hex string) func(string) string {
	return func(honest string) string {
		at := len(`"0x`) + 64*n
		if len(honest) < at+64 {
			return honest
		}
		return honest[:at] + strings.Repeat("0", 64-len(hex)) + hex + honest[at+64:]
	}
}

// replaceField replaces a field of the result.
func replaceField(name, value string) func(string) string {
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

// Lies returns the table of lies.
func Lies() []Lie {
	// The words of the contract's answer: root, publisher, size, anchors.
	huge := `"0x` + strings.Repeat("f", 30) + `"`
	return []Lie{
		{"nonce one too high", nonceMethod, func(h string) string {
			n, err := hexutil.DecodeUint64(strings.Trim(h, `"`))
			if err != nil {
				return h
			}
			return fmt.Sprintf("%q", hexutil.EncodeUint64(n+1))
		}},
		{"nonce a thousand too high", nonceMethod, fixed(`"0x400"`)},
		{"greatest nonce", nonceMethod, fixed(`"0xffffffffffffffff"`)},
		{"nonce zero", nonceMethod, fixed(`"0x0"`)},
		{"nonce null", nonceMethod, fixed("null")},
		{"nonce of letters", nonceMethod, fixed(`"many"`)},
		{"tip of 2^120", "eth_maxPriorityFeePerGas", fixed(huge)},
		{"tip zero", "eth_maxPriorityFeePerGas", fixed(`"0x0"`)},
		{"tip null", "eth_maxPriorityFeePerGas", fixed("null")},
		{"base fee of 2^120", blockMethod, replaceField("baseFeePerGas", huge)},
		{"gas estimate of 2^63", "eth_estimateGas", fixed(`"0x8000000000000000"`)},
		{"gas estimate zero", "eth_estimateGas", fixed(`"0x0"`)},
		{"gas estimate too low", "eth_estimateGas", fixed(`"0x5208"`)},
		{"a trial run that reverts", "eth_estimateGas", failing("execution reverted")},
		{"head of a larger size", headMethod, replaceWord(2, "ffffffff")},
		{"head of another root", headMethod, replaceWord(0, strings.Repeat("ab", 32))},
		{"head of size zero", headMethod, replaceWord(2, "0")},
		{"all of the head zero", headMethod, fixed(`"0x` + strings.Repeat("0", 256) + `"`)},
		{"no contract", headMethod, fixed(`"0x"`)},
		{"head of ones", headMethod, fixed(`"0x` + strings.Repeat("f", 256) + `"`)},
		{"receipt of success for all", receiptMethod, func(h string) string { return receiptOf(h, "0x1") }},
		{"receipt of failure for all", receiptMethod, func(h string) string { return receiptOf(h, "0x0") }},
		{"no receipt", receiptMethod, fixed("null")},
		{"receipt of nonsense", receiptMethod, fixed(`{"status":"x"}`)},
		{"transaction unknown", "eth_getTransactionByHash", fixed("null")},
		{"transaction taken and dropped", sendMethod, fixed(`"0x` + strings.Repeat("11", 32) + `"`)},
		{"transaction known already, and dropped", sendMethod, failing("already known")},
		{"nonce too low, for all", sendMethod, failing("nonce too low")},
		{"underpriced, for all", sendMethod, failing("replacement transaction underpriced")},
		{"no funds, for all", sendMethod, failing("insufficient funds for gas * price + value")},
		{"proof without nodes", proofMethod, replaceField("accountProof", "[]")},
		{"proof null", proofMethod, fixed("null")},
		{"proof of other values", proofMethod, replaceField("storageProof",
			`[{"key":"0x0","value":"0x7","proof":[]},{"key":"0x1","value":"0xffffffffffffffffffffffff","proof":[]}]`)},
		{"proof of nonsense", proofMethod, replaceField("accountProof", `["0x00","0xff",""]`)},
		{"block of another hash", blockMethod, replaceField("hash", `"0x`+strings.Repeat("22", 32)+`"`)},
		{"block null", blockMethod, fixed("null")},
		{"block of the future", blockMethod, replaceField("timestamp", `"0xffffffffff"`)},
		{"another chain", "eth_chainId", fixed(`"0x2a"`)},
		{"chain null", "eth_chainId", fixed("null")},
		{"chain of 2^120", "eth_chainId", fixed(huge)},
		{"null for every answer", "", fixed("null")},
		{"error for every answer", "", failing("no")},
		{"a number for every answer", "", fixed("7")},
		{"a deep list for every answer", "", fixed(strings.Repeat("[", 5000) + strings.Repeat("]", 5000))},
		{"slowness", "", func(h string) string { time.Sleep(250 * time.Millisecond); return h }},
		{"silence", "", func(string) string { time.Sleep(600 * time.Millisecond); return "!late" }},
	}
}

// receiptOf returns a receipt with a status, even if the honest node has none.
func receiptOf(honest, status string) string {
	if honest != "null" {
		return replaceField("status", `"`+status+`"`)(honest)
	}
	return `{"transactionHash":"0x` + strings.Repeat("11", 32) + `","status":"` + status +
		`","cumulativeGasUsed":"0x1","gasUsed":"0x1","logs":[],"logsBloom":"0x` + strings.Repeat("0", 512) +
		`","blockNumber":"0x1","transactionIndex":"0x0","effectiveGasPrice":"0x1"}`
}

// Tell makes a node tell the lie: to every call of the method, or to every second one.
func (l Lie) Tell(inTurn bool) Fault {
	var calls atomic.Int64
	return func(method string, w http.ResponseWriter, forward func(http.ResponseWriter)) {
		if l.method != "" && method != l.method || inTurn && calls.Add(1)%2 == 0 {
			forward(w)
			return
		}
		honest := httptest.NewRecorder()
		if method != sendMethod { // the node must not see what it is said to drop
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
		said := l.answer(string(answer.Result))
		if message, ok := strings.CutPrefix(said, "!"); ok {
			fmt.Fprintf(w, `{"jsonrpc":"2.0","id":%s,"error":{"code":-32000,"message":%q}}`, answer.ID, message)
			return
		}
		fmt.Fprintf(w, `{"jsonrpc":"2.0","id":%s,"result":%s}`, answer.ID, said)
	}
}
