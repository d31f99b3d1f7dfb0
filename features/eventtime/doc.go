// SPDX-License-Identifier: Apache-2.0

// Package eventtime is the time of events: which times are allowed, how texts write them, spans such as 90d, time zones
// as a frozen plan holds them, and calendars that divide time into days, weeks, months, quarters and years.
package eventtime
