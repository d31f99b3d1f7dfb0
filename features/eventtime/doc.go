// SPDX-License-Identifier: Apache-2.0

// Package eventtime defines the times that events may have and how texts write
// them (times.go), spans such as 90d (span.go), time zones as a frozen plan keeps
// them (zone.go), and calendars that divide time into days, weeks, months,
// quarters and years (calendar.go).
package eventtime
