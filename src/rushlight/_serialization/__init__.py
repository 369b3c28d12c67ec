"""The checkpoint format: the zip archive, the pickle inside it, and the older stream format."""
