"""The paper's two knowledge bases, from their published files."""
