"""Statements of an answer against the measurements: right ones pass, wrong ones are marked, in both languages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support_analysis import make_analysis
from test_narrator import CASES, QUESTIONS, RELIABLE, UNRELIABLE, case

from mellm_demo import facs
from mellm_demo.headline import clause
from mellm_demo.reasoning.facts import Facts
from mellm_demo.reasoning.grounding import Grounding, check
from mellm_demo.reasoning.intents import Intent, understand
from mellm_demo.reasoning.narrator import VOICES, compose
from mellm_demo.records import Analysis
from mellm_demo.training.instruct.explain import explanation
from mellm_demo.training.instruct.samples import QUESTIONS as QUESTIONS_TAUGHT
from mellm_demo.training.instruct.wordings import Speaker
from mellm_demo.wording import duration

I = Intent  # noqa: E741 - the tables below read better
# Questions whose answers speak of the finding, and not of words, methods or the world.
ABOUT_THE_FINDING = {I.EXPLAIN, I.UNITS, I.SIDE, I.WHEN, I.DURATION, I.KIND, I.STRENGTH, I.WHERE, I.EMOTION, I.COARSE}
LEAST_FLAGGED = (
    0.9  # of corrupted texts; what is missed is spoken of in general, or is told with no context to hold on to
)


@cache
def answers(name: str, language: str) -> tuple[tuple[Intent, str], ...]:
    """All that the narrator says about an analysis, to every question of its own tests."""
    facts, told = Facts(case(name)), [(I.EXPLAIN, compose(case(name), (), language))]
    for question, _ in QUESTIONS:
        query = replace(understand(question), language=language)
        told += [(intent, VOICES[language].answers[intent](facts, query)) for intent in query.intents]
    return tuple(dict.fromkeys(told))


@cache
def taught(name: str) -> tuple[str, ...]:
    """What models are taught to say about an analysis, in some of its wordings."""
    facts, told = Facts(case(name)), []
    for seed in range(2):
        say = Speaker(np.random.default_rng(seed))
        told += [made[1] for ask in QUESTIONS_TAUGHT.values() if (made := ask(facts, say))]
        told.append(explanation(facts, say))
    return tuple(dict.fromkeys(told))


def unclear(text: str, grounding: Grounding) -> list[str]:
    """Sentences that could not be checked."""
    return [text[start:end] for start, end in grounding.unchecked]


def marked(text: str, grounding: Grounding) -> list[str]:
    """Unsupported statements, readable in a failure."""
    return [f"{one.kind} «{text[one.start : one.end]}» {one.claim}: {one.why}" for one in grounding.unsupported]


# --------------------------------------------------------------------------------------------- right answers


@pytest.mark.parametrize("language", VOICES)
@pytest.mark.parametrize("name", CASES)
def test_the_narrator_is_supported_in_all_it_says(name, language):
    found = 0
    for _, text in answers(name, language):
        grounding = check(text, case(name))
        assert marked(text, grounding) == [], text
        found += len(grounding.statements)
    assert found > 20
    assert marked(case(name).headline, check(case(name).headline, case(name))) == []


@pytest.mark.parametrize("language", VOICES)
@pytest.mark.parametrize("name", RELIABLE)
def test_much_of_an_explanation_is_checked(name, language):
    grounding = check(compose(case(name), (), language), case(name))
    kinds = {one.kind for one in grounding.statements}
    assert {"action unit", "direction", "magnitude", "emotion", "share"} <= kinds
    assert len(grounding.statements) >= 12


def own_sentences(analysis: Analysis) -> Iterator[str]:
    """What the app says of an analysis outside the chat."""
    yield from (analysis.headline, *analysis.reasons, *analysis.spotting.reasons, analysis.verdict.headline)
    yield from (one.sentence for one in analysis.verdict.checks)
    evidence = analysis.evidence
    if evidence is not None:
        yield from evidence.notes
        for reading in evidence.emotions:
            yield from (*reading.reasons_for, *reading.reasons_against)


@pytest.mark.parametrize("name", CASES)
def test_nothing_is_unclear_in_what_the_app_says_and_teaches(name):
    spoken = [text for language in VOICES for _, text in answers(name, language)]
    told = [*spoken, *taught(name), *own_sentences(case(name))]
    assert len(told) > 60
    for text in told:
        assert unclear(text, check(text, case(name))) == [], text


NONSENSE = (
    "The subject moved the left eye to the top.",
    "The head turned 15 times.",
    "The tongue was visible.",
    "The person is nervous.",
    "The left side moved to the top of the right.",
    "Her nose is at level 7.",
    "The intensity of the smile is 7 out of 10.",
    "The left eyebrow, 15, moved top.",
    "She looks embarrassed.",
    "被试把左眼移到了顶部。",
    "此人很紧张。",
    "她的舌头动了三次。",
    "笑脸的强度是 7 级。",
)
IN_GENERAL = (
    "Hello. What would you like to know?",
    "I cannot tell what somebody feels from how a face moved.",
    "AU4 lowers the brows.",
    "A smile raises the cheeks.",
    "Choose a clip in which the eyes are open.",
    "Did the left eye move?",
    "If the head turned, nothing could be said.",
    "A micro-expression lasts up to half a second.",
    "People often raise their brows while they speak.",
    "微表情是短暂的面部动作。",
    "请选择眼睛睁开的视频。",
    "左眼动了吗？",
)


@pytest.mark.parametrize("text", NONSENSE)
def test_nonsense_about_the_face_is_counted_as_not_checked(text):
    told = f"The brows did not move. {text}"
    grounding = check(told, case("smile"))
    assert unclear(told, grounding) == [text.rstrip(".。")]
    assert [one.kind for one in grounding.statements] == ["region"]


@pytest.mark.parametrize("text", IN_GENERAL)
def test_what_is_said_in_general_is_not_counted(text):
    assert check(text, case("smile")).unchecked == ()


REASONS = (
    "The only movements near the eyes coincide with blinks.",
    "The only movements near the eyes are those of closed eyes that open.",
    "The mouth moves only while speaking or chewing, which says nothing about expression.",
    "The only movements fall into fast head motion, from which they cannot be told apart.",
    "Blinks were left out: they move the lids and drag brows and cheeks along.",
)


@pytest.mark.parametrize("reason", REASONS)
@pytest.mark.parametrize("name", UNRELIABLE)
def test_a_reason_of_the_app_may_be_quoted(name, reason):
    analysis = replace(case(name), reasons=(reason,))
    for text in (reason, f"Nothing reliable was found: {clause(reason)}."):
        assert marked(text, check(text, analysis)) == []
    assert check("The mouth moves down while speaking.", analysis).unsupported


# --------------------------------------------------------------------------------------------- wrong answers

# What is said of corpora and patterns is no claim about the clip, and one absent unit is as absent as another.
RULES = re.compile(
    r"CASME|pattern|tied to|codes|clips|missing|not\b|none of|belong to its|典型组合|编码|片段|没有出现|通常|归为|未"
)
OPPOSITES = {
    "en": {"up": "down", "down": "up", "outwards": "inwards", "inwards": "outwards"},
    "zh": {"上": "下", "下": "上", "外": "内", "内": "外"},
}


def replaced(text: str, pattern: str, other) -> Iterator[str]:
    """The text with one match replaced, for each match."""
    for found in re.finditer(pattern, text):
        yield text[: found.start(1)] + other(found[1]) + text[found.end(1) :]


def corrupted(text: str, analysis: Analysis, language: str) -> Iterator[tuple[str, str]]:
    """One fact wrong in each: what kind, and the text."""
    shown = {unit.au for unit in analysis.evidence.action_units} if analysis.evidence else set()
    listed = {one.name for one in analysis.evidence.emotions} if analysis.evidence else set()
    absent = next(unit.number for unit in facs.ACTION_UNITS if unit.by_rules and unit.number not in shown)
    for found in re.finditer(r"AU(\d+)", text):
        first = max(
            text.rfind(stop, 0, found.start()) for stop in ("\n", ";", "；", "(", "（", ".", "。", ":", "：", "，")
        )
        stretch = re.split(r"[;；(（.。:：，]", text[first + 1 :] + ".")[0]
        denied = re.match(r"[:：]\s*(?:not shown|没有出现)", text[found.end() :])
        if not RULES.search(stretch) and not denied and found[1] != str(absent):
            yield "action unit", text[: found.start(1)] + str(absent) + text[found.end(1) :]
    for pattern, kind, more in (
        (r"(\d+\.\d+) (?:px|像素)", "magnitude", 3.7),
        (r"(\d+\.\d+) ?%", "magnitude", 13.3),
        (r"(\d+\.\d\d) (?:s\b|秒)", "time", 0.37),
        (r"(?:[Ff]it(?: of)?|[Pp]robability(?: of)?|吻合度|概率) (\d\.\d+)", "share", 0.07),
    ):
        for one in replaced(text, pattern, lambda told, more=more: f"{float(told) + more:.{len(told) - 2}f}"):
            yield kind, one
    for one in replaced(
        text, r"(?<!超过 )(?<!no more than )\b(\d{2,3}) (?:ms|毫秒)", lambda told: str(int(told) + 137)
    ):
        yield "duration", one
    names = facs.EMOTION_ZH if language == "zh" else {name: name for name in facs.EMOTION_BY_NAME}
    other = next(name for name in ("fear", "disgust", "sadness") if name not in listed)
    for name in listed:
        for one in replaced(text, rf"(?i)\*\*({names[name]})\*\*", lambda _: names[other]):
            yield "emotion", one
    for one in replaced(
        text,
        r"moved ((?:up|down)|outwards|inwards)" if language == "en" else "向([上下外内])",
        lambda way: OPPOSITES[language][way],
    ):
        yield "direction", one


def about_the_finding() -> Iterator[tuple[str, str, str]]:
    for name in RELIABLE:
        for language in VOICES:
            for intent, text in answers(name, language):
                if intent in ABOUT_THE_FINDING:
                    yield name, language, text


@pytest.mark.parametrize("language", VOICES)
def test_one_wrong_fact_is_marked(language):
    flagged: dict[str, list[bool]] = {}
    missed = []
    for name, spoken, text in about_the_finding():
        if spoken != language:
            continue
        for kind, wrong in corrupted(text, case(name), language):
            seen = bool(check(wrong, case(name)).unsupported)
            flagged.setdefault(kind, []).append(seen)
            if not seen:
                missed.append((kind, wrong))
    shares = {kind: sum(seen) / len(seen) for kind, seen in flagged.items()}
    print({kind: (round(share, 3), len(flagged[kind])) for kind, share in shares.items()})
    assert set(shares) == {"action unit", "magnitude", "time", "share", "duration", "emotion", "direction"}
    assert min(shares.values()) >= LEAST_FLAGGED, (shares, missed[:3])


SIDES = {"left": "right", "right": "left", "左": "右", "右": "左"}


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("language", VOICES)
def test_swapped_sides_are_marked(language, mirrored):
    analysis = make_analysis("one_sided_brow", mirrored=mirrored)
    text = compose(analysis, (), language)
    assert marked(text, check(text, analysis)) == []
    for found in re.finditer("left|right|[左右]", text):
        wrong = text[: found.start()] + SIDES[found.group()] + text[found.end() :]
        assert check(wrong, analysis).unsupported, wrong


@pytest.mark.parametrize("language", VOICES)
@pytest.mark.parametrize("told_of", ["smile", "frown", "sadness", "brow"])
@pytest.mark.parametrize("name", ["smile", "frown", "sadness", "brow", "nothing", "doubtful"])
def test_the_explanation_of_another_clip_is_marked_all_over(name, told_of, language):
    if name == told_of:
        return
    grounding = check(compose(case(told_of), (), language), case(name))
    assert len(grounding.unsupported) >= 0.4 * len(grounding.statements), marked("", grounding)
    assert len({one.kind for one in grounding.unsupported}) >= 3


@pytest.mark.parametrize("name", UNRELIABLE)
@pytest.mark.parametrize(
    "text",
    [
        "AU12 is shown.",
        "This suggests happiness.",
        "It is a micro-expression.",
        "出现了 AU4。",
        "这是愤怒。",
        "这是微表情。",
    ],
)
def test_nothing_may_be_claimed_where_nothing_is_reliable(name, text):
    assert len(check(text, case(name)).unsupported) == 1


# --------------------------------------------------------------------------------------------- how models write

SUPPORTED = (  # of the smile: AU12 and AU6 on both sides, 1.16–1.24–1.34 s
    "AU12 is the lip corner puller.",
    "AU4 is the brow lowerer, which draws the brows together.",
    "There is no AU4 and no sign of anger.",
    "I see AU6 and AU12, but not AU4 or AU9.",
    "Neither AU1 nor AU2 is shown.",
    "AU12 on both sides; AU4 (not shown); AU9 (no).",
    "AU4 usually goes with anger.",
    "If AU4 were shown, anger would be possible.",
    "Is AU4 shown?",
    "The corners of the mouth moved up and out by about 2 px.",
    "Both lip corners rose (AU12), strongest at 1.24 s.",
    "The motion lasted 180 milliseconds, less than 500 ms.",
    "This is happiness rather than disgust.",
    "It is a micro-expression of positive emotion.",
    "The left mouth corner moved up-right in the image.",
    "The brows did not move.",
    "AU12 on both sides, with a probability of 0.86.",
    "没有 AU4，也不是愤怒。",
    "AU4 指的是皱眉。",
    "双侧嘴角向外上方移动，约 2 像素。",
    "左侧嘴角向外上方移动 2.1 像素。",
    "1.16 秒到 1.34 秒之间出现 AU12 和 AU6，表达高兴。",
    "眉头没有移动。",
    "",
    "…",
)
UNSUPPORTED = (
    "AU6 on both sides; AU12 (no).",
    "AU4 is shown.",
    "I see AU6, AU12 and AU9.",
    "AU12 is not shown.",
    "There is no AU12.",
    "The brow lowerer is active.",
    "AU12 on the left side.",
    "One-sided AU12.",
    "AU12 (fit 0.95).",
    "Yes. AU4 (brow lowerer) lowers the brows.",
    "The mouth corners moved down.",
    "The left inner brow rose.",
    "The chin moved down by 1.5 px.",
    "The mouth corners did not move.",
    "Upward movement of the chin.",
    "It peaks at 1.31 s.",
    "Onset 1.24 s, apex 1.16 s.",
    "From 1.10 s to 1.50 s the face moved.",
    "It lasted 400 ms.",
    "It is a macro-expression.",
    "It expresses anger.",
    "This might be fear.",
    "This is not happiness.",
    "A negative expression.",
    "The left mouth corner moved up by 3.4 px.",
    "出现了 AU4。",
    "没有出现 AU12。",
    "左侧 AU12。",
    "嘴角向下移动。",
    "左侧眉头上抬。",
    "下巴向下移动 1.5 像素。",
    "顶点在 1.31 秒。",
    "持续 400 毫秒。",
    "属于宏表情。",
    "这表达了愤怒。",
    "不是高兴。",
    "这是一种消极情绪。",
)


@pytest.mark.parametrize("text", SUPPORTED)
def test_right_sentences_pass(text):
    assert marked(text, check(text, case("smile"))) == []


@pytest.mark.parametrize("text", UNSUPPORTED)
def test_wrong_sentences_are_marked(text):
    grounding = check(text, case("smile"))
    assert grounding.unsupported, grounding.statements
    for one in grounding.statements:
        assert one.claim
        assert one.why
        assert text[one.start : one.end].strip()


WRONG_NAMES = (
    "AU43, upper lip raiser",
    "AU10 (eyes closed)",
    "AU4 is called upper lip raiser.",
    "AU4 is the upper lip raiser.",
    "AU12: brow lowerer.",
    "The upper lip raiser (AU12) is shown.",
    "AU6 and AU12 (chin raiser and cheek raiser).",
    "| AU12 | blink |",
    "AU43，上唇上提",
    "AU10（闭眼）",
    "AU4 称为上唇上提。",
    "AU12 是皱眉。",
    "皱眉（AU12）",
)
RIGHT_NAMES = (
    "AU12, lip corner puller, and AU6, cheek raiser.",
    "The cheek raiser (AU6), the lip corner puller (AU12).",
    "AU6 and AU12 (cheek raiser, lip corner puller)",
    "AU6 cheek raiser AU12 lip corner puller",
    "AU6 and the lip corner puller are shown.",
    "AU12（嘴角上扬）和 AU6（脸颊上提）。",
    "AU43 is called eyes closed.",
    "AU4 is not the upper lip raiser.",
    "AU12、脸颊上提。",
    "Is AU4 the upper lip raiser?",
    "Both cheeks, 2 mouth corners and 1 upper lip.",
    "In frame 15 inner brows are at rest.",
)


@pytest.mark.parametrize("text", WRONG_NAMES)
def test_a_unit_called_by_the_name_of_another_is_marked(text):
    wrong = [one for one in check(text, case("smile")).unsupported if one.kind == "name"]
    assert len(wrong) == 1, check(text, case("smile")).statements
    assert re.search("AU|au", wrong[0].why)


@pytest.mark.parametrize("text", RIGHT_NAMES)
def test_names_that_are_right_pass(text):
    assert marked(text, check(text, case("smile"))) == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("15 inner brows moved up.", "a face has 2"),
        ("There are three upper lips.", "a face has 1"),
        ("15 个眉头向上移动。", "一张脸有 2 个"),
    ],
)
def test_no_face_has_so_many(text, why):
    assert [one.why for one in check(text, case("smile")).unsupported if one.kind == "count"] == [why]


def test_of_other_languages_codes_and_numbers_are_checked_and_nothing_is_misread():
    def said(text: str) -> list[tuple[str, bool]]:
        return [(one.claim, one.supported) for one in check(text, make_analysis("smile")).statements]

    assert said("Der linke Mundwinkel hob sich um 2,05 px (AU12).") == [("AU12 is shown", True)]
    assert said("左の口角が上がりました（AU4）。") == [("AU4 is shown", False)]
    assert said("Es dauerte 1,200 ms, dann 12,5 px und 123,45 px.") == []
    assert said("吻合度 0.8，9.05 像素。")[-1] == ("9.05 px", False)
    assert said("Der Mundwinkel hob sich um 9.05 px.") == [("9.05 px", False)]


def test_a_wrong_name_claims_no_unit():
    grounding = check("AU12 (upper lip raiser) is shown.", case("smile"))
    assert [(one.kind, one.supported) for one in grounding.statements] == [("action unit", True), ("name", False)]
    assert grounding.unsupported[0].why == "AU12 is the lip corner puller"


def test_a_tally_in_one_line():
    text = "AU12 and AU4 are shown; the apex is at 1.24 s."
    assert check(text, case("smile")).tally == "3 statements checked, 1 not supported by the measurements"
    assert check("AU12 is shown.", case("smile")).tally == "1 statement checked, it is supported by the measurements"
    assert check("出现了 AU12 和 AU4。", case("smile")).tally == "核对了 2 条陈述，其中 1 条没有测量依据"
    assert check("Hello.", case("smile")).tally == "no statement that could be checked"
    nonsense = "The subject moved the left eye to the top."
    right = "AU12 and AU6 are shown."
    assert check(f"{right} {nonsense}", case("smile")).tally == (
        "2 statements checked, all supported by the measurements; 1 sentence could not be checked"
    )
    assert check(f"{text} {nonsense} She looks embarrassed.", case("smile")).tally == (
        "3 statements checked, 1 not supported by the measurements; 2 sentences could not be checked"
    )
    assert check(nonsense, case("smile")).tally == "no statement checked; 1 sentence could not be checked"
    assert check("出现了 AU12 和 AU6。此人很紧张。", case("smile")).tally == (
        "核对了 2 条陈述，均有测量依据；另有 1 句无法核对"
    )
    assert check("此人很紧张。", case("smile")).tally == "没有核对任何陈述；有 1 句无法核对"
    wrong = check(text, case("smile")).unsupported[0]
    assert (wrong.kind, wrong.claim) == ("action unit", "AU4 is shown")
    assert wrong.why == "the motion supports AU6 and AU12"


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("The brows moved up.", False),  # the left ones did
        ("The outer brows rose by 1.91 px.", False),
        ("The brows on the left moved up.", True),
        ("The left brow moved up.", True),
        ("An upward movement of the outer brows.", False),
        ("The cheeks did not move.", True),
        ("The brows did not move.", False),
    ],
)
def test_who_says_a_plural_speaks_of_both_sides(text, right):
    assert (check(text, case("brow")).unsupported == ()) == right
    assert check("The brows moved down and in. The inner brows moved down.", case("frown")).unsupported == ()


@pytest.mark.parametrize(
    ("text", "early", "late"),
    [
        ("It is a micro-expression.", False, False),
        ("It is a macro-expression.", False, True),
        ("It is not a micro-expression.", True, True),
        ("这是宏表情。", False, True),
    ],
)
def test_where_the_clip_ends_early_the_kind_is_open_unless_it_is_too_long_already(text, early, late):
    assert (check(text, case("cut off")).unsupported == ()) == early
    found = check(text, case("cut off late"))
    assert (found.unsupported == ()) == late
    least = duration(Facts(case("cut off late")).interval.duration_ms, found.language)
    assert found.statements[0].why in (f"it lasted at least {least}", f"至少持续 {least}")


def test_a_pair_has_no_time_to_be_right_about():
    assert check("The apex is at 1.24 s.", case("pair")).unsupported
    assert check("It lasted 180 ms.", case("pair")).unsupported


@given(st.text(max_size=400))
@settings(max_examples=60, deadline=None)
def test_no_text_breaks_it(text):
    for one in check(text, case("smile")).statements:
        assert 0 <= one.start < one.end <= len(text)


@pytest.mark.parametrize(
    "text", ["AU12 " * 20_000, "(" * 50_000, "1.2 px, left " * 8_000, "没有" * 30_000, "a, " * 40_000]
)
def test_100_kB_are_read_to_some_length(text):
    assert len(check(text, case("smile")).statements) < 20_000


@pytest.mark.parametrize("limit", ["no more than 500 ms", "within the limit of 500 ms"])
def test_a_limit_beside_a_duration_is_said_of_it(limit):
    """A long movement that is called short is marked, though both numbers are known ones."""
    for macro in (False, True):
        analysis = make_analysis("smile", macro=macro)
        length = duration(analysis.moment.interval.duration_ms)
        unsupported = check(f"It lasted {length}, {limit}.", analysis).unsupported
        assert bool(unsupported) == macro, unsupported
