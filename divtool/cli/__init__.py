"""The command line: built from the declarations, calling only :mod:`divtool.api`."""
