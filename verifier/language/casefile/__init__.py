"""Case files: TOML → `Case`, every mistake with its place. Loading one runs no code.

In the order in which a file goes through them: `document` (TOML with the line of each
key), `tables` (its tables as pydantic models, and the JSON Schema), `readers` (its
values), `validation` (pydantic's errors in our words), `expectations` and `assembly` (the
keys fit together: a `Case`), `complex_cases` (what complex dtypes do not go with);
`loading` is the way in, `places` says where things stand. Knows no library that
differentiates, and judges nothing.
"""
