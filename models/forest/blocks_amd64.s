// SPDX-License-Identifier: Apache-2.0

//go:build amd64 && !purego

#include "textflag.h"

// low7 clears the flip of a column.
DATA low7<>+0(SB)/8, $0x7f7f7f7f7f7f7f7f
DATA low7<>+8(SB)/8, $0x7f7f7f7f7f7f7f7f
DATA low7<>+16(SB)/8, $0x7f7f7f7f7f7f7f7f
DATA low7<>+24(SB)/8, $0x7f7f7f7f7f7f7f7f
GLOBL low7<>(SB), RODATA|NOPTR, $32

// SELECT4 and SELECT8 fetch the codes of the columns in Y0, from the tables in
// Y8 to Y11 (Y15), to Y0. A shuffle looks at the low four bits of a column; the
// other bits say which table. Doubling moves the bit that chooses to the top of
// its byte.
#define SELECT4 \
	VPAND     low7<>(SB), Y0, Y0; \
	VPADDB    Y0, Y0, Y2;     \
	VPADDB    Y2, Y2, Y2;     \
	VPSHUFB   Y0, Y8, Y3;     \
	VPSHUFB   Y0, Y10, Y4;    \
	VPSHUFB   Y0, Y9, Y5;     \
	VPSHUFB   Y0, Y11, Y6;    \
	VPBLENDVB Y2, Y4, Y3, Y3; \
	VPBLENDVB Y2, Y6, Y5, Y5; \
	VPADDB    Y2, Y2, Y2;     \
	VPBLENDVB Y2, Y5, Y3, Y0

#define SELECT8 \
	VPAND     low7<>(SB), Y0, Y0; \
	VPADDB    Y0, Y0, Y2;     \
	VPSHUFB   Y0, Y8, Y3;     \
	VPSHUFB   Y0, Y12, Y6;    \
	VPBLENDVB Y2, Y6, Y3, Y3; \
	VPSHUFB   Y0, Y9, Y4;     \
	VPSHUFB   Y0, Y13, Y6;    \
	VPBLENDVB Y2, Y6, Y4, Y4; \
	VPSHUFB   Y0, Y10, Y5;    \
	VPSHUFB   Y0, Y14, Y6;    \
	VPBLENDVB Y2, Y6, Y5, Y5; \
	VPSHUFB   Y0, Y11, Y6;    \
	VPSHUFB   Y0, Y15, Y0;    \
	VPBLENDVB Y2, Y0, Y6, Y6; \
	VPADDB    Y2, Y2, Y2;     \
	VPBLENDVB Y2, Y5, Y3, Y3; \
	VPBLENDVB Y2, Y6, Y4, Y4; \
	VPADDB    Y2, Y2, Y2;     \
	VPBLENDVB Y2, Y4, Y3, Y0

// ROOT and NEXT leave in AX the answers of 32 nodes, a bit each: whether the code
// of the node's column is at least its bound, inverted where the top bit of the
// column says so. ROOT finds columns and bounds at SI, NEXT in Y0 and Y1.
#define ROOT(SELECT) \
	VMOVDQU   0(SI), Y0;      \
	SELECT;                   \
	VPMAXUB   32(SI), Y0, Y1; \
	VPCMPEQB  Y0, Y1, Y0;     \
	VPXOR     0(SI), Y0, Y0;  \
	VPMOVMSKB Y0, AX

#define NEXT(KEEP, SELECT, FLIP) \
	KEEP;                 \
	SELECT;               \
	VPMAXUB   Y0, Y1, Y1; \
	VPCMPEQB  Y0, Y1, Y0; \
	FLIP;                 \
	VPMOVMSKB Y0, AX

#define ROOT4 ROOT(SELECT4)
#define ROOT8 ROOT(SELECT8)
#define NEXT4 NEXT(KEEP4, SELECT4, FLIP4)
#define NEXT8 NEXT(KEEP8, SELECT8, FLIP8)

