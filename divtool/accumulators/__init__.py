"""What is kept of many rows: each accumulator starts empty, updates, merges and presents.

The laws (tested over every accumulator): the empty state is an identity on both sides, merging is associative, merging
two parts equals updating with both, and presenting changes nothing.
"""
