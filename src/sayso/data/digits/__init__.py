"""Grids of handwritten digits: their facts, their images, their pictures."""
