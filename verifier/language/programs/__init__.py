"""Programs as written: parsed with places, rewritten, printed.

`program` has the tree. A text goes through `tokens` and `scanning`, which makes plain
code of what people write (`complaints` says what is no formula, `characters` knows
those beyond ASCII), to Python's parser (`source`); `formulas`, `calls` and `sums` walk
its tree, `building` adds the nodes, and `parsing` is the door to it all.
`constants` folds rational ones, `rewriting` writes definitions out, `printing` writes
text again. Knows the table of operations, and neither points nor cases nor a library.
"""
