// SPDX-License-Identifier: Apache-2.0

package evm

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"

	"github.com/assayrisk/assay/ledger/anchor"
)

//go:embed contract/AnchorRegistry.json
var artefactJSON []byte

// Artefact is the compiled contract, as contract/compile.mjs writes it.
type Artefact struct {
	Contract      string          `json:"contract"`
	Compiler      string          `json:"compiler"`
	EVMVersion    string          `json:"evmVersion"`
	OptimizerRuns int             `json:"optimizerRuns"`
	RawABI        json.RawMessage `json:"abi"`
	Bytecode      hexutil.Bytes   `json:"bytecode"` // creation code
	Runtime       hexutil.Bytes   `json:"runtime"`  // code at the contract's address
	Storage       []StorageItem   `json:"storage"`
	ABI           abi.ABI         `json:"-"`
}

// StorageItem is one variable's place: its slot and its offset in bytes from
// the slot's low end. A member of Log counts from the log's first slot.
type StorageItem struct {
	Name   string `json:"name"`
	Slot   string `json:"slot"`
	Offset int    `json:"offset"`
}

// Registry returns the compiled AnchorRegistry.
var Registry = sync.OnceValues(func() (*Artefact, error) {
	var a Artefact
	if err := json.Unmarshal(artefactJSON, &a); err != nil {
		return nil, fmt.Errorf("contract artefact: %w", err)
	}
	var err error
	if a.ABI, err = abi.JSON(bytes.NewReader(a.RawABI)); err != nil {
		return nil, fmt.Errorf("contract artefact: %w", err)
	}
	return &a, nil
})

// anchorInput encodes a call of anchor.
func (a *Artefact) anchorInput(c anchor.Call) ([]byte, error) {
	proof := make([][32]byte, len(c.Proof))
	for i, n := range c.Proof {
		if len(n) != 32 {
			return nil, fmt.Errorf("consistency proof: node %d has %d bytes, want 32", i, len(n))
		}
		proof[i] = [32]byte(n)
	}
	return a.ABI.Pack("anchor", [32]byte(c.LogID), c.Previous, c.Size, [32]byte(c.Root), proof)
}

// unpackLog decodes what logs returns.
func (a *Artefact) unpackLog(out []byte) (anchor.Head, error) {
	var log struct {
		Root      [32]byte
		Publisher common.Address
		Size      uint64
		Anchors   uint32
	}
	if err := a.ABI.UnpackIntoInterface(&log, "logs", out); err != nil {
		return anchor.Head{}, fmt.Errorf("contract's head: %w", err)
	}
	return anchor.Head{Root: log.Root, Size: log.Size, Anchors: log.Anchors, Publisher: anchor.Address(log.Publisher)},
		nil
}

// revertName names the contract's error in revert data, "" if it has none that
// the contract declares.
func (a *Artefact) revertName(data []byte) string {
	if len(data) < 4 {
		return ""
	}
	e, err := a.ABI.ErrorByID([4]byte(data[:4]))
	if err != nil {
		return ""
	}
	args, err := e.Inputs.Unpack(data[4:])
	if err != nil || len(args) == 0 {
		return e.Name
	}
	return fmt.Sprintf("%s%v", e.Name, args)
}
