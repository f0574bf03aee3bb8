"""Sentences and clauses, and which of them claim something about the clip: the words that say so, or deny it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property


def spans(text: str, breaks: str, start: int = 0, end: int | None = None) -> Iterator[tuple[int, int]]:
    """Places of what stands between breaks, a pattern; nothing empty."""
    end = len(text) if end is None else end
    for found in re.compile(breaks).finditer(text, start, end):
        if found.start() > start:
            yield start, found.start()
        start = found.end()
    if start < end:
        yield start, end


SENTENCE = r"\.(?=\s|$)|[。!！](?:\s|)"
CLAUSE = r"[;:()，]|(?<=[\u4e00-\u9fff)\d]),|,\s*(?=(?:but|while|whereas|although|so|which|none|neither)\b)"
SUPPOSED = re.compile(
    r"^\s*(?:if|whether|suppose|were (?:it|the))\b|\bwhether\b|\bif the\b|\bcannot be told\b"
    r"|\bcan(?:not|'t) (?:say|tell)"
    r"|\bcould not be told|\bwould (?:be|come|have|need|show)\b|\bto see (?:if|whether)|如果|假如|是否|若(?:是|要)"
    r"|无法(?:判断|得知|确定)|还是"
)
GENERAL = re.compile(
    r"\busual|\btypical|\bin general\b|\bgenerally|\bby definition|\brefers? to|\b(?:is|are) called|\bmeans\b"
    r"|\bstands? for|\bcasme|\bsamm\b|\bcorpora|\bcorpus|\bpattern|\bprototyp|\btied to|\bassociated with"
    r"|(?<!could )(?<!may )(?<!might )\bbelongs? to|\bgoes by|\blooks? for|\bconfus|\bmistaken|\btell (?:it|them) from"
    r"|\bnot among|\bfor example|\be\.g|\bsuch as|, say,|\brather seen with|\bcan take part|\bas in an?\b|\boften\b"
    r"|通常|一般(?:来说|而言)?|典型|是指|指的是|定义|编码|归为|相关|混淆|区分开|检测的有|检测这个|不在|例如|比如"
    r"|更常见|为依据|的依据|语料|常见于"
)
HEDGE = re.compile(
    r"\b(?:may|might|could|possib\w+|perhaps|conceivabl\w+|less (?:well )?(?:supported|likely)|weaker|alternativ\w+"
    r"|not (?:be )?(?:ruled out|excluded)|also)\b|可能|也许|或许|不能排除|不排除|无法排除|较弱|次要|其次"
)
SHOWN = re.compile(
    r"[\s,)]*(?:is|are|was|were)?\s*(?:both |also |clearly )*(?:shown|present|visible|active|seen|here)\b"
    r"|[\s,)]*(?:均|都|已)*(?:已出现|出现了|全部出现|出现)"
)
NOT_AFTER = re.compile(
    r"[\s,:)]*(?:(?:is|are|was|were|does|do|did|has|have)\s+(?:both |clearly )?not\b(?! (?:be )?(?:ruled|excluded))"
    r"|(?:is|are|was|were|does|do|did)n't\b|(?:is |are |was |were )?(?:missing|absent|excluded|ruled out|unsupported)\b"
    r"|not\b|\((?:no|none|not (?:shown|present|seen))\)"
    r"|没有|未(?!必)|不存在|缺失|并没有|并未|不成立|被排除|都没有|不支持)"
)
NOT_BEFORE = re.compile(
    r"(?:\b(?:no|not(?! only)|without|neither|nor|lack(?:s|ing)?|rather than|instead of|none of|excludes?|rules? out"
    r"|absence of)|n't)\s+(?:[a-z]+\s+){0,3}$"
    r"|(?:没有(?:出现|发现|检测到|看到|显示|认定)?|未(?:见|出现|发现|检测到|显示|认定)|并无|缺少|缺乏|不是|并非|而非|不支持"
    r"|不包括|不包含|不指向|不像|不属于|(?<!不能)(?<!无法)(?<!不)排除了?)[^,，。;、与和把\d]{0,6}$"
)
DEFINES = re.compile(
    r"(?:[\s,):]|say,)*(?:pulls|raises|lowers|lifts|draws|tightens|wrinkles|deepens|pinches|pushes|stretches|presses"
    r"|parts|lets|opens|rolls|widens|narrows|closes|moves a|(?:is|=|means|refers to|denotes) (?:the|an?|called)\b"
    r"|把|使|抬高|提起|收紧|皱起|加深|上眼睑|双眼|单眼|大幅|是指|指的?是|即|是)"
)
YES_NO = {"yes": "yes", "no": "no", "有": "yes", "是": "yes", "是的": "yes", "没有": "no", "否": "no", "不是": "no"}


@dataclass(frozen=True)
class Sentence:
    """A sentence within the whole plain text."""

    text: str  # the whole plain text
    start: int
    end: int
    supposed: bool  # no claim about action units, emotions or the type
    answered: str  # "yes" or "no" where the sentence before is nothing else
    question: bool = False

    def clause(self, place: int) -> tuple[int, int]:
        """The clause around a place."""
        return next(((a, b) for a, b in self.clauses if a <= place < b), (self.start, self.end))

    @cached_property
    def clauses(self) -> tuple[tuple[int, int], ...]:
        return tuple(spans(self.text, CLAUSE, self.start, self.end))

    def general(self, place: int) -> bool:
        """Whether the clause there speaks of things in general."""
        start, end = self.clause(place)
        return bool(GENERAL.search(self.text, start, end))
