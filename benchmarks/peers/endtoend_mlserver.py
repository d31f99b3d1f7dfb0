# SPDX-License-Identifier: Apache-2.0
"""Serves a LightGBM text model with MLServer, over gRPC and HTTP.

    endtoend_mlserver.py DIR MODEL.TXT GRPC_PORT HTTP_PORT

Settings are written to DIR. The server is one process without a pool of workers:
pools of one and of two (MLSERVER_WORKERS) answer fewer calls a second, because a
message between processes costs more than a score. Adaptive batching is off, the
default.
"""
import json
import os
import pathlib
import sys

directory, model = pathlib.Path(sys.argv[1]), os.path.abspath(sys.argv[2])
grpc_port, http_port = int(sys.argv[3]), int(sys.argv[4])
directory.mkdir(parents=True, exist_ok=True)
(directory / "settings.json").write_text(json.dumps({
    "host": "127.0.0.1", "http_port": http_port, "grpc_port": grpc_port, "metrics_endpoint": None,
    "parallel_workers": int(os.environ.get("MLSERVER_WORKERS", "0")), "debug": False, "use_structured_logging": True}))
(directory / "model-settings.json").write_text(json.dumps({
    "name": "bench", "implementation": "mlserver_lightgbm.LightGBMModel",
    "parameters": {"uri": model, "content_type": "np"}}))
program = pathlib.Path(sys.executable).with_name("mlserver")
# The booster's own threads would compete with the server's for two cores.
os.environ.update(OMP_NUM_THREADS="1")
os.execv(program, [str(program), "start", str(directory)])