// With AVX-512 one instruction fetches from all columns at once; it looks at the
// low bits of a column alone. The flips wait in a mask.
#define TABLES4V \
	VMOVDQU 0(DI), Y8; \
	VMOVDQU 32(DI), Y9

#define TABLES8V \
	VMOVDQU64 0(DI), Z8; \
	VMOVDQU64 64(DI), Z9

#define ROOTV(SELECT) \
	VMOVDQU  0(SI), Y0;          \
	VPMOVB2M Y0, K1;             \
	SELECT;                      \
	VPCMPUB  $5, 32(SI), Y0, K2; \
	KXORD    K1, K2, K2;         \
	KMOVD    K2, AX

#define NEXTV(SELECT) \
	VPMOVB2M Y0, K1;         \
	SELECT;                  \
	VPCMPUB  $5, Y1, Y0, K2; \
	KXORD    K1, K2, K2;     \
	KMOVD    K2, AX

#define SELECT4V VPERMI2B Y9, Y8, Y0
#define SELECT8V VPERMI2B Z9, Z8, Z0
#define ROOT4V ROOTV(SELECT4V)
#define ROOT8V ROOTV(SELECT8V)
#define NEXT4V NEXTV(SELECT4V)
#define NEXT8V NEXTV(SELECT8V)

// KEEP and FLIP invert the answers of the flipped nodes.
#define KEEP4 VMOVDQA Y0, Y12
#define FLIP4 VPXOR Y12, Y0, Y0
#define KEEP8 VMOVDQU Y0, flip-96(SP)
#define FLIP8 VPXOR flip-96(SP), Y0, Y0

#define TABLES4 \
	VBROADCASTI128 0(DI), Y8;   \
	VBROADCASTI128 16(DI), Y9;  \
	VBROADCASTI128 32(DI), Y10; \
	VBROADCASTI128 48(DI), Y11

#define TABLES8 \
	TABLES4;                     \
	VBROADCASTI128 64(DI), Y12;  \
	VBROADCASTI128 80(DI), Y13;  \
	VBROADCASTI128 96(DI), Y14;  \
	VBROADCASTI128 112(DI), Y15

// ANSWERS leaves in DX where the table of link L has the exit for the answers R.
// 50 is in R9; the low byte, which is not of the table's number, gives way to the
// answers. Those of a block's nodes on categories, at R13, invert what the flips
// gave. PLAIN has none.
#define PLAIN(L, R) \
	SHRXQ R9, L, DX; \
	MOVB  R, DL

#define CATS(L, R) \
	RORXQ   $32, L, DX;      \
	MOVWLZX DX, DX;          \
	MOVBLZX (R13)(DX*1), DX; \
	XORB    DL, R;           \
	SHRXQ   R9, L, DX;       \
	MOVB    R, DL

// LEAVE finds where the block of link L is left, with R the answers: its place
// goes to L, and R11 gets a bit more, 1 for another block. It asks for the cache
// line of what is there.
#define LEAVE(L, R, ANSWERS) \
	ANSWERS(L, R);              \
	MOVBLZX 128(R10)(DX*1), DX; \
	BTQ     DX, L;              \
	ADCL    R11, R11;           \
	LEAL    (L)(DX*4), L;       \
	PREFETCHT0 (R12)(L*8)

// QUEUE puts those of the four trees in X0 whose bit in R11 is 1 at the end of the
// queue, and zeros, which are no trees, behind them.
#define QUEUE \
	VMOVQ   (R10)(R11*8), X1; \
	VPSHUFB X1, X0, X0;       \
	POPCNTL R11, R11;         \
	VMOVQ   X0, (R14);        \
	ADDQ    R11, R14

