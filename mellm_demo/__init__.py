"""From a clip of a face to an explained micro-expression. Importing the package loads nothing heavy."""

__version__ = "0.1.0"
