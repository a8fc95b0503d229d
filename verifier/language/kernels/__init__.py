"""What a library does with the operations of the table: formulas, ulps, conventions.

One row a kernel, by library and version: another library is another set of rows. Loads
no library, and knows no point.
"""
