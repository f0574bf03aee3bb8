"""What claimed action units may express: readings for and against, classes, patterns. Chinese."""

from __future__ import annotations

import re

from mellm_demo import facs, wording
from mellm_demo.reasoning.answers.shared import coarse_shares
from mellm_demo.reasoning.answers.zh.pieces import claimed_codes, codes, emotion_word
from mellm_demo.reasoning.facts import Facts, support
from mellm_demo.records import EmotionHypothesis
from mellm_demo.wording import number

MEASURED = "运动是测量出来的，情绪是推断出来的：同样的动作可能伴随不同的感受，也可能不伴随任何感受。"


def reading_told(facts: Facts) -> str:
    """Step three: the best reading or two, what speaks for and against, and the coarse class."""
    if not facts.units:
        return "没有动作单元，就没有推断情绪的依据。"
    named = wording.readings(facts.emotions)
    if not named:
        text = f"仅凭 {claimed_codes(facts)} 不能指向某种情绪。"
    elif len(named) == 2:
        one, two = named
        text = (
            f"{claimed_codes(facts)} 可能属于**{emotion_word(one.name)}**（{speaks_for(facts, one)}），"
            f"也可能属于**{emotion_word(two.name)}**（{speaks_for(facts, two)}）。仅凭运动无法区分。"
        )
    else:
        best = named[0]
        text = f"初步看来是**{emotion_word(best.name)}**：{speaks_for(facts, best)}。"
        text += speaks_against(facts, best, "不利的一点：")
        if len(facts.emotions) > 1:
            second = facts.emotions[1]
            text += f"依据较弱的是{emotion_word(second.name)}。{speaks_against(facts, second, '不利的一点：')}"
    return f"{text}{_coarse_sentence(facts)}"


def speaks_for(facts: Facts, reading: EmotionHypothesis) -> str:
    """What speaks for a reading, from the tables of facs. No full stop."""
    if reading.name not in facs.EMOTION_BY_NAME:
        return "已出现的动作单元与之相关"
    held = support(facts, reading.name)
    told = []
    if held.one_sided and held.shown:
        told.append(f"以单侧出现的 {codes(held.shown)} 为依据")
    elif held.shown and not held.missing and facs.EMOTION_BY_NAME[reading.name].prototype:
        told.append(f"它的典型组合 {codes(held.pattern)} 全部出现")
    elif held.shown and held.missing:
        told.append(f"它的典型组合 {'+'.join(f'AU{au}' for au in held.pattern)} 中，{codes(held.shown)} 已出现")
    ruled = [rule for rule in held.rules if len(rule) == max(len(one) for one in held.rules)]
    if ruled:
        rule = " 或 ".join(" 加 ".join(f"AU{au}" for au in rule) for rule in ruled)
        told.append(f"CASME II 的编码规则把 {rule} 归为{emotion_word(reading.name)}")
    if held.counts and not ruled:
        au, count, clips = max(held.counts, key=lambda item: item[1])
        told.append(f"CASME II 的 {clips} 个{emotion_word(reading.name)}片段中有 {count} 个出现 AU{au}")
    return "；".join(told) or "已出现的动作单元与之相关"


# What the recognition gives as reasons against a reading, in English clauses, and the same in Chinese.
AGAINST: tuple[tuple[str, str], ...] = (
    (r"rather seen with negative", "{0} 更常见于消极情绪"),
    (r"rather seen with happiness", "{0} 更常见于高兴"),
    (r"rather seen with surprise", "{0} 更常见于惊讶"),
    (r"one-sided lip corners", "单侧嘴角的动作在普通的或摆出来的微笑中也会出现"),
    (r"disagree", "AU4 加 AU7 在 CASME II 中算厌恶，在 SAMM 中算愤怒，语料库并不一致"),
    (r"not one-sided", "动作并非单侧"),
)


def speaks_against(facts: Facts, reading: EmotionHypothesis, lead: str) -> str:
    """What speaks against a reading, as a sentence; empty where nothing does."""
    told = []
    if reading.name in facs.EMOTION_BY_NAME and (missing := support(facts, reading.name).missing):
        told.append(f"典型组合中的 {codes(missing)} 没有出现")
    for reason in reading.reasons_against:
        unit = re.search(r"AU ?(\d+)", reason)
        for pattern, chinese in AGAINST:
            if re.search(pattern, reason):
                told.append(chinese.format(f"AU{unit.group(1)}" if unit else ""))
                break
    return f"{lead}{'；'.join(dict.fromkeys(told))}。" if told else ""


def pattern_words(facts: Facts, name: str) -> str:
    """What an emotion is tied to, and how much of that is shown, as a sentence."""
    held, word = support(facts, name), emotion_word(name)
    if held.one_sided:
        if held.shown:
            return f"单侧出现的 {codes(held.shown)} 是{word}的依据。"
        return f"{word}以单侧的 AU12 或 AU14 为依据，而两者都没有单侧出现。"
    text = f"{word}通常与 {codes(held.pattern)} 相关"
    if not held.shown:
        return f"{text}，而这些都没有出现。"
    missing = tuple(au for au in held.pattern if au not in held.shown)
    return f"{text}，其中 {codes(held.shown)} 已出现" + (f"，{codes(missing)} 没有出现。" if missing else "。")


def _coarse_sentence(facts: Facts) -> str:
    shares = coarse_shares(facts)
    if not shares:
        return ""
    (best, share), *others = shares
    rest = "，".join(f"{facs.COARSE_ZH[name]} {number(value, 2)}" for name, value in others)
    return f"在三个粗分类中，{facs.COARSE_ZH[best]}所占份额最大（{number(share, 2)}；{rest}）。"
