"""How good the recording is, and how to make a better one. Chinese."""

from __future__ import annotations

from mellm_demo.reasoning.facts import FRAMES_TO_SEE, GOOD_FRAME_RATE, Facts
from mellm_demo.reasoning.intents import Query
from mellm_demo.wording import number

CHECK_NAMES = {
    "frame rate": "帧率",
    "regularity": "帧间隔",
    "face found": "人脸检出",
    "face size": "人脸大小",
    "pose": "姿态",
    "blur": "清晰度",
    "light": "光照",
    "framing": "取景",
    "faces": "人脸数",
    "file": "文件",
}
SEVERITY_NAMES = {"ok": "良好", "note": "可用", "warning": "需要留意", "unusable": "不可用"}


def answer_quality(facts: Facts, query: Query) -> str:
    clip, verdict = facts.analysis.clip, facts.analysis.verdict
    lines = [
        f"- {CHECK_NAMES.get(check.name, check.name)}：{SEVERITY_NAMES[check.severity]}" for check in verdict.checks
    ]
    size = f"{clip.width} × {clip.height} 像素"
    if facts.is_pair:
        head = f"两张图片，{size}。"
    else:
        head = (
            f"{number(clip.duration_ms / 1000.0)} 秒内 {clip.frame_count} 帧，每秒 {number(clip.frame_rate)} 帧，"
            f"{size}；"
            f"短于 {number(facts.shortest_ms, 0)} 毫秒（{FRAMES_TO_SEE} 帧）的动作无法看到。"
        )
    lost = verdict.frames_face_lost
    missing = f"\n\n{verdict.frames_total} 帧中有 {lost} 帧没有找到人脸。" if lost else ""
    return f"{head}\n\n" + "\n".join(lines) + missing


_ADVICE = {
    "size": "离镜头近一些，让面部至少占画面高度的三分之一",
    "blur": "对焦在面部，并缩短曝光时间",
    "light": "从正面均匀照亮面部，避免闪烁",
    "pose": "正对镜头，侧转会遮住一半的动作",
    "found": "让整张脸始终在画面内",
    "framing": "让整张脸始终在画面内",
    "regular": "用固定帧率录制，不要经过聊天软件或录屏",
}


def better_clip(facts: Facts) -> str:
    """What would make a better recording, by what this one lacks."""
    steps = []
    rate = facts.analysis.clip.frame_rate
    if not facts.is_pair and rate < GOOD_FRAME_RATE:
        steps.append(f"以每秒 {number(GOOD_FRAME_RATE, 0)} 帧或更高的帧率录制（本片段为 {number(rate, 0)}）")
    for name in facts.poor_checks():
        steps += [advice for word, advice in _ADVICE.items() if word in name.casefold()]
    if facts.spans("speech"):
        steps.append("让当事人聆听而不是说话")
    if facts.spans("head"):
        steps.append("保持头部不动，最好有依托")
    steps += ["固定相机，光线均匀", "从面部静止开始，到静止结束"]
    return f"想得到更好的视频：{'；'.join(dict.fromkeys(steps))}。"


def answer_better_clip(facts: Facts, query: Query) -> str:
    return better_clip(facts)
