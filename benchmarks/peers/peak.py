# SPDX-License-Identifier: Apache-2.0
"""The peak resident memory of this process; benchmarks/internal/usage is the same in Go."""
import resource
import sys


def peak_bytes():
    try:
        with open("/proc/self/status") as status:
            for line in status:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
