// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/ethclient"

	"github.com/assayrisk/assay/internal/memlog"
	"github.com/assayrisk/assay/ledger/anchor"
	"github.com/assayrisk/assay/ledger/anchor/devchain"
)

// transferGas is the gas of the cheapest transaction there is.
const transferGas = 21_000

// gasTable anchors trees of many sizes and prints their gas. Each is the second
// anchor of a new log.
func gasTable(ctx context.Context, dir string) error {
	chain, err := devchain.Open(ctx, dir, devchain.Config{})
	if err != nil {
		return err
	}
	defer chain.Close()
	client, err := chain.Client(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	node, err := ethclient.DialContext(ctx, chain.URL())
	if err != nil {
		return err
	}
	defer node.Close()
	send := func(call anchor.Call) (uint64, error) {
		tx, err := client.Sign(ctx, call, nil)
		if err != nil {
			return 0, err
		}
		if err := client.Send(ctx, tx.Raw); err != nil {
			return 0, err
		}
		for range 1000 {
			if r, err := node.TransactionReceipt(ctx, common.Hash(tx.Hash)); err == nil {
				if r.Status != 1 {
					return 0, anchor.ErrReverted
				}
				return r.GasUsed, nil
			}
			time.Sleep(time.Millisecond)
		}
		return 0, fmt.Errorf("transaction %s is in no block", tx.Hash)
	}
	growths := []memlog.Growth{
		{From: 1, To: 2}, {From: 1000, To: 1100}, {From: 1 << 20, To: 1<<20 + 60_000},
		{From: 1_000_000, To: 1_600_000}, {From: 1_000_000_000, To: 1_000_600_000}, {From: 1e12, To: 1e12 + 600_000},
	}
	fmt.Println("gas          from             to  proof nodes    gas  over a transfer's")
	for i, g := range growths {
		name := fmt.Sprintf("%s/%d", logOrigin, i)
		if err := client.Register(ctx, name, client.From()); err != nil {
			return err
		}
		id := anchor.LogID(name)
		first, err := send(anchor.Call{LogID: id, Size: g.From, Root: g.Root(g.From)})
		if err != nil {
			return err
		}
		if i == 0 {
			fmt.Printf("%16d %14d %12d %6d  %.2f\n", 0, g.From, 0, first, float64(first)/transferGas)
		}
		call := anchor.Call{LogID: id, Previous: g.From, Size: g.To, Root: g.Root(g.To)}
		for _, n := range g.Proof() {
			call.Proof = append(call.Proof, append([]byte(nil), n[:]...))
		}
		gas, err := send(call)
		if err != nil {
			return err
		}
		fmt.Printf("%16d %14d %12d %6d  %.2f\n", g.From, g.To, len(call.Proof), gas, float64(gas)/transferGas)
		if g.From == 1_000_000 {
			fmt.Printf("RATIO anchor_gas_vs_transfer_at_1M_leaves %.2f\n", float64(gas)/transferGas)
		}
	}
	return nil
}
