"""Models that learn and can be measured. Only `specs` and `grid_specs` are light; the others import torch."""
