"""Lets tests look for GPUs where no file says that there are any: ``pytest -p tests.stand_in.plugin``."""

from sayso.runs import devices

devices._SIGNS = ("proc/self",)
