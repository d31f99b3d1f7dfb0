// SPDX-License-Identifier: Apache-2.0

// Package isolation finds outlying rows with an isolation forest that draws the same trees each time.
package isolation
