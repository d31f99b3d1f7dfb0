// SPDX-License-Identifier: Apache-2.0

package evm

import (
	"crypto/ecdsa"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/ethereum/go-ethereum/crypto"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger/anchor"
)

// ReadKey reads a secp256k1 private key from a file of 64 hexadecimal digits.
// A file that others than its owner can read is refused. No error repeats the
// file's content.
func ReadKey(path string) (*ecdsa.PrivateKey, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("chain key: there is no file %s: make one with: (umask 077; openssl rand -hex 32 > "+
			"%s): %w", path, path, err)
	}
	if err != nil {
		return nil, fmt.Errorf("chain key: %w", err)
	}
	if mode := info.Mode(); !mode.IsRegular() || mode.Perm()&0o077 != 0 {
		return nil, fmt.Errorf("chain key: %s must be a file that its owner alone can read: chmod 600 %s: %w", path,
			path, assay.ErrPrecondition)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("chain key: %w", err)
	}
	key, err := crypto.HexToECDSA(strings.TrimPrefix(strings.TrimSpace(string(b)), "0x"))
	if err != nil {
		return nil, fmt.Errorf("chain key: %s does not hold 64 hexadecimal digits of a key: %w", path, assay.ErrInvalid)
	}
	return key, nil
}

// MakeKey draws a key and writes it for ReadKey. The file is synced before it
// has its name, so that a crash leaves a whole key or none; one that is there
// already is not overwritten.
func MakeKey(path string) (*ecdsa.PrivateKey, error) {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("chain key: %s: %w", path, errors.Join(fs.ErrExist, err))
	}
	key, err := crypto.GenerateKey()
	if err != nil {
		return nil, fmt.Errorf("chain key: %w", err)
	}
	tmp, err := os.OpenFile(path+".tmp", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("chain key: %w", err)
	}
	_, err = tmp.WriteString(hex.EncodeToString(crypto.FromECDSA(key)) + "\n")
	if err == nil {
		err = tmp.Sync()
	}
	if err = errors.Join(err, tmp.Close()); err == nil {
		err = os.Rename(path+".tmp", path)
	}
	if err == nil {
		if err = syncDir(filepath.Dir(path)); err != nil {
			err = fmt.Errorf("%s is written, but its name may not outlast a power cut: %w", path, err)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("chain key: %w", err)
	}
	return key, nil
}

// syncDir makes the names in dir durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// KeyAddress is the address of a key.
func KeyAddress(key *ecdsa.PrivateKey) anchor.Address {
	return anchor.Address(crypto.PubkeyToAddress(key.PublicKey))
}
