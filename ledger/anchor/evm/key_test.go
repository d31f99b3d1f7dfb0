// SPDX-License-Identifier: Apache-2.0

package evm

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	assay "github.com/assayrisk/assay"
)

func TestKeyFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "key.hex")
	if _, err := ReadKey(path); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "openssl") {
		t.Errorf("no file: %v", err)
	}
	key, err := MakeKey(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := MakeKey(path); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a second key over the first: %v", err)
	}
	if got, err := ReadKey(path); err != nil || !got.Equal(key) || KeyAddress(got) != KeyAddress(key) {
		t.Errorf("read another key: %v", err)
	}
	if files, _ := filepath.Glob(path + "*"); len(files) != 1 {
		t.Errorf("left behind: %v", files)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadKey(path); !errors.Is(err, assay.ErrPrecondition) {
		t.Errorf("a key that a group can read: %v", err)
	}
	const wrong = "5ecre7-is-not-hex"
	if err := errors.Join(os.Chmod(path, 0o600), os.WriteFile(path, []byte(wrong), 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadKey(path); !errors.Is(err, assay.ErrInvalid) || strings.Contains(err.Error(), wrong) {
		t.Errorf("not a key: %v", err)
	}
}
