"""HTTP: one module for each thing, every handler declared with `@endpoint`."""