// LEAVES adds the leaves of the four trees whose places are at R15 to the sum.
#define LEAVES(ADD) \
	MOVL 0(R15), BX;  \
	MOVL 4(R15), CX;  \
	MOVL 8(R15), R8;  \
	MOVL 12(R15), DX; \
	ADD  (R12)(BX*8), X7, X7; \
	ADD  (R12)(CX*8), X7, X7; \
	ADD  (R12)(R8*8), X7, X7; \
	ADD  (R12)(DX*8), X7, X7; \
	ADDQ $16, R15

// LOW and HIGH fetch the block where tree K of the queue is, from SI on: columns
// and bounds to a half of V, and the link to L.
#define LOW(K, L, V) \
	MOVBLZX K(SI), L;        \
	MOVL    (DI)(L*4), L;    \
	VMOVDQU (R12)(L*8), V;   \
	MOVQ    16(R12)(L*8), L

#define HIGH(K, L, V) \
	MOVBLZX     K(SI), L;     \
	MOVL        (DI)(L*4), L; \
	VINSERTI128 $1, (R12)(L*8), V, V; \
	MOVQ        16(R12)(L*8), L

// STORE keeps L as the place of tree K of the queue.
#define STORE(K, L) \
	MOVBLZX K(SI), DX;      \
	MOVL    L, (DI)(DX*4)

// KERNEL adds the leaves of n chunks to the sum in X7. While the roots of a
// chunk are tested, the leaves of the one before are added, which takes its
// time, because each addition waits for the one before it. Trees have numbers
// from 1 on; number 0 is none, and its place leads to itself. It fills up the last
// four of a round. The blocks of the next four trees are fetched before what
// follows from these is known, so that less of the way from a tree's number to
// its answers stands in the processor's window at once; behind the last four of a
// round that fetches what nobody looks at.
//
//	SI   group, then the queue's head  BX, CX, R8, R15  blocks and links
//	DI   where the trees are           R10  tables of shapes
//	R11  which of four enter the queue R12  data
//	R13  category answers              R14  the queue's end
//	                                   R15  with the roots, where the trees of the chunk before are
#define KERNEL(TABLES, ROOT, NEXT, ANSWERS, MOV, ADD) \
	MOVL $50, R9;              \
	MOVQ a+0(FP), AX;          \
	MOVQ 24(AX), DI;           \
	TABLES;                    \
	MOV  sum+8(FP), X7;        \
	MOVQ 0(AX), R11;           \
	MOVQ R11, head-48(SP);     \
	MOVQ 16(AX), SI;           \
	MOVQ 32(AX), R12;          \
	MOVQ 40(AX), R10;          \
	MOVQ 56(AX), DI;           \
	MOVQ DI, at-8(SP);         \
	LEAQ 260(DI)(DI*1), DI;    \
	MOVQ DI, both-16(SP);      \
	MOVQ 64(AX), R15;          \
	ADDQ $4, R15;              \
	MOVQ 8(AX), AX;            \
	MOVQ AX, left-24(SP);      \
	MOVL 0(R11), AX;           \
	MOVQ AX, before-32(SP);    \
chunk: \
	MOVQ head-48(SP), R11;     \
	MOVQ a+0(FP), AX;          \
	MOVL 4(R11), R13;          \
	ADDQ 48(AX), R13;          \
	MOVQ 72(AX), R14;          \
	MOVL 0(R11), AX;           \
	SUBQ AX, before-32(SP);    \
	LEAQ (AX)(AX*2), AX;       \
	SHLQ $5, AX;               \
	ADDQ SI, AX;               \
	MOVQ AX, end-40(SP);       \
	MOVQ at-8(SP), DI;         \
	MOVL $0x04030201, four-56(SP); \
