// SPDX-License-Identifier: Apache-2.0

//go:build amd64 && !purego

#include "textflag.h"

// The kernels keep, beside what explainGeneric does:
//
//	SI   node                 DI   held
//	R10  row of its left edge R11  codes, later shares
//	R12  taken, later shares  R13  product
//	R14  f                    R15  nodes left
//
// R is the width of a row in bytes.

#define START \
	MOVQ a+0(FP), AX;  \
	MOVQ 0(AX), SI;    \
	MOVQ 40(AX), DI;   \
	MOVQ 64(AX), R11;  \
	MOVQ 48(AX), R12;  \
	MOVQ 32(AX), R13;  \
	MOVQ 24(AX), R14

// SIDES leaves in BX 16 when the vector goes right, in R8 the row of the edge
// that it takes, in R9 that of the other, in CX that of the edge to the node,
// and in DX that of the f that holds above.
#define SIDES(R) \
	MOVL    0(SI), AX;        \
	MOVBLZX (R11)(AX*1), AX;  \
	XORL    BX, BX;           \
	CMPL    AX, 4(SI);        \
	SETHI   BX;               \
	MOVL    12(SI), AX;       \
	MOVL    (DI)(AX*1), DX;   \
	MOVL    BX, R8;           \
	NEGL    R8;               \
	ANDL    R, R8;            \
	MOVL    R8, R9;           \
	XORL    R, R9;            \
	ADDQ    R10, R8;          \
	ADDQ    R10, R9;          \
	SHLL    $4, BX;           \
	MOVL    8(SI), CX

// HOLD leaves in AX the row of the f that holds for the edge taken.
#define HOLD \
	XORL    AX, AX; \
	TESTL   DX, DX; \
	CMOVQNE R8, AX

// KEEP notes what holds, and which edge was taken.
#define KEEP \
	MOVL AX, (DI)(R8*1); \
	MOVL $0, (DI)(R9*1); \
	MOVL R8, (R12);      \
	ADDQ $4, R12

// The trees of a rule lie one after another, and a large model's do not fit the
// inner caches: AHEAD4 and AHEAD8 fetch a node and the rows of its edges that
// come 32 nodes after this one, mostly the next tree's. Reading beyond the last
// is harmless: a prefetch never faults. They change A.
#define AHEAD4(A) \
	PREFETCHT0 2048(SI);       \
	LEAQ       (R14)(R10*1), A; \
	PREFETCHT0 2048(A)

#define AHEAD8(A) \
	PREFETCHT0 2048(SI);       \
	LEAQ       (R14)(R10*1), A; \
	PREFETCHT0 4096(A);        \
	PREFETCHT0 4160(A)

#define AHEADMANY(A)

#define SHARES \
	VBROADCASTSD 32(SI)(BX*1), Y3; \
	VBROADCASTSD 40(SI)(BX*1), Y4; \
	XORL         $16, BX;          \
	VBROADCASTSD 32(SI)(BX*1), Y5

// SPLIT leaves in Y6 and Y7 four products of the edge taken and of the other,
// D bytes from where their rows begin.
#define SPLIT(D) \
	VMOVUPD D(R13)(CX*1), Y0;     \
	VMULPD  D(R14)(DX*1), Y0, Y1; \
	VSUBPD  Y1, Y0, Y2;           \
	VMULPD  Y1, Y3, Y6;           \
	VMULPD  Y2, Y4, Y7;           \
	VADDPD  Y7, Y6, Y6;           \
	VMULPD  Y1, Y5, Y7

#define DOWN(D) \
	SPLIT(D);                     \
	VMOVUPD Y6, D(R13)(R8*1);     \
	VMOVUPD Y7, D(R13)(R9*1)

// JOIN adds the sums Y6 and Y7 of a node, and adds the share to AT.
#define JOIN(D, AT) \
	VADDPD  Y7, Y6, Y0;           \
	VMOVUPD Y0, D(R13)(CX*1);     \
	VMULPD  D(R14)(DX*1), Y0, Y0; \
	VMULPD  D(R14)(AX*1), Y6, Y6; \
	VSUBPD  Y6, Y0, Y0;           \
	VSUBPD  Y7, Y0, Y0;           \
	VADDPD  D AT, Y0, Y0;         \
	VMOVUPD Y0, D AT

#define BOTH(D) \
	SPLIT(D);               \
	JOIN(D, (R12)(R9*1))

#define UP(D) \
	VMOVUPD D(R13)(R8*1), Y6; \
	VMOVUPD D(R13)(R9*1), Y7; \
	JOIN(D, (R11)(BX*1))

// MEET is the way up to a node: the rows as SIDES leaves them, in AX that of
// the f that holds for the edge taken, in BX the feature's shares.
#define MEET(R) \
	SUBQ $64, SI;               \
	SUBQ R, R10;                \
	SUBQ R, R10;                \
	SUBQ $4, R12;               \
	MOVL (R12), R8;             \
	LEAQ (R10)(R10*1), R9;      \
	ADDQ R, R9;                 \
	SUBQ R8, R9;                \
	MOVL 12(SI), AX;            \
	MOVL (DI)(AX*1), DX;        \
	MOVL (DI)(R8*1), AX;        \
	MOVL 8(SI), CX;             \
	MOVL 20(SI), BX

