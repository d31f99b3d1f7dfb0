// SPDX-License-Identifier: Apache-2.0

// Package datasets turns tables on disk into Arrow records: CSV, XLSX, Parquet
// and Arrow IPC files, and public sets known by name.
//
// Every reader gives the same three column types, whatever the file held:
//
//	float64           numbers, the nearest to what the file says; a missing cell is null
//	utf8              text, booleans (true, false), codes with every digit; a missing cell is null
//	timestamp[us,UTC] times of Parquet and Arrow files, and of columns in [Options].Time
//
// and a label column, when the table has one, of float64 0 and 1 where 1 is the
// bad event. What [Options] say of a column goes before the file's own types;
// where they say nothing, kinds are inferred, and what should be known of that
// is in [Frame].Columns. Columns that hold neither numbers, text nor times, and
// data frames' indexes, are left out and listed there.
//
// A cell that cannot be read makes its row a [BadRow], which names file, row and
// column and never repeats the value; [Options].SkipBadRows chooses whether the
// first one ends the reading or each is left out and counted. TestTextForms,
// TestMarkedNumbers, TestForeignColumns and TestDecimals hold the readers to
// files that other programs wrote.
//
// Two sets are embedded (credit_data with its published split, lending_club);
// others are downloaded with [Fetch]. Each is pinned by SHA-256, which
// TestEmbeddedDigests holds the package to. Bounds on bytes, columns and cells
// hold before memory is taken; FuzzReadCSV, FuzzReadSheet, FuzzReadParquet and
// FuzzReadArrow hold the readers to that.
package datasets
