"""One thread for the linear algebra of the process that serves pages (BLAS: a PCA, neighbours).

OpenBLAS gives a small PCA a thread for each core, and those wait for each other by spinning. While four runs kept two
cores busy, laying out 500 images took .2 to .5 s of waiting and cost the runs as much; on one thread .03 to .08 s.
"""

import os
from functools import lru_cache

import threadpoolctl


@lru_cache(maxsize=1)
def one_thread() -> None:
    """See to it, once: in what is loaded already, and in what this process or one that it starts loads later."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    threadpoolctl.threadpool_limits(1, user_api="blas")
