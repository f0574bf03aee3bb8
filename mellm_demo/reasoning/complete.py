"""What an answer leaves out: who is asked about a part of the face tells everything that moved there."""

from __future__ import annotations

from mellm_demo.reasoning.claims import read
from mellm_demo.reasoning.facts import Facts
from mellm_demo.reasoning.intents import Intent, understand
from mellm_demo.records import Analysis, RegionMotion


def unfinished(text: str, analysis: Analysis, question: str) -> bool:
    """Whether an answer names some of what moved where it was asked about, and not all of it.

    Who asks about “the brows” asks about four regions. An answer that names none of them is no list.
    """
    query = understand(question)
    if query.intents != (Intent.REGION,):
        return False
    asked = [m for m in Facts(analysis).moving if m.name in query.regions and query.side in (None, m.side)]
    claims = [one for one in read(text) if one.kind == "region" and one.stance != "no"]

    def named(motion: RegionMotion) -> bool:
        return any(motion.name in one.names and one.side in (None, "both", motion.side) for one in claims)

    return 0 < sum(map(named, asked)) < len(asked)
