"""Named results of operations with several outputs: `max(dim)` gives `return_types.max(values, indices)`."""
