# SPDX-License-Identifier: Apache-2.0
"""Serves a LightGBM text model with BentoML.

    endtoend_bentoml.py MODEL.TXT PORT WORKERS

POST /score {"rows": [[...]]} gives the scores.
"""
import os
import pathlib
import sys

if __name__ == "__main__":
    os.environ.update(BENCH_MODEL=os.path.abspath(sys.argv[1]), BENCH_WORKERS=sys.argv[3], BENTOML_DO_NOT_TRACK="True")
    os.chdir(os.path.dirname(os.path.abspath(__file__)))
    program = pathlib.Path(sys.executable).with_name("bentoml")
    os.execv(program, [str(program), "serve", "endtoend_bentoml:Scorer", "--host", "127.0.0.1", "--port", sys.argv[2]])

import bentoml
import lightgbm
import numpy


@bentoml.service(workers=int(os.environ.get("BENCH_WORKERS", "1")), traffic={"timeout": 30},
                 logging={"access": {"enabled": False}})
class Scorer:
    def __init__(self) -> None:
        self.booster = lightgbm.Booster(model_file=os.environ["BENCH_MODEL"])

    @bentoml.api
    def score(self, rows: list[list[float]]) -> list[float]:
        return self.booster.predict(numpy.array(rows), num_threads=1).tolist()
