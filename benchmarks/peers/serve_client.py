# SPDX-License-Identifier: Apache-2.0
"""Asks an Assay server for a decision from Python.

    pip install grpcio grpcio-tools
    python -m grpc_tools.protoc -I serving --python_out=. --grpc_python_out=. serving/assayv1/scoring.proto
    python benchmarks/peers/serve_client.py HOST:PORT Amount=1200 Home=rent

It retries with the same request id, and the server scores a request id once.
"""
import sys
import time
import uuid

import grpc
from assayv1 import scoring_pb2 as pb
from assayv1 import scoring_pb2_grpc


def field(text):
    name, _, value = text.partition("=")
    f = pb.Field(name=name)
    try:
        f.number = float(value)
    except ValueError:
        f.text = value
    return f


def score(stub, request, attempts=8):
    wait = 0.02
    for n in range(attempts):
        try:
            return stub.Score(request, timeout=5)
        except grpc.RpcError as e:
            again = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.DEADLINE_EXCEEDED)
            if e.code() not in again or n == attempts - 1:
                raise
            time.sleep(wait)
            wait = min(2 * wait, 2)


def main():
    address, fields = sys.argv[1], sys.argv[2:]
    event = pb.Event(id=str(uuid.uuid4()), kind="application", fields=[field(f) for f in fields])
    event.time.GetCurrentTime()
    with grpc.insecure_channel(address) as channel:
        stub = scoring_pb2_grpc.ScoringStub(channel)
        r = score(stub, pb.ScoreRequest(request_id=event.id, event=event))
    print(pb.Outcome.Name(r.outcome), f"pd {r.pd:.4f} points {r.points} grade {r.grade} sequence {r.sequence}")
    for reason in r.reasons:
        print(" ", reason.code, reason.text)


main()