root: \
	ROOT;                    \
	MOVQ  64(SI), BX;        \
	MOVQ  72(SI), CX;        \
	XORL  R11, R11;          \
	LEAVE(BX, AL, ANSWERS);  \
	MOVL  BX, 4(DI);         \
	MOVQ  80(SI), BX;        \
	LEAVE(CX, AH, ANSWERS);  \
	MOVL  CX, 8(DI);         \
	MOVQ  88(SI), CX;        \
	SHRL  $16, AX;           \
	LEAVE(BX, AL, ANSWERS);  \
	MOVL  BX, 12(DI);        \
	LEAVE(CX, AH, ANSWERS);  \
	MOVL  CX, 16(DI);        \
	VMOVD four-56(SP), X0;   \
	ADDL  $0x04040404, four-56(SP); \
	QUEUE;                   \
	LEAVES(ADD);             \
	ADDQ  $16, DI;           \
	ADDQ  $96, SI;           \
	CMPQ  SI, end-40(SP);    \
	JNE   root;              \
	MOVQ  before-32(SP), AX; \
	TESTQ AX, AX;            \
	JEQ   summed;            \
rest: \
	LEAVES(ADD);             \
	DECQ  AX;                \
	JNE   rest;              \
summed: \
	MOVQ  a+0(FP), AX;       \
	MOVQ  72(AX), SI;        \
	MOVQ  at-8(SP), DI;      \
	JMP   step;              \
round: \
	LOW(0, BX, X2); \
	LOW(1, CX, X3); \
	HIGH(2, R8, Y2); \
	HIGH(3, R15, Y3); \
next: \
	VPUNPCKLQDQ Y3, Y2, Y0;  \
	VPUNPCKHQDQ Y3, Y2, Y1;  \
	NEXT;                    \
	XORL    R11, R11;        \
	LEAVE(BX, AL, ANSWERS);  \
	STORE(0, BX);            \
	LOW(4, BX, X2); \
	LEAVE(CX, AH, ANSWERS);  \
	STORE(1, CX);            \
	LOW(5, CX, X3); \
	SHRL    $16, AX;         \
	LEAVE(R8, AL, ANSWERS);  \
	STORE(2, R8);            \
	HIGH(6, R8, Y2); \
	LEAVE(R15, AH, ANSWERS); \
	STORE(3, R15);           \
	HIGH(7, R15, Y3); \
	VMOVD   0(SI), X0;       \
	QUEUE;                   \
	ADDQ    $4, SI;          \
	CMPQ    SI, until-64(SP); \
	JNE     next;            \
step: \
	ADDQ    $3, R14;         \
	ANDQ    $-4, R14;        \
	MOVQ    R14, until-64(SP); \
	CMPQ    SI, R14;         \
	JNE     round;           \
	LEAQ 4(DI), R15;            \
	MOVQ both-16(SP), AX;       \
	SUBQ DI, AX;                \
	MOVQ AX, at-8(SP);          \
	MOVQ head-48(SP), R11;      \
	MOVL 0(R11), AX;            \
	MOVQ AX, before-32(SP);     \
	ADDQ $8, R11;               \
	MOVQ R11, head-48(SP);      \
	MOVQ end-40(SP), SI;        \
	DECQ left-24(SP);           \
	JNE  chunk;                 \
last: \
	LEAVES(ADD);                \
	DECQ  AX;                   \
	JNE   last

// func blocksFew64AVX2(a *blockArgs, sum float64) float64
TEXT ·blocksFew64AVX2(SB), NOSPLIT, $96-24
	KERNEL(TABLES4, ROOT4, NEXT4, PLAIN, VMOVSD, VADDSD)
	VMOVSD X7, ret+16(FP)
	VZEROUPPER
	RET

// func blocksFew64AVX512(a *blockArgs, sum float64) float64
TEXT ·blocksFew64AVX512(SB), NOSPLIT, $96-24
	KERNEL(TABLES4V, ROOT4V, NEXT4V, PLAIN, VMOVSD, VADDSD)
	VMOVSD X7, ret+16(FP)
	VZEROUPPER
	RET

