"""Greetings and the like, what can be asked, and questions to suggest. Chinese."""

from __future__ import annotations

from mellm_demo import wording
from mellm_demo.reasoning.answers.zh.pieces import emotion_word
from mellm_demo.reasoning.facts import Facts
from mellm_demo.reasoning.intents import Query

CAN_ANSWER = (
    "您可以问这段视频：什么动了、在哪里、哪一侧；何时、多久、多强；有哪些动作单元；可能表达什么、为什么不是别的；"
    "有多可靠；"
    "眨眼、说话和头部运动；图的颜色；术语的含义；怎样拍得更好。"
)


def answer_help(facts: Facts, query: Query) -> str:
    return CAN_ANSWER


def answer_greeting(facts: Facts, query: Query) -> str:
    return f"您好。{CAN_ANSWER}"


def answer_thanks(facts: Facts, query: Query) -> str:
    return "不客气。随时可以看另一个时段，或换一段视频。"


def answer_empty(facts: Facts, query: Query) -> str:
    return f"没有看到问题。{CAN_ANSWER}"


def answer_foreign(facts: Facts, query: Query) -> str:
    return f"我可以用中文和英文回答（I can answer in English and Chinese）。{CAN_ANSWER}"


def answer_unknown(facts: Facts, query: Query) -> str:
    return f"这个问题我答不了：我只能说明这段视频里测量到的内容。{CAN_ANSWER}"


def suggestions(facts: Facts) -> tuple[str, ...]:
    """Three or four questions that make sense for this finding."""
    if not facts.found:
        first = "什么是噪声水平？" if facts.state == "doubtful" else "最大的动作在哪里？"
        return (first, "怎样拍得更好？", "有眨眼或说话吗？", "什么是微表情？")
    unit = facts.units[0] if facts.units else None
    questions = [f"AU{unit.au} 在哪一侧，有多强？" if unit else "哪里动得最明显？"]
    named = wording.readings(facts.emotions)
    others = [one.name for one in facts.emotions if one not in named]
    questions.append(f"为什么不是{emotion_word(others[0])}？" if others else "会不会是别的情绪？")
    questions.append("这个结果可靠吗？")
    if len(facts.analysis.spotting.candidates) > 1:
        questions.append("还有其他时段吗？")
    elif facts.slow:
        questions.append("这个帧率能看到什么？")
    else:
        questions.append("颜色代表什么？")
    return tuple(questions)
