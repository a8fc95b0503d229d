"""How a library computes the operations of the table. Knows no program."""
