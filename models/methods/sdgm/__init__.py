"""SDGM: ADGM whose p(x|.) sees the auxiliary variable, too."""
