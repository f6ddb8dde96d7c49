"""Linear probes of what passes between layers, and steering by the directions they find (section 5.2 of the paper)."""
