"""The files divtool reads and writes: one file a format, reader and writer together."""
