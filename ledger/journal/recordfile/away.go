// SPDX-License-Identifier: Apache-2.0

package recordfile

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/internal/bounded"
	"github.com/assayrisk/assay/ledger/vault"
)

// AwaySuffix of the small files that are left where a record file was, when that is moved to an archive.
const AwaySuffix = ".away"

const (
	chunkBytes   = 256 << 10 // of an object that are read and checked together. Frozen
	maxAwayBytes = 4 << 20   // of a file with AwaySuffix
	awayInfo     = "assay/archived record file/v1\n"
)

// away says where a record file is, and what it is. It is a line of JSON, authenticated: docs/formats/archive.md.
type away struct {
	Version int    `json:"version"`
	Place   string `json:"place"`         // of the archive, for people
	Object  string `json:"object"`        // its name there
	First   uint64 `json:"first"`         // the file's first record
	End     uint64 `json:"end"`           // one more than its last
	Records int64  `json:"records_bytes"` // bytes of its groups
	Index   int64  `json:"index_bytes"`   // bytes behind them that say where the groups begin
	Dropped uint64 `json:"dropped_below"` // no personal part that may be dropped is left of the records below
	Leaves  []byte `json:"leaves_sha256"` // LeafDigest of its records
	SHA256  string `json:"sha256"`        // of the object
	Chunks  []byte `json:"chunks_sha256"` // of each 256 KiB of it, one after the other
}

func awayName(first uint64) string { return strings.TrimSuffix(fileName(first), Suffix) + AwaySuffix }

func (r *Files) awayPath(first uint64) string { return r.fs.PathJoin(r.dir, awayName(first)) }

// size is the object's.
func (a *away) size() int64 { return a.Records + a.Index }

// encode returns the file's bytes: the line of JSON, then nonce and code of it in hexadecimal.
func (a *away) encode(auth *vault.Authenticator) ([]byte, error) {
	b, err := json.Marshal(a)
	if err != nil {
		return nil, fmt.Errorf("records: %w", err)
	}
	b = append(b, '\n')
	var nonce [vault.NonceSize]byte
	auth.Nonce(nonce[:])
	return append(hex.AppendEncode(b, auth.Append(nonce[:], nonce[:], append([]byte(awayInfo), b...))), '\n'), nil
}

// readAway reads what is left of a moved file. fs.ErrNotExist: it was not moved.
func (r *Files) readAway(first uint64) (*away, error) {
	f, err := r.fs.Open(r.awayPath(first))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := bounded.ReadAll(f, maxAwayBytes)
	if err != nil {
		return nil, fmt.Errorf("records: %s: %w", awayName(first), err)
	}
	a, err := parseAway(b, r.auth)
	if err == nil && (a.First != first || a.End <= first) {
		err = fmt.Errorf("it is of the records %d to %d: %w", a.First, a.End, assay.ErrCorrupt)
	}
	if err != nil {
		return nil, fmt.Errorf("records: %s: %w", awayName(first), err)
	}
	return a, nil
}

// parseAway decodes a file that encode made. Without auth its code is not checked.
func parseAway(b []byte, auth *vault.Authenticator) (*away, error) {
	bad := func(why string) (*away, error) { return nil, fmt.Errorf("%s: %w", why, assay.ErrCorrupt) }
	i := bytes.IndexByte(b, '\n') + 1
	code, err := hex.DecodeString(string(bytes.TrimSuffix(b[i:], []byte{'\n'})))
	if i == 0 || err != nil || len(code) != vault.NonceSize+vault.MACSize ||
		hex.EncodeToString(code)+"\n" != string(b[i:]) {
		return bad("it is not a line and its authentication code")
	}
	if auth != nil {
		nonce, mac := code[:vault.NonceSize], code[vault.NonceSize:]
		if err := auth.Check(mac, nonce, append([]byte(awayInfo), b[:i]...)); err != nil {
			return nil, err
		}
	}
	a := new(away)
	if err := json.Unmarshal(b[:i], a); err != nil {
		return bad("it is not JSON")
	}
	const most = 1 << 40
	if a.Version != 1 {
		return bad(fmt.Sprintf("version %d, this program reads version 1", a.Version))
	}
	if len(a.Leaves) != sha256.Size || a.Records <= 0 || a.Records > most || a.Index <= 0 || a.Index > most ||
		int64(len(a.Chunks)) != (a.size()+chunkBytes-1)/chunkBytes*sha256.Size {
		return bad("its sizes contradict each other")
	}
	return a, nil
}

// writeAway makes a durable.
func (r *Files) writeAway(a *away) error {
	b, err := a.encode(r.auth)
	if err != nil {
		return err
	}
	return replaceFile(r.fs, r.awayPath(a.First), func(w io.Writer) error { _, err := w.Write(b); return err })
}

// openAway opens a moved file for reading.
func (r *Files) openAway(first uint64) (*segment, error) {
	a, err := r.readAway(first)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("records: file %s is missing: %w", fileName(first), assay.ErrCorrupt)
	}
	if err != nil {
		return nil, err
	}
	return &segment{first: first, end: a.End, size: a.Records, away: a,
		file: &remoteFile{away: a, archive: r.archive, cache: &r.chunks}}, nil
}

// exists reports whether a file is there.
func exists(f vfs.FS, path string) (bool, error) {
	_, err := f.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("records: %w", err)
	}
	return true, nil
}
