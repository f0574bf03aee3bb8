"""Sentences that speak of the face in a clip, but in words that yield no claim: nothing can be held against them.

What is explained, defined, asked, supposed, refused or advised in general is none of them, however much it speaks of
faces.
"""

from __future__ import annotations

import re

from mellm_demo.reasoning.claims.sentences import GENERAL, Sentence

_PART = re.compile(
    r"\b(?:eye|eyelid|lid|eyebrow|brow|forehead|cheek|nose|nostril|mouth|lip|corner|chin|jaw|head|tongue|teeth|tooth"
    r"|ear|neck|face|smile|frown|action unit)s?\b|\bskin\b|\bside\b|\bmuscles?\b(?!:)|(?<![a-z])au ?\d"
    r"|眼|眉|额|颊|鼻|嘴|唇|口角|下巴|下颌|头部|舌|牙|耳|肌|皮肤|脸|动作单元"
)
_MOTION = re.compile(
    r"\b(?:mov(?:ed|es|ing)|shift(?:s|ed)|went|goes|rose|rises|lift(?:s|ed)|raise[sd]|pull(?:s|ed)|drawn|drew|fell|falls"
    r"|drop(?:s|ped)|lower(?:s|ed)|turn(?:s|ed)|open(?:s|ed)|close[sd]|widen(?:s|ed)|narrow(?:s|ed)|tighten(?:s|ed)"
    r"|stretch(?:es|ed)|press(?:es|ed)|push(?:es|ed)|wrinkle[sd]|twitch(?:es|ed)|curl(?:s|ed)|tilt(?:s|ed)"
    r"|rotate[sd]|bent|contract(?:s|ed)|relax(?:es|ed)|tense[sd]?|active|visible)\b"
    r"|移|动了|抬|扬|提起|提升|下压|下拉|下垂|张开|闭合|闭上|睁|皱|收紧|拉|转|抽动|绷紧|放松"
)
_FEELING = re.compile(
    r"\b(?:the (?:person|subject|man|woman|face|expression)|he|she|they|it)\b[^.]{0,40}\b(?:is|are|was|were|feels?|felt"
    r"|looks?|looked|seems?|seemed|shows?|showed|expresses|expressed|conveys|reflects|indicates)\b[^.]{0,24}"
    r"\b(?:nervous|confus\w+|embarrass\w+|asham\w+|guilt\w*|proud|pride|relie[fv]\w*|bored|boredom|pain|calm|tense|stress\w*"
    r"|love|hate|jealous\w*|excit\w+|frustrat\w+|interest\w*|curio\w+|shy|tired|lying|honest|worried|hopeful|envy)\b"
    r"|(?:他|她|此人|被试|表情|这)[^。]{0,16}(?:紧张|困惑|尴尬|羞愧|内疚|骄傲|自豪|放松|无聊|痛苦|平静|压力|兴奋|沮丧|好奇|疲倦|撒谎|担心)"
)
_FIGURE = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?![\w.]*\d)|\d+ ?(?:px|%|ms|s)\b|\d\s*(?:像素|毫秒|秒|倍)")
_NO_ASSERTION = re.compile(
    r"\b(?:can|cannot|could|should|would|must|might|may|need(?:s|ed)?|never|always|every|people|persons?'|faces|somebody"
    r"|someone|anybody|anyone|you|your|whoever|when a|when the)\b|n't\b"
    r"|能|应|需|会|须|要|每|人们|人的|大家|请|建议|任何|您|你"
)
_EXPLAINS = re.compile(  # words, methods and the page itself
    r"^\W*(?:(?:an |the )?au ?\d+|action unit \d+)[^.。:]{0,40}?[:\s)]\s*(?:pulls|raises|lowers|lifts|draws|tightens"
    r"|wrinkles|deepens|pinches|pushes|stretches|presses|parts|lets|opens|rolls|widens|narrows|closes)\b"
    r"|^\W*au ?\d+[^.。:]{0,24}:\s*(?:把|使|抬高|提起|收紧|皱起|加深|上眼睑|双眼|单眼|大幅)"
    r"|^\W*an? (?:\w+ ){0,2}(?:smile|frown|blink|wink|face|(?:micro-?|macro-?)?expression)s?\b"
    r"|\bis what\b|\bsays how\b|\bfrom 0 to 1\b|\bmarked\b|\btaken out\b|\bthumbnail|\bcamera\b|\bfaces? 1\b|\bframes/s"
    r"|从 0 到 1|标记|像素指|缩略图|帧/秒"
)
_ADVICE = re.compile(
    r"^[\s*\-•>]*(?:please\s+)?(?:choose|try|ask|use|film|record|look|keep|compare|take|bring|set|open|move|avoid|make|see"
    r"|note|remember|place|turn|check|read|upload|give|let)\b"
)


def unclear(sentence: Sentence) -> bool:
    """Whether a sentence without claims speaks of this face, its motion, its feelings or their numbers all the same."""
    said = sentence.text[sentence.start : sentence.end]
    if (
        sentence.supposed
        or GENERAL.search(said)
        or _NO_ASSERTION.search(said)
        or _ADVICE.match(said)
        or _EXPLAINS.search(said)
    ):
        return False
    of_the_face = _PART.search(said) and (_MOTION.search(said) or _FIGURE.search(said))
    return bool(of_the_face or _FEELING.search(said))
