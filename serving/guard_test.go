// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/assayrisk/assay/serving/assayclient"
	"github.com/assayrisk/assay/serving/auth"
	v2 "github.com/assayrisk/assay/serving/inferencev2"
	"github.com/assayrisk/assay/serving/wire"
)

// bare sends and receives bytes as they are.
type bare struct{}

func (bare) Name() string { return "proto" }

func (bare) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(v.([]byte))}, nil
}

func (bare) Unmarshal(data mem.BufferSlice, v any) error {
	*v.(*[]byte) = data.Materialize()
	return nil
}

// TestNothingIsDecodedForStrangers: of every method, who is not known, and who
// may not call it, reads that, whatever bytes came; who may call it reads that
// they are no message.
func TestNothingIsDecodedForStrangers(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir(), Config{Auth: keys("all:score,record,read,audit,admin", "score:score")})
	conn := n.dial(assayclient.Config{}).Conn()
	score, err := auth.ParseRoles([]string{"score"})
	if err != nil {
		t.Fatal(err)
	}
	broken := []byte{1<<3 | 2, 100, 'x'} // field 1 is longer than what is left
	table := auth.Methods()
	for service, info := range n.server.grpc.GetServiceInfo() {
		for _, m := range info.Methods {
			method := "/" + service + "/" + m.Name
			if m.Name == "ServerReflectionInfo" {
				continue // grpc's own
			}
			for key, want := range map[string]codes.Code{"": codes.Unauthenticated, "wrong-key": codes.Unauthenticated,
				"all-key": codes.InvalidArgument, "score-key": codes.PermissionDenied} {
				if need := table[method]; need == auth.Public || key == "score-key" && need&score != 0 {
					want = codes.InvalidArgument
				}
				ctx := t.Context()
				if key != "" {
					ctx = metadata.AppendToOutgoingContext(ctx, "x-api-key", key)
				}
				st, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, method,
					grpc.ForceCodecV2(bare{}))
				if err == nil {
					_ = st.SendMsg(broken)
					_ = st.CloseSend()
					var out []byte
					err = st.RecvMsg(&out)
				}
				if got := status.Code(err); got != want {
					t.Errorf("%s with %q: %v, want %s", method, key, err, want)
				}
			}
		}
	}
}

// TestInferencePartsAreBounded: a request of more parts than a model can need is
// refused by name.
func TestInferencePartsAreBounded(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir(), Config{})
	req := &v2.ModelInferRequest{RawInputContents: make([][]byte, wire.MaxInferParts+1)}
	_, err := v2.NewGRPCInferenceServiceClient(n.client.Conn()).ModelInfer(t.Context(), req)
	if status.Code(err) != codes.InvalidArgument || !has(err, "inputs") {
		t.Errorf("%d raw contents: %v", len(req.RawInputContents), err)
	}
}
