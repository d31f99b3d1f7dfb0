// SPDX-License-Identifier: Apache-2.0

//go:build amd64 && !purego

#include "textflag.h"

// The kernels of lanes for a block of at most 32 vectors: the first half of
// each line alone. bitOf is as in lanes_amd64.s.
DATA bitOf32<>+0(SB)/8, $0x8040201008040201
DATA bitOf32<>+8(SB)/8, $0x8040201008040201
GLOBL bitOf32<>(SB), RODATA|NOPTR, $16

// func lanesTreeHalf(ops *laneOp, n int, arena, sets *uint8)
TEXT ·lanesTreeHalf(SB), NOSPLIT, $0-32
	MOVQ ops+0(FP), SI
	MOVQ n+8(FP), CX
	MOVQ arena+16(FP), DI
	MOVQ sets+24(FP), R9

	VBROADCASTI128 bitOf32<>(SB), Y12
	VPCMPEQB       Y13, Y13, Y13
	VPABSB         Y13, Y13
	VPSLLW         $3, Y13, Y14
	VPSUBB         Y13, Y14, Y13  // 7 in every byte
	VPXOR          Y15, Y15, Y15

loop:
	MOVL         0(SI), AX
	MOVL         12(SI), R8
	MOVL         4(SI), BX
	CMPB         R8, $255
	JEQ          set
	VPBROADCASTB 12(SI), Y1
	MOVL         8(SI), DX
	SHRL         $8, R8
	SHLQ         $6, R8
	VPMINUB      (DI)(AX*1), Y1, Y4
	VPCMPEQB     (DI)(AX*1), Y4, Y4 // code <= bound
	VMOVDQA      (DI)(DX*1), Y6
	VPBLENDVB    Y4, (DI)(BX*1), Y6, Y6
	VMOVDQA      Y6, (DI)(R8*1)
	ADDQ         $16, SI
	DECQ         CX
	JNZ          loop
	VMOVDQA      Y6, (DI)
	VZEROUPPER
	RET

set:
	SHRL           $8, R8
	SHLQ           $6, R8
	VBROADCASTI128 (R9)(BX*1), Y10
	VBROADCASTI128 16(R9)(BX*1), Y11
	VMOVDQA        (DI)(AX*1), Y2
	VPAND          Y13, Y2, Y4
	VPSHUFB        Y4, Y12, Y4        // the bit
	VPANDN         Y2, Y13, Y0        // class without its low three bits
	VPSRLW         $3, Y0, Y0
	VPSHUFB        Y0, Y10, Y6
	VPSHUFB        Y0, Y11, Y8
	VPBLENDVB      Y2, Y8, Y6, Y6
	VPAND          Y4, Y6, Y6
	VPCMPEQB       Y15, Y6, Y6        // outside
	VMOVDQA        Y6, (DI)(R8*1)
	ADDQ           $16, SI
	DECQ           CX
	JMP            loop               // never the last operation

// func lanesAddFours64(sums *[64]float64, leaf *float64, index *uint8, fours int)
TEXT ·lanesAddFours64(SB), NOSPLIT, $0-32
	MOVQ sums+0(FP), DI
	MOVQ leaf+8(FP), SI
	MOVQ index+16(FP), DX
	MOVQ fours+24(FP), CX

add64:
	MOVBLZX     0(DX), AX
	MOVBLZX     1(DX), BX
	MOVBLZX     2(DX), R8
	MOVBLZX     3(DX), R9
	VMOVSD      (SI)(AX*8), X0
	VMOVSD      (SI)(R8*8), X1
	VMOVHPD     (SI)(BX*8), X0, X0
	VMOVHPD     (SI)(R9*8), X1, X1
	VADDPD      0(DI), X0, X0
	VADDPD      16(DI), X1, X1
	VMOVUPD     X0, 0(DI)
	VMOVUPD     X1, 16(DI)
	ADDQ        $4, DX
	ADDQ        $32, DI
	DECQ        CX
	JNZ         add64
	RET

// func lanesAddFours32(sums *[64]float32, leaf *float32, index *uint8, fours int)
TEXT ·lanesAddFours32(SB), NOSPLIT, $0-32
	MOVQ sums+0(FP), DI
	MOVQ leaf+8(FP), SI
	MOVQ index+16(FP), DX
	MOVQ fours+24(FP), CX

add32:
	MOVBLZX   0(DX), AX
	MOVBLZX   1(DX), BX
	MOVBLZX   2(DX), R8
	MOVBLZX   3(DX), R9
	VMOVSS    (SI)(AX*4), X0
	VINSERTPS $0x10, (SI)(BX*4), X0, X0
	VINSERTPS $0x20, (SI)(R8*4), X0, X0
	VINSERTPS $0x30, (SI)(R9*4), X0, X0
	VADDPS    (DI), X0, X0
	VMOVUPS   X0, (DI)
	ADDQ      $4, DX
	ADDQ      $16, DI
	DECQ      CX
	JNZ       add32
	RET
