// SPDX-License-Identifier: Apache-2.0

// Package document holds what a model's report consists of, and writes it.
//
// A [Report] has metrics, verdicts and sections; a [Section] has texts, tables and
// figures; a [Table] has cells of text and numbers. It is written as report.json
// ([Report.WriteJSON], whose layout docs/formats/report.md describes), as one HTML
// file that needs no network ([Report.WriteHTML]), as a workbook
// ([Report.WriteXLSX]), and the HTML as a PDF ([PDF]). All are views of the same
// values; none computes anything, and none shows NaN: a number that is not
// defined is null in JSON, a dash on the page and an empty cell in the workbook.
package document
