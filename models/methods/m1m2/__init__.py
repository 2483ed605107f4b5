"""M1+M2: M2 on the code of M1."""
