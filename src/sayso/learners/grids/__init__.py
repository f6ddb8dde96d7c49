"""Networks that see grids of digits, many side by side."""
