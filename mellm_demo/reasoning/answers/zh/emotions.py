"""Answers about emotions: the reading, the class, one that is named, others, and why. Chinese."""

from __future__ import annotations

from mellm_demo import facs, wording
from mellm_demo.reasoning.answers.shared import coarse_shares, worth_ranking
from mellm_demo.reasoning.answers.zh.nothing import not_found, short
from mellm_demo.reasoning.answers.zh.pieces import claimed_codes, code, emotion_word, group_moved, group_px
from mellm_demo.reasoning.answers.zh.readings import MEASURED, pattern_words, reading_told, speaks_against, speaks_for
from mellm_demo.reasoning.answers.zh.units import basis_of, no_unit, one_unit
from mellm_demo.reasoning.facts import Facts
from mellm_demo.reasoning.intents import Query
from mellm_demo.wording import number


def _any_of(names: list[str]) -> str:
    return "或".join(emotion_word(name) for name in names)


def answer_emotion(facts: Facts, query: Query) -> str:
    if not facts.found:
        return f"从这段视频读不出情绪。{short(facts)}"
    return f"{reading_told(facts)}\n\n{MEASURED}"


def answer_coarse(facts: Facts, query: Query) -> str:
    shares = coarse_shares(facts)
    if not shares:
        return f"无法给出分类：没有认定的动作单元，就没有依据。{'' if facts.found else short(facts)}"
    (best, share), *others = shares
    rest = "，".join(f"{facs.COARSE_ZH[name]} {number(value, 2)}" for name, value in others)
    return (
        f"{facs.COARSE_ZH[best]}，份额为 {number(share, 2)}（{rest}）。这些份额表示各动作单元的支持如何分配，"
        "不是判断正确的概率。"
    )


def answer_named_emotion(facts: Facts, query: Query) -> str:
    return "\n\n".join(_one_emotion(facts, name) for name in query.emotions[:2])


def _one_emotion(facts: Facts, name: str) -> str:
    word = emotion_word(name)
    if not facts.found:
        return f"关于{word}，既没有支持的依据，也没有反对的依据。{short(facts)}"
    if not facts.units:
        return f"关于{word}没有依据：动作与任何动作单元都不吻合。"
    best = [one.name for one in wording.readings(facts.emotions)]
    listed = next((one for one in facts.emotions if one.name == name), None)
    if listed and name in best:
        rank = "两种依据最充分的解读之一" if len(best) == 2 else "依据最充分的解读"
        against = speaks_against(facts, listed, "不利的一点：")
        return f"{word}是{rank}，但只是初步的：{speaks_for(facts, listed)}。{against}{MEASURED}"
    instead = f"依据更充分的是{_any_of(best)}" if best else "这里没有依据充分的解读"
    if listed and listed in worth_ranking(facts):
        against = speaks_against(facts, listed, "不利的一点：")
        return f"不能排除{word}，但{instead}。支持{word}的一点：{speaks_for(facts, listed)}。{against}"
    return (
        f"运动并不指向{word}。{pattern_words(facts, name)}已出现的是 {claimed_codes(facts)}；{instead}。"
        "这不涉及没有表露出来的感受。"
    )


def answer_alternatives(facts: Facts, query: Query) -> str:
    if not facts.found:
        return f"没有首选的解读，因此也没有排除任何解读。{short(facts)}"
    if not facts.emotions:
        return reading_told(facts)
    best = [one.name for one in wording.readings(facts.emotions)]
    others = [one for one in facts.emotions if one.name not in best][:3]
    lead = f"也有可能是别的。{_any_of(best)}只是依据最充分的解读。" if best else "没有哪种解读特别突出。"
    lines = "\n".join(
        f"- {emotion_word(one.name)}：{speaks_against(facts, one, '') or pattern_words(facts, one.name)}"
        for one in others
    )
    body = f"\n\n其次的解读，以及不利于它们的理由：\n\n{lines}" if others else "其他解读在运动中没有依据。"
    return f"{lead}{body}\n\n{MEASURED}"


def answer_why(facts: Facts, query: Query) -> str:
    if query.units:
        return "\n\n".join(
            f"{code(au)}。{basis_of(facts, unit)}" if (unit := facts.unit(au)) else one_unit(facts, au)
            for au in query.units[:3]
        )
    if not facts.found:
        return not_found(facts)
    if not facts.units:
        return no_unit()
    first = facts.groups[0]
    does = f"这正是 AU{facts.units[0].au} 的作用"
    return f"从运动到词语：{group_moved(first)}（{group_px(first)}），{does}。{reading_told(facts)}"
