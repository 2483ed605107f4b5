"""ADGM: M2 with an auxiliary variable."""
