"""close.py - whether two archives have the same arrays, within 1e-5.

usage: close.py GOT.npz WANTED.npz
"""

import sys

import numpy as np

got, wanted = (np.load(path) for path in sys.argv[1:])
assert sorted(got) == sorted(wanted), (sorted(got), sorted(wanted))
for key in wanted:
    assert got[key].shape == wanted[key].shape, (key, got[key].shape, wanted[key].shape)
    np.testing.assert_allclose(got[key], wanted[key], rtol=1e-5, atol=1e-5, err_msg=key)