// SHAP runs down the nodes, over those with two leaves, and up again. The rows
// of edges begin with the third.
#define SHAP(R, AHEAD, DOWNALL, BOTHALL, UPALL) \
	START;                      \
	MOVQ  R, R10;               \
	ADDQ  R10, R10;             \
	MOVQ  8(AX), R15;           \
	TESTQ R15, R15;             \
	JEQ   leaves;               \
down: \
	SIDES(R);                   \
	HOLD;                       \
	KEEP;                       \
	AHEAD(AX);                  \
	SHARES;                     \
	DOWNALL;                    \
	ADDQ  $64, SI;              \
	ADDQ  R, R10;               \
	ADDQ  R, R10;               \
	DECQ  R15;                  \
	JNZ   down;                 \
leaves: \
	MOVQ  a+0(FP), AX;          \
	MOVQ  R12, taken-24(SP);    \
	MOVQ  SI, node-32(SP);      \
	MOVQ  R10, left-40(SP);     \
	MOVQ  56(AX), R12;          \
	MOVQ  16(AX), R15;          \
	TESTQ R15, R15;             \
	JEQ   above;                \
both: \
	SIDES(R);                   \
	HOLD;                       \
	AHEAD(R8);                  \
	MOVL  20(SI), R9;           \
	SHARES;                     \
	BOTHALL;                    \
	ADDQ  $64, SI;              \
	ADDQ  R, R10;               \
	ADDQ  R, R10;               \
	DECQ  R15;                  \
	JNZ   both;                 \
above: \
	MOVQ  a+0(FP), AX;          \
	MOVQ  R12, R11;             \
	MOVQ  taken-24(SP), R12;    \
	MOVQ  node-32(SP), SI;      \
	MOVQ  left-40(SP), R10;     \
	MOVQ  8(AX), R15;           \
	TESTQ R15, R15;             \
	JEQ   done;                 \
up: \
	MEET(R);                    \
	UPALL;                      \
	DECQ  R15;                  \
	JNZ   up;                   \
done: \
	VZEROUPPER

// func shap4(a *shapArgs)
TEXT ·shap4(SB), NOSPLIT, $48-8
	SHAP($32, AHEAD4, DOWN(0), BOTH(0), UP(0))
	RET

#define DOWN8 DOWN(0); DOWN(32)
#define BOTH8 BOTH(0); BOTH(32)
#define UP8 UP(0); UP(32)

// func shap8(a *shapArgs)
TEXT ·shap8(SB), NOSPLIT, $48-8
	SHAP($64, AHEAD8, DOWN8, BOTH8, UP8)
	RET

// The rows of the longer rules are run along: each of their places moves on by
// 32 bytes, and end says where the node's row ends.

#define FIRST \
	MOVQ bytes-8(SP), BX;       \
	ADDQ CX, BX;                \
	MOVQ BX, end-16(SP)

#define NEXT \
	ADDQ $32, CX; \
	ADDQ $32, DX; \
	ADDQ $32, R8; \
	ADDQ $32, R9

#define DOWNMANY \
	FIRST;               \
downNext: \
	DOWN(0);             \
	NEXT;                \
	CMPQ CX, end-16(SP); \
	JNE  downNext

#define BOTHMANY \
	FIRST;               \
bothNext: \
	BOTH(0);             \
	NEXT;                \
	ADDQ $32, AX;        \
	CMPQ CX, end-16(SP); \
	JNE  bothNext

#define UPMANY \
	MOVQ AX, held-48(SP);      \
	MOVQ bytes-8(SP), AX;      \
	ADDQ CX, AX;               \
	MOVQ AX, end-16(SP);       \
	MOVQ held-48(SP), AX;      \
upNext: \
	UP(0);                     \
	NEXT;                      \
	ADDQ $32, AX;              \
	ADDQ $32, BX;              \
	CMPQ CX, end-16(SP);       \
	JNE  upNext

// func shapMany(a *shapArgs)
TEXT ·shapMany(SB), NOSPLIT, $48-8
	MOVQ a+0(FP), AX
	MOVQ 72(AX), BX
	MOVQ BX, bytes-8(SP)
	SHAP(bytes-8(SP), AHEADMANY, DOWNMANY, BOTHMANY, UPMANY)
	RET

DATA one<>+0(SB)/8, $1.0
GLOBL one<>(SB), RODATA|NOPTR, $8

// func fitFactorsAVX2(f, z, nodes, rests *float64, rows, width int)
//
// rows and width are not 0, width is in bytes.
TEXT ·fitFactorsAVX2(SB), NOSPLIT, $0-48
	MOVQ f+0(FP), DI
	MOVQ z+8(FP), SI
	MOVQ nodes+16(FP), R8
	MOVQ rests+24(FP), R9
	MOVQ rows+32(FP), CX
	MOVQ width+40(FP), DX
	VBROADCASTSD one<>(SB), Y7
row:
	VBROADCASTSD (SI), Y0
	VSUBPD Y0, Y7, Y1
	XORL AX, AX
four:
	VMULPD (R9)(AX*1), Y0, Y2
	VMULPD (R8)(AX*1), Y1, Y3
	VADDPD Y3, Y0, Y3
	VDIVPD Y3, Y2, Y2
	VMOVUPD Y2, (DI)(AX*1)
	ADDQ $32, AX
	CMPQ AX, DX
	JNE  four
	ADDQ DX, DI
	ADDQ $8, SI
	DECQ CX
	JNE  row
	VZEROUPPER
	RET
