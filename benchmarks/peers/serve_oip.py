# SPDX-License-Identifier: Apache-2.0
"""Scores through the Open Inference Protocol with two common clients, tritonclient and kserve.

    python3 -m venv peers && peers/bin/pip install 'tritonclient[grpc]' kserve
    peers/bin/python benchmarks/peers/serve_oip.py HOST:PORT MODEL tritonclient|kserve

Prints "ok CLIENT margin ...", and fails when the outputs contradict each other.
Each run uses one client, because both register the same protobuf names.
"""
import asyncio
import sys

import numpy as np


def triton(address, model):
    import tritonclient.grpc as tc

    c = tc.InferenceServerClient(address)
    assert c.is_server_live() and c.is_server_ready() and c.is_model_ready(model)
    meta = c.get_model_metadata(model)
    width = meta.inputs[0].shape[1]
    rows = sample(width)
    x = tc.InferInput("features", rows.shape, "FP64")
    x.set_data_from_numpy(rows)  # raw tensor contents
    outputs = [tc.InferRequestedOutput(n) for n in ("margin", "pd", "contributions")]
    r = c.infer(model, [x], outputs=outputs)
    margin, pd, phi = (r.as_numpy(n) for n in ("margin", "pd", "contributions"))
    assert margin.shape == (4,) and phi.shape == (4, width + 1)
    assert np.all((pd > 0) & (pd < 1)) and np.allclose(phi.sum(axis=1), margin)
    print("ok tritonclient margin", margin.tolist())


def kserve(address, model):
    import grpc
    from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb
    from kserve.protocol.grpc import grpc_predict_v2_pb2_grpc as stubs
    from kserve import InferInput, InferRequest, InferenceGRPCClient

    with grpc.insecure_channel(address) as ch:
        meta = stubs.GRPCInferenceServiceStub(ch).ModelMetadata(pb.ModelMetadataRequest(name=model))
    rows = sample(meta.inputs[0].shape[1])

    async def ask(binary):
        c = InferenceGRPCClient(address)
        x = InferInput("features", list(rows.shape), "FP64")
        x.set_data_from_numpy(rows, binary_data=binary)
        r = await c.infer(InferRequest(model_name=model, infer_inputs=[x]))
        await c.close()
        return r

    raw, typed = ({o.name: o.as_numpy() for o in asyncio.run(ask(b)).outputs} for b in (True, False))
    assert np.array_equal(raw["margin"], typed["margin"]) and np.array_equal(raw["pd"], typed["pd"]), (raw, typed)
    print("ok kserve margin", typed["margin"].tolist())


def sample(width):
    return np.linspace(0, 2000, 4 * width).reshape(4, width)


def main():
    address, model, client = sys.argv[1:4]
    {"tritonclient": triton, "kserve": kserve}[client](address, model)


main()
