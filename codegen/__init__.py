"""The generator: table -> C++, stubs, reference."""
