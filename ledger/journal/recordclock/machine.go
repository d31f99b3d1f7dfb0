// SPDX-License-Identifier: Apache-2.0

package recordclock

import "time"

// ThisMachine has the clocks of the machine that this program runs on. Where the
// system does not tell how long it was suspended, Asleep is always zero.
func ThisMachine() Machine {
	started := time.Now()
	return Machine{
		Wall:    func() time.Time { return time.Now().Round(0) }, // without its monotonic reading
		Elapsed: func() time.Duration { return time.Since(started) },
		Asleep:  asleep,
	}
}
