"""Tables of facts: read from files, checked, made into entities and questions."""
