// SPDX-License-Identifier: Apache-2.0

package features

import (
	"github.com/assayrisk/assay"
)

// State holds the windows of a plan. It has one owner at a time.
type State struct {
	plan *Plan
}

// NewState returns windows that no event has fed.
func (p *Plan) NewState() *State { return &State{plan: p} }

// Observe applies an event to the windows of st.
func (p *Plan) Observe(ev *assay.Event, st *State) error {
	return nil
}
