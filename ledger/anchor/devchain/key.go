// SPDX-License-Identifier: Apache-2.0

package devchain

import (
	"crypto/ecdsa"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"

	"github.com/ethereum/go-ethereum/crypto"

	assay "github.com/assayrisk/assay"
)

// loadKey reads the key at path, and makes one if there is none. A key file is
// synced before it has its name, so that a crash leaves a whole key or none.
func loadKey(path string) (*ecdsa.PrivateKey, error) {
	b, err := os.ReadFile(path)
	if err == nil {
		key, err := crypto.HexToECDSA(strings.TrimSpace(string(b)))
		if err != nil {
			return nil, fmt.Errorf("devchain: %s holds no key: %w", path, assay.ErrCorrupt)
		}
		return key, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("devchain: %w", err)
	}
	key, err := crypto.GenerateKey()
	if err != nil {
		return nil, fmt.Errorf("devchain: %w", err)
	}
	f, err := os.OpenFile(path+".tmp", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("devchain: %w", err)
	}
	_, err = f.WriteString(hex.EncodeToString(crypto.FromECDSA(key)) + "\n")
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(path+".tmp", path)
	}
	if err != nil {
		return nil, fmt.Errorf("devchain: %w", err)
	}
	return key, nil
}

// loopback refuses addresses that other machines can reach: the node has no
// authentication, and its key no worth but here.
func loopback(host string) error {
	if ip := net.ParseIP(host); host == "localhost" || ip != nil && ip.IsLoopback() {
		return nil
	}
	return fmt.Errorf("devchain: it listens on loopback addresses alone, %q is none: %w", host, assay.ErrInvalid)
}
