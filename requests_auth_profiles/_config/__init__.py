"""The profiles file: where it is, what stands in it, what is wrong with it, and typed values of it."""
