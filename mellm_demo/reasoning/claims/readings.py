"""Emotions, coarse classes and the type (micro or macro) that a text claims."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mellm_demo.reasoning.claims.kinds import Claim, Stance, half_digit
from mellm_demo.reasoning.claims.sentences import GENERAL, HEDGE, NOT_AFTER, NOT_BEFORE, Sentence

_EMOTIONS: tuple[tuple[str, str], ...] = (
    ("happiness", r"\bhapp(?:y|iness)\b|\bjoy(?:ful)?\b|\bamus(?:ed|ement)\b|\bdelight\w*|高兴|快乐|开心|愉快|喜悦"),
    ("sadness", r"\bsad(?:ness)?\b|\bsorrow\w*|\bgrief\b|悲伤|难过|伤心|悲哀"),
    ("surprise", r"\bsurprise[d]?\b|\bsurprising\b|\bastonish\w*|惊讶|吃惊|惊奇"),
    ("fear", r"\bfear(?:ful)?\b|\bafraid\b|\bscared\b|\banxiety\b|\banxious\b|恐惧|害怕|惊恐"),
    ("anger", r"\banger\b|\bangry\b|\birritat\w+|\bannoy\w+|愤怒|生气|恼怒"),
    ("disgust", r"\bdisgust(?:ed)?\b|厌恶|恶心|反感"),
    ("contempt", r"\bcontempt(?:uous)?\b|\bscorn\b|\bdisdain\b|轻蔑|蔑视|不屑|鄙视"),
    ("repression", r"\brepress(?:ion|ed)\b|\bsuppress(?:ion|ed) (?:emotion|feeling)|压抑"),
)
_CLASS_CONTEXT = re.compile(r"\bclass(?:es)?\b|\bshares?\b|\bvalence\b|份额|分类|类别")
_CLASSES: tuple[tuple[str, str], ...] = (
    ("negative", r"\bnegative\b|消极|负面"),
    ("positive", r"\bpositive\b|积极|正面"),
    ("surprise", r"\bsurprise\b|惊讶"),
)
_OF_A_CLASS = re.compile(
    r"(?P<en>negative|positive) (?:micro-?)?(?:expression|emotion|feeling|affect)"
    r"|(?P<zh>消极|负面|积极|正面)的?(?:微?表情|情绪)"
)
_ABOUT = re.compile(r"(?:\bfor|关于|支持)\s*$")


# One word had to be given, as MEGC's questions want it: the closest is told, whether it is a reading or not.
_FORCED = re.compile(r"\b(?:fine[- ]grained (?:expression )?class|closest word) (?:is|would be)\W*$")


def emotion_claims(sentence: Sentence) -> Iterator[Claim]:
    """Emotions that are said to be expressed, not to be, or possibly."""
    text, start = sentence.text, sentence.start
    classes = bool(_CLASS_CONTEXT.search(text, start, sentence.end))
    for name, pattern in _EMOTIONS:
        for found in re.compile(pattern).finditer(text, start, sentence.end):
            first, last = sentence.clause(found.start())
            before, after = text[first : found.start()], text[found.end() : last]
            if sentence.supposed or (classes and name == "surprise") or GENERAL.search(text, first, last):
                continue
            if re.search(r"nothing to go by|没有(?:支持的)?依据", text[start : sentence.end]):
                continue
            stance: Stance = "yes"
            listed = not text[text.rfind("\n", 0, start) + 1 : found.start()].strip(" -•") and after[:1] in (":", "")
            if re.search(r"(?:不能|无法|不)排除\s*$", before) or re.match(
                r"\s*(?:is|was)? ?not (?:be )?(?:ruled out)", after
            ):
                stance = "weak"
            elif (
                NOT_BEFORE.search(before) or NOT_AFTER.match(after) or re.search(r"(?:rather|instead) than\s*$", before)
            ):
                stance = "no"
            elif listed or _FORCED.search(before) or _ABOUT.search(before) or HEDGE.search(text, start, last):
                stance = "weak"
            yield Claim(found.start(), found.end(), "emotion", stance, word=name)


def class_claims(sentence: Sentence) -> Iterator[Claim]:
    """Coarse classes with their shares, and the largest of them."""
    text, start, end = sentence.text, sentence.start, sentence.end
    if sentence.supposed:
        return
    for found in _OF_A_CLASS.finditer(text, start, end):
        first, last = sentence.clause(found.start())
        if not GENERAL.search(text, first, last):
            word = found["en"] or {"消": "negative", "负": "negative"}.get(found.group()[0], "positive")
            stance: Stance = "no" if NOT_BEFORE.search(text, first, found.start()) else "yes"
            yield Claim(found.start(), found.end(), "class", stance, word=word)
    if not _CLASS_CONTEXT.search(text, start, end):
        return
    mentions = sorted(
        (one.start(), one.end(), name)
        for name, pattern in _CLASSES
        for one in re.compile(pattern).finditer(text, start, end)
    )
    for place, (first, last, name) in enumerate(mentions):
        stop = mentions[place + 1][0] if place + 1 < len(mentions) else end
        after = text[last:stop]
        share = re.search(r"(?<![\d.])([01]\.\d+)", after)
        if share:
            digits = len(share[1].partition(".")[2])
            yield Claim(first, last + share.end(), "fit", value=float(share[1]), slack=half_digit(digits), word=name)
        best = re.match(r"\s*(?:has|takes) the largest|\s*所占份额最大|\s*,\s*(?:with )?(?:a )?(?:share|份额)", after)
        named = re.search(r"(?:class|分类|类别)(?: is|:|为|是)\s*$", text[start:first])
        if best or named:
            yield Claim(first, last, "class", word=name)


_TYPE = re.compile(
    r"\b(?:it|this|that|which|movement|motion|expression|event)\s+(?:is|was|counts as|qualifies as|makes it)\s+"
    r"(?:indeed |clearly )?(?P<not>not )?(?:an? )?(?:\w+ )?(?P<en>micro|macro)-? ?expression"
    r"|^\s*an? (?P<by>micro|macro)-? ?expression, by|(?P<nozh>不|并非)?(?:属于|是|为)(?:一次|一个)?(?P<zh>微|宏)表情"
    r"|\b(?P<none>no) (?:reliable )?(?P<en2>micro|macro)-? ?expression|没有(?:发现)?(?:可靠的)?(?P<none_zh>微|宏)表情"
    r"|\ban? (?:reliable |brief )?(?P<en3>micro|macro)-? ?expression (?:was|is) (?:found|detected|present)"
)


def type_claims(sentence: Sentence) -> Iterator[Claim]:
    """Micro or macro."""
    if sentence.supposed:
        return
    for found in _TYPE.finditer(sentence.text, sentence.start, sentence.end):
        if sentence.general(found.start()):
            continue
        named = found.groupdict()
        word = next(named[key] for key in ("en", "by", "zh", "en2", "none_zh", "en3") if named[key])
        denied = any(named[key] for key in ("not", "nozh", "none", "none_zh"))
        kind = "macro" if word in ("macro", "宏") else "micro"
        yield Claim(found.start(), found.end(), "type", "no" if denied else "yes", word=kind)
