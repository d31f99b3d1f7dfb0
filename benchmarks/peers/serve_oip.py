# SPDX-License-Identifier: Apache-2.0
"""Scores through the Open Inference Protocol with the clients that people use.

    python3 -m venv peers && peers/bin/pip install 'tritonclient[grpc]' kserve
    peers/bin/python benchmarks/peers/serve_oip.py HOST:PORT MODEL

Prints "ok CLIENT margin ..." for each client that is installed, and fails when
one of them gets other numbers than the plain columns give.
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
    rows = np.linspace(0, 2000, 4 * width).reshape(4, width)
    x = tc.InferInput("features", rows.shape, "FP64")
    x.set_data_from_numpy(rows)  # raw tensor contents
    outputs = [tc.InferRequestedOutput(n) for n in ("margin", "pd", "contributions")]
    r = c.infer(model, [x], outputs=outputs)
    margin, pd, phi = (r.as_numpy(n) for n in ("margin", "pd", "contributions"))
    assert margin.shape == (4,) and phi.shape == (4, width + 1)
    assert np.all((pd > 0) & (pd < 1)) and np.allclose(phi.sum(axis=1), margin)
    print("ok tritonclient margin", margin.tolist())
    return rows, margin


def kserve(address, model, rows, margin):
    from kserve import InferInput, InferRequest, InferenceGRPCClient

    async def ask():
        c = InferenceGRPCClient(address)
        x = InferInput("features", list(rows.shape), "FP64")
        x.set_data_from_numpy(rows, binary_data=False)  # typed contents
        r = await c.infer(InferRequest(model_name=model, infer_inputs=[x]))
        await c.close()
        return r

    r = asyncio.run(ask())
    got = {o.name: o.as_numpy() for o in r.outputs}
    assert np.array_equal(got["margin"], margin), (got, margin)
    print("ok kserve margin", got["margin"].tolist())


def main():
    address, model = sys.argv[1:3]
    rows, margin = triton(address, model)
    try:
        import kserve as _  # noqa: F401
    except ImportError:
        print("kserve is not installed")
        return
    kserve(address, model, rows, margin)


main()
