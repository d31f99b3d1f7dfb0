// SPDX-License-Identifier: Apache-2.0

//go:build amd64 && !purego

#include "textflag.h"

// Registers: DI cells, SI records, R8 row numbers, CX their count, R9 packed
// gradients, BX the row's place, R11 the last place that fetches ahead,
// R13 the row's packed gradients, R12 its record.

#define CELL(k) \
	MOVBLZX k(R12), AX           \
	ADDQ    R13, (k*2048)(DI)(AX*8)

#define CELLS2(a) \
	CELL(a)       \
	CELL((a+1))

#define CELLS4(a) \
	CELLS2(a)     \
	CELLS2((a+2))

#define LOAD \
	MOVQ h+0(FP), DI       \
	MOVQ records+8(FP), SI \
	MOVQ rows+16(FP), R8   \
	MOVQ n+24(FP), CX      \
	MOVQ packed+32(FP), R9 \
	XORQ BX, BX            \
	LEAQ -20(CX), R11

#define AHEAD(shift) \
	MOVL        80(R8)(BX*4), AX \
	PREFETCHT0  (R9)(AX*8)       \
	SHLQ        $shift, AX       \
	PREFETCHT0  (SI)(AX*1)

#define ROW(shift) \
	MOVL (R8)(BX*4), AX  \
	MOVQ (R9)(AX*8), R13 \
	SHLQ $shift, AX      \
	LEAQ (SI)(AX*1), R12

#define KERNEL(shift, cells) \
	LOAD          \
	CMPQ BX, R11  \
	JGE  tail     \
ahead:            \
	AHEAD(shift)  \
	ROW(shift)    \
	cells         \
	INCQ BX       \
	CMPQ BX, R11  \
	JLT  ahead    \
tail:             \
	CMPQ BX, CX   \
	JGE  done     \
	ROW(shift)    \
	cells         \
	INCQ BX       \
	JMP  tail     \
done:             \
	RET

#define C2 CELLS2(0)
#define C4 CELLS4(0)
#define C6 CELLS4(0) CELLS2(4)
#define C8 CELLS4(0) CELLS4(4)
#define C10 C8 CELLS2(8)
#define C12 C8 CELLS4(8)
#define C14 C12 CELLS2(12)
#define C16 C12 CELLS4(12)

// func add2(h *cell, records *uint8, rows *uint32, n int, packed *cell)
TEXT ·add2(SB), NOSPLIT, $0-40
	KERNEL(1, C2)

// func add4(h *cell, records *uint8, rows *uint32, n int, packed *cell)
TEXT ·add4(SB), NOSPLIT, $0-40
	KERNEL(2, C4)

// func add6(h *cell, records *uint8, rows *uint32, n int, packed *cell)
TEXT ·add6(SB), NOSPLIT, $0-40
	KERNEL(3, C6)

// func add8(h *cell, records *uint8, rows *uint32, n int, packed *cell)
TEXT ·add8(SB), NOSPLIT, $0-40
	KERNEL(3, C8)

// func add10(h *cell, records *uint8, rows *uint32, n int, packed *cell)
TEXT ·add10(SB), NOSPLIT, $0-40
	KERNEL(4, C10)

// func add12(h *cell, records *uint8, rows *uint32, n int, packed *cell)
TEXT ·add12(SB), NOSPLIT, $0-40
	KERNEL(4, C12)

// func add14(h *cell, records *uint8, rows *uint32, n int, packed *cell)
TEXT ·add14(SB), NOSPLIT, $0-40
	KERNEL(4, C14)

// func add16(h *cell, records *uint8, rows *uint32, n int, packed *cell)
TEXT ·add16(SB), NOSPLIT, $0-40
	KERNEL(4, C16)
