"""Words whose meaning is asked for."""

from __future__ import annotations

import re

from mellm_demo.reasoning.intents.kinds import distinct

# A question about the meaning of a word, and the words that are explained.
_DEFINES_EN = (
    r"(?:\bwhat(?:'s| is| are| exactly is| does| do)\b|\bdefin(?:e|ition of)|\bexplain|\bmeaning of|\bmeant by|"
    r"\btell me about|\bdifference between|\bwhat about)\s+(?:(?:the )?(?:term|word|meaning of|"
    r"definition of)\s+)?(?:an? |the |this )?[\"'“‘]?(?:[\w-]+ and (?:an? |the )?)?"
)
_MEANS_EN = r"[\"'”’]?\s+(?:\w+ )?(?:mean|means|stand for|stands for)\b"
TERMS: dict[str, tuple[str, str]] = {  # key: (English pattern, Chinese pattern)
    "micro-expression": (r"micro[- ]?(?:facial )?expressions?|micro(?= and| mean)|me\b", r"微表情"),
    "macro-expression": (r"macro[- ]?(?:facial )?expressions?|macro(?= and| mean)", r"宏表情"),
    "onset": (r"onset(?: frame)?", r"起始帧?|onset"),
    "apex": (r"apex(?: frame)?|peak frame", r"顶点帧?|峰值帧?|apex"),
    "offset": (r"offset(?: frame)?", r"终止帧?|结束帧|offset"),
    "action unit": (r"(?:action units?|aus?)(?!\s*\d)", r"动作单元|运动单元|au(?!\s*\d)"),
    "facs": (r"facs|facial action coding(?: system)?", r"facs|面部(?:动作|行为)编码(?:系统)?"),
    "optical flow": (r"optical flow|flow", r"光流"),
    "noise floor": (r"noise(?: floor| level)?", r"噪声(?:水平|底)?|噪音"),
    "interocular distance": (r"inter-?ocular(?: distance)?|iod|pupil distance", r"瞳距|瞳孔间距|眼间距|iod"),
    "coarse class": (r"coarse(?:[- ]grained)? (?:\w+ )?class(?:es)?", r"粗(?:粒度|分)?类别?"),
    "fit": (r"fit(?: (?:of )?[\d.]+)?|0?\.\d+|fit value|fits?(?= mean)|probability", r"吻合度|符合度|概率"),
}
_DEFINITE_VALUE = frozenset({"coarse class", "action unit"})  # “what is THE coarse class” asks for this clip's
_DEFINES_ZH = (
    r"(?:什么(?:是|叫|叫做)|何谓|何为|解释(?:一下)?|请?说明|(?:的)?定义[:：]?)\s*[“\"「]?",
    r"[”\"」]?(?:这个词|一词)?(?:又)?(?:是(?:什么|啥)(?:意思|东西|概念)?|指(?:的是)?什么|什么意思|(?:的)?(?:定义|"
    r"含义|意思))",
)


def terms_in(clause: str) -> tuple[str, ...]:
    """Words whose meaning is asked for; not those whose value in this clip is."""
    found: list[str] = []
    before_zh, after_zh = _DEFINES_ZH
    for key, (english, chinese) in TERMS.items():
        asked = re.search(
            rf"{_DEFINES_EN}(?:{english})[\"'”’]?(?:\s+(?:mean|anyway|exactly|in facs))?\s*$", clause
        ) or (re.search(rf"\b(?:{english}){_MEANS_EN}", clause))
        if asked and key in _DEFINITE_VALUE and re.search(rf"\bthe (?:{english})", clause):
            continue
        if asked and re.match(r"what about\b", clause):
            asked = None
        paired = re.search(rf"difference between.*\b(?:{english})", clause)
        asked_zh = re.search(rf"(?:{before_zh})(?:{chinese})|(?:{chinese}){after_zh}", clause)
        asked_zh = asked_zh or re.search(rf"(?:{chinese})[^，。？]{{0,12}}(?:区别|差别|不同)", clause)
        if asked or paired or asked_zh:
            found.append(key)
    if found and re.search(r"\band\b|[和与]", clause):  # “what are onset and apex”: both
        found += [key for key, (english, _) in TERMS.items() if re.search(rf"\b(?:{english})\b", clause)]
    return distinct(tuple(found))
