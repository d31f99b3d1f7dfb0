// SPDX-License-Identifier: Apache-2.0

// Package arrowsafe checks untrusted Arrow IPC bytes before a library decodes
// them. Decoders believe the lengths that a message claims: a message of a
// hundred bytes may claim a schema of a billion fields, and a recover cannot
// catch the memory that is allocated then.
//
//   - Reader (reader.go) walks the frames (frames.go) and verifies the metadata of
//     each (flatbuffer.go, message.go) before the library sees it: every offset
//     stays inside, every vector is no longer than its bytes, and no part is shared
//     so often that reading it would never end.
//   - It removes the columns that hold neither numbers, texts nor times from the
//     messages (columns.go, rewrite.go), so that a column of a nested type, or of
//     one that is newer than the library, does not make the others unreadable.
//   - Budget (budget.go) is an allocator for the buffers themselves, whose sizes
//     come from the metadata too (a compressed buffer names its unpacked size).
//
// The layouts are those of the format's Message.fbs, Schema.fbs and File.fbs
// (arrow.apache.org/docs/format/Columnar.html#serialization-and-interprocess-communication-ipc)
// and of FlatBuffers (flatbuffers.dev/internals).
package arrowsafe
