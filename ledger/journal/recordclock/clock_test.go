// SPDX-License-Identifier: Apache-2.0

package recordclock

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// machine is one whose clocks a test sets.
type machine struct {
	wall            time.Time
	elapsed, asleep time.Duration
	log             bytes.Buffer
	clock           *Clock
	newest          time.Time // of the records
}

func newMachine() *machine {
	m := &machine{wall: noon, newest: noon}
	m.clock = New(Machine{
		Wall:    func() time.Time { return m.wall },
		Elapsed: func() time.Duration { return m.elapsed },
		Asleep:  func() time.Duration { return m.asleep },
	}, slog.New(slog.NewTextHandler(&m.log, nil)))
	return m
}

// run lets time pass, with a check every second.
func (m *machine) run(d time.Duration) {
	for end := m.elapsed + d; m.elapsed < end; {
		m.wall, m.elapsed = m.wall.Add(time.Second), m.elapsed+time.Second
		m.clock.Check(m.newest)
	}
}

// set sets the wall clock ahead, or back, and checks.
func (m *machine) set(ahead time.Duration) {
	m.wall = m.wall.Add(ahead)
	m.clock.Check(m.newest)
}

// want checks how far the clock is from noon, and what the log says.
func (m *machine) want(t *testing.T, after time.Duration, logged ...string) {
	t.Helper()
	if got := m.clock.Now().Sub(noon); got != after {
		t.Errorf("the clock is %v after noon, want %v", got, after)
	}
	if jump := m.wall.Sub(noon) - after; m.clock.Jump() != jump {
		t.Errorf("the wall clock is said to lie %v ahead, want %v", m.clock.Jump(), jump)
	}
	for _, words := range logged {
		if n := strings.Count(m.log.String(), words); n != 1 {
			t.Errorf("the log says %d times, want once: %s\n%s", n, words, &m.log)
		}
	}
	if len(logged) == 0 && m.log.Len() > 0 {
		t.Errorf("the log says %s", &m.log)
	}
	m.log.Reset()
}

const minute, hour, day = time.Minute, time.Hour, 24 * time.Hour

// TestClock goes through what the package's table says.
func TestClock(t *testing.T) {
	t.Parallel()
	for name, run := range map[string]func(*testing.T, *machine){
		"no jump":                                       noJump,
		"small steps, a minute an hour":                 smallSteps,
		"a suspended machine":                           suspended,
		"ahead for half an hour":                        aheadForHalfAnHour,
		"ahead by five hours for an hour":               aheadForAnHour,
		"ahead by a month for days":                     aheadByAMonth,
		"ahead, each time by more":                      aheadByMore,
		"back by a week for an hour":                    backForAnHour,
		"behind the last record at the start, then set": behindTheLastRecord,
	} {
		t.Run(name, func(t *testing.T) { run(t, newMachine()) })
	}
}

func noJump(t *testing.T, m *machine) {
	m.run(hour)
	m.want(t, hour)
}

func smallSteps(t *testing.T, m *machine) {
	m.set(40 * time.Second)
	m.want(t, 40*time.Second)
	m.set(-20 * time.Second)
	m.want(t, 20*time.Second)
	m.set(50 * time.Second) // the minute is used up
	m.want(t, 20*time.Second)
	m.run(49 * minute)
	m.want(t, 20*time.Second+49*minute)
	m.run(2 * minute)
	m.want(t, 70*time.Second+51*minute)
	for range 600 { // creeping ahead by half a minute a second
		m.set(30 * time.Second)
		m.run(time.Second)
	}
	if ahead := m.clock.Now().Sub(noon) - m.elapsed; ahead > 2*minute+20*time.Second {
		t.Errorf("the clock crept %v ahead in ten minutes", ahead)
	}
}

func suspended(t *testing.T, m *machine) {
	m.asleep = 9 * hour
	m.set(9*hour + 3*time.Second)
	m.want(t, 9*hour+3*time.Second, "was suspended")
	m.asleep += 3 * day
	m.set(3 * day)
	m.want(t, 3*day+9*hour+3*time.Second, "was suspended")
	m.asleep += hour
	m.set(5 * hour) // and its clock jumped
	m.want(t, 3*day+9*hour+3*time.Second, "jumped")
}

func aheadForHalfAnHour(t *testing.T, m *machine) {
	m.set(30 * day)
	m.want(t, 0, "jumped")
	m.run(hour / 2)
	m.want(t, hour/2)
	m.set(-30 * day)
	m.run(time.Second)
	m.want(t, hour/2+time.Second)
}

func aheadForAnHour(t *testing.T, m *machine) {
	m.set(5 * hour)
	m.run(hour - time.Second)
	m.want(t, hour-time.Second, "jumped")
	m.run(time.Second)
	m.want(t, 6*hour, "differed for an hour")
}

func aheadByAMonth(t *testing.T, m *machine) {
	m.set(30 * day)
	m.run(2 * day)
	m.want(t, 2*day, "restart the server, which asks")
	m.clock.Follow() // it was confirmed
	m.want(t, 32*day)
}

func aheadByMore(t *testing.T, m *machine) {
	for range 4 {
		m.set(2 * hour)
		m.run(hour / 2)
	}
	m.want(t, 2*hour, "by=2h0m0s", "by=4h0m0s", "by=6h0m0s", "by=8h0m0s")
}

func backForAnHour(t *testing.T, m *machine) {
	m.set(-7 * day)
	m.run(hour / 2)
	m.want(t, hour/2, "jumped")
	m.run(hour / 2)
	m.want(t, hour-7*day, "differed for an hour")
}

func behindTheLastRecord(t *testing.T, m *machine) {
	m.newest = noon.Add(300 * day)
	m.run(minute)
	m.want(t, minute)
	m.set(100 * day) // still behind it
	m.want(t, minute+100*day, "was behind the last record")
	m.set(202 * day) // two days after it
	m.want(t, minute+100*day, "jumped")
	m.set(-day - 2*minute) // less than a day after it
	m.want(t, 301*day-minute, "was behind the last record")
	m.set(2 * hour) // it is right now
	m.want(t, 301*day-minute, "jumped")
}

// TestThisMachine: the clock of this machine is that of the package time.
func TestThisMachine(t *testing.T) {
	t.Parallel()
	c := New(ThisMachine(), slog.New(slog.DiscardHandler))
	for range 3 {
		before := time.Now()
		now := c.Now()
		if now.Before(before.Add(-time.Second)) || now.After(time.Now().Add(time.Second)) {
			t.Errorf("the clock says %v at %v", now, before)
		}
		c.Check(before)
	}
	if asleep() < 0 {
		t.Errorf("the machine was suspended for %v", asleep())
	}
}
