# SPDX-License-Identifier: Apache-2.0
"""Serves a LightGBM text model with FastAPI under uvicorn.

    endtoend_fastapi.py MODEL.TXT PORT WORKERS

POST /score {"rows": [[...]]} gives {"scores": [...]}.
"""
import os
import sys

import lightgbm
import numpy
from fastapi import FastAPI
from pydantic import BaseModel

booster = lightgbm.Booster(model_file=os.environ.get("BENCH_MODEL") or sys.argv[1])
app = FastAPI()


class Rows(BaseModel):
    rows: list[list[float]]


class Scores(BaseModel):
    scores: list[float]


@app.post("/score")
async def score(body: Rows) -> Scores:
    return Scores(scores=booster.predict(numpy.array(body.rows), num_threads=1).tolist())


if __name__ == "__main__":
    import uvicorn

    os.environ["BENCH_MODEL"] = os.path.abspath(sys.argv[1])
    os.chdir(os.path.dirname(os.path.abspath(__file__)))
    uvicorn.run("endtoend_fastapi:app", host="127.0.0.1", port=int(sys.argv[2]), workers=int(sys.argv[3]),
                log_level="warning", access_log=False)