// func blocksMany64AVX2(a *blockArgs, sum float64) float64
TEXT ·blocksMany64AVX2(SB), NOSPLIT, $96-24
	KERNEL(TABLES8, ROOT8, NEXT8, PLAIN, VMOVSD, VADDSD)
	VMOVSD X7, ret+16(FP)
	VZEROUPPER
	RET

// func blocksMany64AVX512(a *blockArgs, sum float64) float64
TEXT ·blocksMany64AVX512(SB), NOSPLIT, $96-24
	KERNEL(TABLES8V, ROOT8V, NEXT8V, PLAIN, VMOVSD, VADDSD)
	VMOVSD X7, ret+16(FP)
	VZEROUPPER
	RET

// func blocksFewCategories64AVX2(a *blockArgs, sum float64) float64
TEXT ·blocksFewCategories64AVX2(SB), NOSPLIT, $96-24
	KERNEL(TABLES4, ROOT4, NEXT4, CATS, VMOVSD, VADDSD)
	VMOVSD X7, ret+16(FP)
	VZEROUPPER
	RET

// func blocksFewCategories64AVX512(a *blockArgs, sum float64) float64
TEXT ·blocksFewCategories64AVX512(SB), NOSPLIT, $96-24
	KERNEL(TABLES4V, ROOT4V, NEXT4V, CATS, VMOVSD, VADDSD)
	VMOVSD X7, ret+16(FP)
	VZEROUPPER
	RET

// func blocksManyCategories64AVX2(a *blockArgs, sum float64) float64
TEXT ·blocksManyCategories64AVX2(SB), NOSPLIT, $96-24
	KERNEL(TABLES8, ROOT8, NEXT8, CATS, VMOVSD, VADDSD)
	VMOVSD X7, ret+16(FP)
	VZEROUPPER
	RET

// func blocksManyCategories64AVX512(a *blockArgs, sum float64) float64
TEXT ·blocksManyCategories64AVX512(SB), NOSPLIT, $96-24
	KERNEL(TABLES8V, ROOT8V, NEXT8V, CATS, VMOVSD, VADDSD)
	VMOVSD X7, ret+16(FP)
	VZEROUPPER
	RET

// func blocks32AVX2(a *blockArgs, sum float32) float32
TEXT ·blocks32AVX2(SB), NOSPLIT, $96-20
	KERNEL(TABLES8, ROOT8, NEXT8, PLAIN, VMOVSS, VADDSS)
	VMOVSS X7, ret+16(FP)
	VZEROUPPER
	RET

// func blocks32AVX512(a *blockArgs, sum float32) float32
TEXT ·blocks32AVX512(SB), NOSPLIT, $96-20
	KERNEL(TABLES8V, ROOT8V, NEXT8V, PLAIN, VMOVSS, VADDSS)
	VMOVSS X7, ret+16(FP)
	VZEROUPPER
	RET

// func blocksCategories32AVX2(a *blockArgs, sum float32) float32
TEXT ·blocksCategories32AVX2(SB), NOSPLIT, $96-20
	KERNEL(TABLES8, ROOT8, NEXT8, CATS, VMOVSS, VADDSS)
	VMOVSS X7, ret+16(FP)
	VZEROUPPER
	RET

// func blocksCategories32AVX512(a *blockArgs, sum float32) float32
TEXT ·blocksCategories32AVX512(SB), NOSPLIT, $96-20
	KERNEL(TABLES8V, ROOT8V, NEXT8V, CATS, VMOVSS, VADDSS)
	VMOVSS X7, ret+16(FP)
	VZEROUPPER
	RET

// func orBytesAVX2(dst, src *uint8, n int)
//
// n is a multiple of 32, not 0.
TEXT ·orBytesAVX2(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ n+16(FP), CX

or:
	VMOVDQU (SI), Y0
	VPOR    (DI), Y0, Y0
	VMOVDQU Y0, (DI)
	ADDQ    $32, SI
	ADDQ    $32, DI
	SUBQ    $32, CX
	JNZ     or
	VZEROUPPER
	RET
