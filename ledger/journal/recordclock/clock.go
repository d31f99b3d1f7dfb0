// SPDX-License-Identifier: Apache-2.0

// Package recordclock is the clock by which records get their times. It starts
// at the machine's wall clock and goes on by its monotonic one, so that a wall
// clock that is set while the program runs does not move records:
//
//	the wall clock and this clock differ    this clock
//	by a minute at most                     follows, up to a minute an hour
//	by as long as the machine slept         follows
//	by more                                 goes on; says so in the log, and follows when the difference has lasted
//	                                        an hour, if that puts it at most a day ahead
//
// Whoever has other evidence that the wall clock is right calls Follow. What a
// clock may say at a start is the journal's business (journal.Config.HoldClock).
// Tests: TestClock has each line of the table.
package recordclock

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// The bounds of the table above.
const (
	MaxStep    = time.Minute    // a larger difference is a jump; also what is followed in MaxStepIn
	MaxStepIn  = time.Hour      // see MaxStep
	FollowIn   = time.Hour      // a jump that has lasted so long is followed
	MaxUnasked = 24 * time.Hour // but none that lies further ahead
)

// Machine has the clocks of a machine. Elapsed and Asleep count from any moment.
type Machine struct {
	Wall    func() time.Time
	Elapsed func() time.Duration // while the machine is awake
	Asleep  func() time.Duration // while it is suspended
}

// Clock gives the time. Its methods may be called concurrently.
type Clock struct {
	raw     func() time.Time // instead of all others, if it is not nil
	machine Machine
	log     *slog.Logger
	offset  atomic.Int64 // microseconds since the Unix epoch when machine.Elapsed was zero

	mu struct {
		sync.Mutex
		asleep    time.Duration // machine.Asleep at the last time that the clocks agreed
		allowance time.Duration // how large a step may be now
		checked   time.Duration // machine.Elapsed when allowance was computed
		jump      time.Duration // the wall clock's difference that was reported; 0: none
		since     time.Duration // machine.Elapsed when it was reported
	}
}

// New makes a clock that begins at the machine's wall clock. log hears of jumps.
func New(m Machine, log *slog.Logger) *Clock {
	c := &Clock{machine: m, log: log}
	c.Follow()
	c.mu.allowance = MaxStep
	return c
}

// Of makes a clock that says what now says, at each reading: for tests.
func Of(now func() time.Time) *Clock { return &Clock{raw: now} }

// Now is the time, to the microsecond.
func (c *Clock) Now() time.Time {
	if c.raw != nil {
		return c.raw()
	}
	return time.UnixMicro(c.offset.Load() + c.machine.Elapsed().Microseconds())
}

// Jump is how far the wall clock lies ahead of this clock; negative if it lies
// behind.
func (c *Clock) Jump() time.Duration {
	if c.raw != nil {
		return 0
	}
	return c.machine.Wall().Sub(c.Now())
}

// Follow sets the clock to the wall clock.
func (c *Clock) Follow() {
	if c.raw != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.followLocked()
}

// followLocked is Follow, with mu held.
func (c *Clock) followLocked() {
	c.offset.Store(c.machine.Wall().UnixMicro() - c.machine.Elapsed().Microseconds())
	c.mu.asleep, c.mu.jump = c.machine.Asleep(), 0
}

// Check compares the clock with the wall clock and follows it, or not. Call it
// every second or so. newest is the time of the newest record: while the clock
// lies before it, the clock is known to be wrong, and a wall clock that was set
// to at most a day after it is followed at once.
func (c *Clock) Check(newest time.Time) {
	if c.raw != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	jump, elapsed := c.Jump(), c.machine.Elapsed()
	c.mu.allowance = min(MaxStep, c.mu.allowance+(elapsed-c.mu.checked)/(MaxStepIn/MaxStep))
	c.mu.checked = elapsed
	now, slept := c.Now(), c.machine.Asleep()-c.mu.asleep
	lasted := c.mu.jump != 0 && (jump-c.mu.jump).Abs() <= MaxStep
	switch {
	case jump.Abs() <= c.mu.allowance:
		c.mu.allowance -= jump.Abs()
		c.followLocked()
	case slept > 0 && (jump-slept).Abs() <= MaxStep:
		c.log.Info("the machine was suspended; record times go on with its clock", "for", slept.Round(time.Second))
		c.followLocked()
	case now.Before(newest) && jump > 0 && now.Add(jump).Before(newest.Add(MaxUnasked)):
		c.log.Info("the machine's clock was behind the last record and was set ahead; record times go on with it",
			"by", jump.Round(time.Second))
		c.followLocked()
	case !lasted:
		c.mu.jump, c.mu.since = jump, elapsed
		if jump.Abs() > MaxStep {
			c.report(jump)
		}
	case elapsed-c.mu.since >= FollowIn && jump <= MaxUnasked:
		c.log.Warn("the machine's clock has differed for an hour; record times follow it from here on", "by",
			jump.Round(time.Second))
		c.followLocked()
	}
}

// report logs a jump.
func (c *Clock) report(jump time.Duration) {
	const what = "the machine's clock jumped, and record times do not follow it"
	jump = jump.Round(time.Second)
	switch {
	case jump > MaxUnasked:
		c.log.Error(what+": if it is right, restart the server, which asks the chain or the time-stamping authority "+
			"where one is configured", "by", jump)
	case jump > 0:
		c.log.Warn(what+" until that has lasted an hour; if it is right, restart the server", "by", jump)
	default:
		c.log.Warn(what+" until that has lasted an hour", "by", jump)
	}
}
