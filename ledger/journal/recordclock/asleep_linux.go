// SPDX-License-Identifier: Apache-2.0

package recordclock

import (
	"time"

	"golang.org/x/sys/unix"
)

// asleep is how long the machine was suspended since it was started: the boot
// clock counts that, the monotonic one does not.
func asleep() time.Duration {
	var boot, awake unix.Timespec
	if unix.ClockGettime(unix.CLOCK_MONOTONIC, &awake) != nil || unix.ClockGettime(unix.CLOCK_BOOTTIME, &boot) != nil {
		return 0
	}
	return time.Duration(boot.Nano() - awake.Nano())
}
