"""The parts of the loader: collating, fetching, workers and the channel to them."""

from rushlight.utils.data._utils import collate, fetch, pin_memory, worker

__all__ = ["collate", "fetch", "pin_memory", "worker"]
