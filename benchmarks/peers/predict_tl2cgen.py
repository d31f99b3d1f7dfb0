# SPDX-License-Identifier: Apache-2.0
"""Compile a LightGBM model to a shared library with Treelite and TL2cgen.

usage: predict_tl2cgen.py MODEL.txt OUT.so
"""
import sys

import tl2cgen
import treelite

model = treelite.frontend.load_lightgbm_model(sys.argv[1])
tl2cgen.export_lib(model, toolchain="gcc", libpath=sys.argv[2], params={"parallel_comp": 100}, nthread=2)
