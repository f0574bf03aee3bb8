"""What cannot be told from a face, what the app is not for, and what becomes of a clip. Chinese."""

from __future__ import annotations

from mellm_demo.reasoning.answers.zh.nothing import short
from mellm_demo.reasoning.answers.zh.pieces import scale_word
from mellm_demo.reasoning.facts import Facts
from mellm_demo.reasoning.intents import Query
from mellm_demo.wording import number


def answer_lie(facts: Facts, query: Query) -> str:
    return (
        "这无法判断。没有哪种面部动作能表明一个人在说谎或隐瞒；微表情不能证明欺骗，受过这类训练的人判断也不比碰运气好"
        "（Burgoon 2018；Jordan 等 2019）。视频只显示什么在何时动了，与真假无关。"
    )


def answer_genuine(facts: Facts, query: Query) -> str:
    text = "动作是出于感受还是做出来的，从动作本身无法判断。"
    if not facts.found:
        return text + short(facts)
    cheek = facts.unit(6)
    if facts.unit(12) is None:
        return f"{text}何况这里没有出现微笑（AU12）。"
    together = (
        f"这里 AU6（脸颊上提）与 AU12 同时出现（{scale_word(cheek)} {number(cheek.probability, 2)}）"
        if cheek
        else "这里 AU6（脸颊上提）没有与 AU12 同时出现"
    )
    return f"{text}{together}；但人可以有意抬起脸颊，所以这不能说明问题。"


def answer_health(facts: Facts, query: Query) -> str:
    return "这无法判断。一段视频中的面部运动不能说明疾病、疼痛或精神状态，本程序也不是医疗器械。健康问题请咨询医生。"


def answer_identity(facts: Facts, query: Query) -> str:
    return "我不知道这是谁，也不会去查：本程序只测量运动，不识别任何人，也不保存人脸。"


def answer_traits(facts: Facts, query: Query) -> str:
    return (
        "这些都没有测量，也无法从运动得知：年龄、性别、出身、信仰不行，性格和能力也不行。本程序只说明什么动了、何时动、"
        "动了多少。"
    )


def answer_thoughts(facts: Facts, query: Query) -> str:
    return "面部运动读不出想法、意图或话语。能说明的是面部哪里动了、何时动，以及这样的动作常见于哪些表情。"


def answer_use(facts: Facts, query: Query) -> str:
    return (
        "这是用于研究和教学的演示，请不要据此评判他人。在欧盟，除医疗和安全用途外，禁止在工作场所和学校推断情绪"
        "（《人工智能法》第 5 条第 1 款 f 项），并且必须告知当事人（第 50 条第 3 款）。请只使用经当事人同意的视频。"
        "这不是法律意见。"
    )


def answer_privacy(facts: Facts, query: Query) -> str:
    return (
        "视频只在运行本程序的机器上分析，不会发送给其他人。会话结束后工作文件即被删除；不识别任何人，"
        "除您自己下载的内容外"
        "不作保留。人脸属于生物识别数据：请使用经当事人同意的视频。"
    )


def answer_faces(facts: Facts, query: Query) -> str:
    faces, face = facts.analysis.faces, facts.analysis.face
    if len(faces) <= 1:
        return "这段视频跟踪了一张脸，所有数值都是关于它的。"
    return f"这段视频跟踪了 {len(faces)} 张脸，数值是关于第 {face.track_id} 张的；点选带编号的缩略图即可换成另一张。"
