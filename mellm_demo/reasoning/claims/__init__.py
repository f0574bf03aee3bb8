"""A text about a clip → what it claims: action units, sides, regions and their ways, numbers, emotions, classes.

Pattern matching on English and Chinese; knows no analysis and judges nothing. Definitions, general knowledge, questions
and suppositions are no claims about the clip and are left out; so is whatever the patterns do not know, but sentences
that speak of the face all the same can be told (``unclaimed``). Left and right are taken as the subject's. Every claim
carries its place in the text.
"""

from mellm_demo.reasoning.claims.answered import answered, listed, worded
from mellm_demo.reasoning.claims.kinds import Claim
from mellm_demo.reasoning.claims.reading import read, unclaimed
from mellm_demo.reasoning.claims.units import names_of

__all__ = ["Claim", "answered", "listed", "names_of", "read", "unclaimed", "worded"]
