"""What a case may say: operations, expressions, case files and points."""
