"""What the narrator says, in English and Chinese: the first explanation, and one answer for every intent.

Each answer takes the facts and the query and returns markdown. Both languages say the same from the same facts, each
in its own words, in modules of the same names. Measured values are told as measured, readings as tentative; where the
finding is not reliable no action unit and no emotion is claimed.
"""
