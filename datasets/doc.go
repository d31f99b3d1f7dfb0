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
// # Map
//
//	path or name ─▶ bytes, unpacked ─▶ which format? ─▶ what each column is ─▶ cells ─▶ Frame, or a stream of records
//
// What is asked for and what comes out is in options.go. A call begins in read.go
// (a whole table in memory) or stream.go (record by record). packed.go unpacks
// gzip, zstd and bzip2; recognise.go tells formats apart by their first bytes and
// names those that are not read.
//
// Text takes its encoding from encoding.go and the mark between its cells from
// separator.go. csv.go reads rows of cells, from text or, by sheet.go, from a
// workbook. infer.go counts what the cells of a column look like, with the ways of
// writing numbers in written.go; reading.go holds what was decided of a column and
// reads its cells; missing.go knows the marks for "no value".
//
// Parquet (parquet.go; footer.go hides what the library would stumble over) and
// Arrow (ipc.go) have types. columns.go decides what each type is read as and
// copies records; cell.go reads one value of them, and decimal.go the decimals.
// limits.go bounds what a decoder may allocate.
//
// catalogue.go lists the sets known by name, fetch.go downloads, write.go writes.
// Package datasets/scf generates a synthetic world.
//
// # Sets and bounds
//
// Two sets are embedded (credit_data with its published split, lending_club);
// others are downloaded with [Fetch]. Each is pinned by SHA-256, which
// TestEmbeddedDigests holds the package to. Bounds on bytes, columns and cells
// hold before memory is taken; FuzzReadCSV, FuzzReadSheet, FuzzReadParquet and
// FuzzReadArrow hold the readers to that.
package datasets
