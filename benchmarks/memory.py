"""Memory over many frames: ``python benchmarks/memory.py [--frames 20000] [--clip demo]``.

Reads, analyses and explains the clip again and again, as `analyze` does, and prints the resident memory.
"""

import argparse
import time

import psutil

from core.model import Model
from core.packs import DEFAULT_PACK, find_pack
from core.pipeline import Pipeline
from core.sources import Prefetch, open_source

WARM_UP = 1000  # frames


def main() -> None:
    """Print resident memory every thousand frames, and the growth after warm-up."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=20_000)
    parser.add_argument("--clip", default="demo")
    chosen = parser.parse_args()
    process = psutil.Process()
    pipeline = Pipeline(Model(find_pack(DEFAULT_PACK), provider="cpu"))
    started, done, warm = time.monotonic(), 0, 0.0
    while done < chosen.frames:
        pipeline.reset()
        with Prefetch(open_source(chosen.clip)) as source:
            while done < chosen.frames and (frame := source.read()) is not None:
                pipeline.process(frame)
                done += 1
                if done % 1000 == 0:
                    resident = process.memory_info().rss / 2**20
                    warm = resident if done == WARM_UP else warm
                    print(
                        f"{done:6} frames  {resident:7.1f} MiB  {done / (time.monotonic() - started):5.1f} frames/s",
                        flush=True,
                    )
    print(f"growth after {WARM_UP} frames: {process.memory_info().rss / 2**20 - warm:+.1f} MiB")


if __name__ == "__main__":
    main()
