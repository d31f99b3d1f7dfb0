# SPDX-License-Identifier: Apache-2.0
"""How much memory this process had resident at most, as benchmarks/internal/peak has it."""
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
