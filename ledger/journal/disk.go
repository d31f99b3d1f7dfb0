// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"path/filepath"
	"time"
)

// watchDisk keeps lowDisk current. It is a warning that comes in time: what was
// taken before still fits in what is left.
func (j *Journal) watchDisk(ctx context.Context) {
	t := time.NewTicker(time.Second)
	defer t.Stop()
	for {
		u, err := j.cfg.FS.GetDiskUsage(filepath.Join(j.dir, "journal"))
		if err == nil {
			low := u.AvailBytes < j.cfg.MinFreeBytes
			if j.lowDisk.Swap(low) != low {
				j.cfg.Logger.Warn("journal: free disk", "low", low, "free_bytes", u.AvailBytes, "limit", j.cfg.MinFreeBytes)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-j.failed.done:
			return
		case <-t.C:
		}
	}
}
