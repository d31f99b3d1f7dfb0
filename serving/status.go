// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"errors"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger/journal"
	"github.com/assayrisk/assay/ledger/vault"
	"github.com/assayrisk/assay/serving/auth"
	"github.com/assayrisk/assay/serving/engine"
)

// statusTable maps our kinds of error to codes: the first that matches. Told says
// that the error's own words may go to the caller. Everything else is
// INTERNAL, and its words stay in the server's log.
var statusTable = [...]struct {
	kind error
	code codes.Code
	told bool
}{
	{auth.ErrUnauthenticated, codes.Unauthenticated, true},
	{auth.ErrForbidden, codes.PermissionDenied, true},
	{vault.ErrErased, codes.FailedPrecondition, false}, // before ErrUnavailable: asking again would not help
	{journal.ErrRetired, codes.FailedPrecondition, false},
	{assay.ErrCorrupt, codes.Internal, false},
	{assay.ErrInvalid, codes.InvalidArgument, true},
	{assay.ErrConflict, codes.AlreadyExists, true},
	{assay.ErrNotFound, codes.NotFound, true},
	{assay.ErrExhausted, codes.ResourceExhausted, true},
	{assay.ErrPrecondition, codes.FailedPrecondition, true},
	{assay.ErrUnavailable, codes.Unavailable, false},
	{context.DeadlineExceeded, codes.DeadlineExceeded, false},
	{context.Canceled, codes.Canceled, false},
}

// public is what the caller reads where the error's own words stay inside.
var public = map[codes.Code]string{
	codes.Internal:           "internal error; the server's log says more",
	codes.FailedPrecondition: "the record cannot be read any more: its subject was erased, or its retention has passed",
	codes.Unavailable:        "the server drains or cannot make records durable; ask again with the same request id",
	codes.DeadlineExceeded:   "the deadline passed; ask again with the same request id",
	codes.Canceled:           "the call was cancelled",
}

// classify returns the code and the words for the caller.
func classify(err error) (codes.Code, string) {
	for i := range statusTable {
		if errors.Is(err, statusTable[i].kind) {
			if statusTable[i].told {
				return statusTable[i].code, err.Error()
			}
			return statusTable[i].code, public[statusTable[i].code]
		}
	}
	return codes.Internal, public[codes.Internal]
}

// statusOf returns the gRPC status of err. An error that is one already, and
// nil, stay as they are.
func statusOf(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := err.(interface{ GRPCStatus() *status.Status }); ok {
		return err
	}
	code, words := classify(err)
	st := status.New(code, words)
	var field *assay.FieldError
	if code == codes.InvalidArgument && errors.As(err, &field) {
		if with, err := st.WithDetails(&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{
			{Field: field.Field, Description: field.Problem},
		}}); err == nil {
			st = with
		}
	}
	var retry *engine.RetryError
	if errors.As(err, &retry) {
		if with, err := st.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(retry.After)}); err == nil {
			st = with
		}
	}
	return st.Err()
}
