"""nodes - random models of one node each: a rule an operator, and the schemas for types, versions and arity."""
