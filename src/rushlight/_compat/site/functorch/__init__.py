"""The former home of `torch.func`; the names that moved there."""

from torch.func import *  # noqa: F403
