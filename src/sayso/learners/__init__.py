"""Models that learn and can be measured. Only `specs` is light; the other modules import torch."""
