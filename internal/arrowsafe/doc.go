// SPDX-License-Identifier: Apache-2.0

// Package arrowsafe looks at Arrow IPC bytes from outside before a library
// decodes them. Decoders believe the lengths that a message claims, and a
// message of a hundred bytes may claim a schema of a billion fields; what a
// recover can not catch is the memory that is asked for then.
//
//   - Reader walks the frames and verifies the metadata of each before the
//     library sees it: every offset stays inside, every vector is no longer than
//     its bytes, and no part is shared so often that reading it would never end.
//   - It takes the columns that hold neither numbers, texts nor times out of the
//     messages. So a column of a type that is newer than the library, or nested,
//     keeps nobody from reading the others.
//   - Budget is an allocator for the buffers themselves, whose sizes come from
//     the metadata, too (a compressed buffer names its size when unpacked).
//
// The layouts are those of the format's Message.fbs, Schema.fbs and File.fbs
// (arrow.apache.org/docs/format/Columnar.html#serialization-and-interprocess-communication-ipc)
// and of FlatBuffers (flatbuffers.dev/internals).
package arrowsafe
