"""M2: a generative model whose class is sometimes observed."""
