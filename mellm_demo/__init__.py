"""From a clip of a face to an explained micro-expression. Importing the package loads nothing heavy.

It must come before NumPy: the threads of NumPy's linear algebra have to be bounded before that is loaded.
"""

import os

# The matrices here are small: OpenBLAS gains nothing on them by threads of its own, which spin while they wait and so
# compete with those of the decoder and the landmarker. A value that is set stays.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

__version__ = "0.1.0"
