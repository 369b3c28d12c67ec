"""The compositions behind `nn.functional`, by family."""
