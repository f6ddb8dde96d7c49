"""Several devices that train one model together: each does its part of every batch."""
