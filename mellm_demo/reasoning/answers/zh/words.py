"""What terms, colours and pictures mean, how all is measured, and who speaks. Chinese."""

from __future__ import annotations

from mellm_demo import facs
from mellm_demo.reasoning.facts import Facts
from mellm_demo.reasoning.intents import Query
from mellm_demo.wording import number, seconds

TERM_TEXTS: dict[str, str] = {
    "micro-expression": (
        "微表情是半秒之内结束的面部动作，往往很弱，只涉及面部的一部分。严格定义为 1/25 至 1/5 秒；本程序采用 500 "
        "毫秒的宽松界限。"
    ),
    "macro-expression": "宏表情就是普通的面部表情：超过半秒，通常一眼可见。",
    "onset": "起始帧（onset）是动作开始之前的最后一帧。",
    "apex": "顶点帧（apex）是面部偏离起始状态最远的一帧。它不是动得最快的时刻，最快的时刻在它之前。",
    "offset": "终止帧（offset）是面部恢复静止的那一帧。",
    "action unit": (
        "动作单元（AU）是能够与其他动作区分开的最小可见面部动作，带有编号，并对应一块或几块肌肉。例如 AU12 "
        "把嘴角向上、向外拉。"
    ),
    "facs": (
        "FACS 即面部动作编码系统，按“哪里在动”来描述面部：每个可见动作都是一个带编号的动作单元，有左右和强弱。"
        "它不命名情绪，情绪是之后的解读。"
    ),
    "optical flow": (
        "光流是从一幅图像到另一幅图像每个像素的位移。这里从起始帧算到顶点帧（TV-L1 方法），说明每块皮肤移动了多远、"
        "朝哪个方向。"
    ),
    "noise floor": (
        "噪声水平是面部静止时各区域看起来仍有的移动：来自传感器噪声、压缩以及残余的头部运动。低于它的动作不作认定。"
    ),
    "interocular distance": "瞳距是两个瞳孔之间的距离。位移以瞳距的百分比给出，远近不同的脸才可以比较。",
    "coarse class": "粗分类是消极、积极、惊讶三类，来自 MEGC 竞赛。各语料库在粗分类上比在具体情绪上更一致。",
    "fit": "吻合度从 0 到 1，表示测得的运动与某个动作单元的接近程度，并不是判断正确的概率。",
}


def answer_term(facts: Facts, query: Query) -> str:
    told = []
    for term in query.terms[:3]:
        text = TERM_TEXTS[term]
        interval = facts.interval
        if term in ("onset", "apex", "offset") and facts.found and interval is not None and not facts.is_pair:
            text += f"此处为 {seconds(getattr(interval, f'{term}_ms'))} 秒。"
        if term == "noise floor":
            text += f"此处为 {number(facts.floor_px)} 像素。"
        told.append(text)
    return "\n\n".join(told)


COLOURS = {
    "right": "红",
    "down-right": "橙黄",
    "down": "黄绿",
    "down-left": "绿",
    "left": "青",
    "up-left": "蓝",
    "up": "紫",
    "up-right": "品红或粉",
}


def answer_picture(facts: Facts, query: Query) -> str:
    note = "方向以画面为准，画面右边是当事人的左侧。"
    if query.colours:
        named = "；".join(f"{COLOURS[name]}色表示在画面中{facs.DIRECTION_ZH[name]}运动" for name in query.colours)
        return f"{named}。{note}"
    listed = "，".join(f"{facs.DIRECTION_ZH[name]}为{colour}" for name, colour in COLOURS.items())
    return (
        f"运动图以起始帧的面部为底，叠加到顶点为止的运动。色相表示方向，亮度表示移动的远近：{listed}。{note}\n\n"
        "亮度相对于图中最强的运动，因此静止的面部也会发亮。运动是否算数，以像素衡量，"
        f"与噪声（{number(facts.floor_px)} 像素）比较而定。"
    )


def answer_magnified(facts: Facts, query: Query) -> str:
    return (
        "闪烁视图在录制的起始帧与顶点帧之间切换。放大循环把起始帧沿测得的运动乘以系数 α 变形，并淡去低于噪声的部分。"
        "它只是为了让微小的动作可见，并非真实画面：请以旁边真实的顶点帧为准。"
    )


def answer_method(facts: Facts, query: Query) -> str:
    return (
        "1. 按顺序读取每一帧及其真实时间；用 MediaPipe 人脸关键点把面部对齐到稳定的 256 × 256 像素图中。\n"
        "2. 在整段视频中跟踪各面部区域。头部运动由不受表情影响的部位拟合并去除；不计眼睑，并标出眨眼和说话。\n"
        "3. 某个区域偏离静止状态超过本片段自身的噪声时，确定起始、顶点和终止。\n"
        "4. 从起始帧到顶点帧的稠密光流（TV-L1）给出每个区域的距离和方向。\n"
        "5. 依据 FACS 的规则，与各动作单元应有的运动比较；情绪由动作单元初步推断。\n\n"
        "这些文字由以上数值组成。"
    )


def answer_model(facts: Facts, query: Query) -> str:
    return (
        "这里说话的不是语言模型。我是解说程序：回答由规则根据这段视频的测量结果组成。因此我看不到图像，也不能自由交谈，"
        "只能引用测量到的内容。"
    )
