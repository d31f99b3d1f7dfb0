// SPDX-License-Identifier: Apache-2.0

package devchain

import (
	"crypto/ecdsa"
	"errors"
	"fmt"
	"io/fs"
	"net"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger/anchor/evm"
)

// loadKey reads the key at path, and makes one if there is none.
func loadKey(path string) (*ecdsa.PrivateKey, error) {
	key, err := evm.ReadKey(path)
	if errors.Is(err, fs.ErrNotExist) {
		key, err = evm.MakeKey(path)
	}
	return key, err
}

// checkLoopback refuses addresses that other machines can reach: the node has no
// authentication.
func checkLoopback(host string) error {
	if ip := net.ParseIP(host); host == "localhost" || ip != nil && ip.IsLoopback() {
		return nil
	}
	return fmt.Errorf("devchain: it listens only on loopback addresses, and %q is not one: %w", host, assay.ErrInvalid)
}
