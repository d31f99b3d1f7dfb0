// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/vault"
)

// OpenLogKey reads the log's signing key from a directory, or makes one for a log of that origin; "" makes one up.
func OpenLogKey(dir, origin string) (ledger.Key, ed25519.PrivateKey, error) {
	path := filepath.Join(dir, "log.key")
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if origin == "" {
			var r [8]byte
			rand.Read(r[:])
			origin = "assay.invalid/log-" + hex.EncodeToString(r[:])
		}
		if err := ledger.CheckOrigin(origin); err != nil {
			return ledger.Key{}, nil, fmt.Errorf("log key: %w", err)
		}
		skey, vkey, err := note.GenerateKey(rand.Reader, origin)
		if err == nil {
			err = vault.WriteFile(filepath.Join(dir, "log.pub"), []byte(vkey+"\n"))
		}
		if err == nil {
			err = vault.WriteFile(path, []byte(skey+"\n"))
		}
		if err != nil {
			return ledger.Key{}, nil, fmt.Errorf("log key: %w", err)
		}
		b = []byte(skey + "\n")
	} else if err != nil {
		return ledger.Key{}, nil, fmt.Errorf("log key: %w", err)
	}
	skey, whole := strings.CutSuffix(string(b), "\n")
	if !whole {
		return ledger.Key{}, nil, fmt.Errorf("log key %s: it is cut short, its one line does not end: put the "+
			"whole file back from the backup: %w", path, assay.ErrCorrupt)
	}
	key, private, err := parseLogKey(skey)
	if err != nil {
		return ledger.Key{}, nil, fmt.Errorf("log key %s: %w", path, err)
	}
	if origin != "" && origin != key.Origin {
		return ledger.Key{}, nil, fmt.Errorf("log key %s: it is of log %q, the configuration says %q: %w",
			path, key.Origin, origin, assay.ErrInvalid)
	}
	return key, private, nil
}

// parseLogKey reads a note signing key, "PRIVATE+KEY+name+hash+base64".
func parseLogKey(skey string) (ledger.Key, ed25519.PrivateKey, error) {
	bad := func() (ledger.Key, ed25519.PrivateKey, error) {
		return ledger.Key{}, nil, fmt.Errorf("it is not a note signing key of Ed25519: %w", assay.ErrCorrupt)
	}
	if _, err := note.NewSigner(skey); err != nil { // checks the hash too
		return bad()
	}
	parts := strings.SplitN(skey, "+", 5)
	if len(parts) != 5 {
		return bad()
	}
	raw, err := base64.StdEncoding.DecodeString(parts[4])
	if err != nil || len(raw) != 1+ed25519.SeedSize {
		return bad()
	}
	private := ed25519.NewKeyFromSeed(raw[1:])
	return ledger.NewKey(parts[2], private.Public().(ed25519.PublicKey)), private, nil
}
