"""Programs as written: parsed with places, rewritten, printed.

`program` has the tree, `source` the text and its errors, `parsing` reads one into the
other: `formulas` and `calls` walk Python's tree of it, `building` adds the nodes.
`constants` folds rational ones, `rewriting` writes definitions out, `printing` writes
text again. Knows the table of operations, and neither points nor cases nor a library.
"""
