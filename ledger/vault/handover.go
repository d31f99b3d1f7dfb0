// SPDX-License-Identifier: Apache-2.0

package vault

import (
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
)

// handover is two keepers of master keys, of which one takes over from the other.
type handover struct {
	Keys // the new one: it wraps
	file *Master
	done atomic.Bool // the file is removed
}

// HandOver returns keys that wrap under to, and unwrap what either has wrapped. They are rotating until DestroyOldKeys,
// which removes the file that the old ones are in. to is not a Master.
func HandOver(from *Master, to Keys) Keys { return &handover{Keys: to, file: from} }

// Unwrap implements Keys.
func (h *handover) Unwrap(wrapped ...WrappedKey) ([]*Key, error) {
	var byFile, byOther []WrappedKey
	for _, w := range wrapped {
		if h.wrappedByFile(w) {
			byFile = append(byFile, w)
		} else {
			byOther = append(byOther, w)
		}
	}
	old, err := h.file.Unwrap(byFile...)
	if err != nil {
		return nil, err
	}
	newer, err := h.Keys.Unwrap(byOther...)
	if err != nil {
		return nil, err
	}
	keys := make([]*Key, len(wrapped))
	for i, w := range wrapped {
		from := &newer
		if h.wrappedByFile(w) {
			from = &old
		}
		keys[i], *from = (*from)[0], (*from)[1:]
	}
	return keys, nil
}

func (h *handover) wrappedByFile(w WrappedKey) bool {
	return !h.done.Load() && len(w.Bytes) > 0 && w.Bytes[0] == wrappedByFile
}

// Rotating implements Keys.
func (h *handover) Rotating() bool { return !h.done.Load() || h.Keys.Rotating() }

// DestroyOldKeys implements Keys.
func (h *handover) DestroyOldKeys() error {
	if err := h.Keys.DestroyOldKeys(); err != nil || h.done.Load() {
		return err
	}
	if err := removeFile(h.file.path); err != nil {
		return fmt.Errorf("master key: everything is wrapped again elsewhere, and the old file is still there: %w", err)
	}
	h.done.Store(true)
	return nil
}

// removeFile removes a file, also after a power cut.
func removeFile(path string) error {
	if err := os.Remove(path); err != nil {
		return err
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
