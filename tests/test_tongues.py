"""Which questions are neither English nor Chinese, and what each speaker makes of them."""

from __future__ import annotations

import threading

import pytest
from support_analysis import make_analysis

from mellm_demo.reasoning.intents import Intent, language_of, understand
from mellm_demo.reasoning.narrator import compose
from mellm_demo.reasoning.prompts import ANSWER_IN, ANSWER_LIKE, SYSTEM, build
from mellm_demo.reasoning.tongues import other_language, other_script
from mellm_demo.records import Turn

OTHER_SCRIPTS = (
    "どの領域が動きましたか？", "微表情の種類は？", "AU12 の意味は何ですか", "左右差は？", "感情は怒りですか？",
    "ｶｵ のどこ？",
    "얼굴 어디가 움직였나요?", "AU12가 무엇인가요?", "micro-expression은 무엇인가요", "左側가 움직였나요?",
    "Что двигалось?", "Почему это AU12, а не гнев?", "Ποια πλευρά κινήθηκε;", "ما الذي تحرك؟", "کدام سمت حرکت کرد؟",
    "מה זז?", "चेहरे का कौन सा हिस्सा हिला?", "ส่วนไหนของใบหน้าขยับ",
)  # fmt: skip
LATIN = (
    "Welche Seite hat sich bewegt?", "Warum?", "Ist das ein Lächeln?", "WARUM IST DAS SO?", "Wie lange dauerte es?",
    "Was ist der Apex?", "Quel côté a bougé ?", "Pourquoi pas la colère ?", "Est-ce que le visage est triste ?",
    "Qu'est-ce que c'est ?", "¿Qué se movió en el rostro?", "Por que no es ira?", "Che cosa si è mosso?", "Quale lato?",
    "Qual lado se mexeu?", "O que é isso?", "Wat is er bewogen?", "Welke kant bewoog?", "Vad hände i ansiktet?",
    "Hvilken side bevægede sig?", "Która strona się poruszyła?", "Dlaczego nie gniew?", "Hangi taraf hareket etti?",
    "Mengapa bukan marah?", "Apa yang bergerak?", "Cái gì đã chuyển động?", "warum nicht AU4 (brow lowerer)?",
)  # fmt: skip
ENGLISH = (
    "Which side moved?", "Why?", "AU12?", "More details", "angry?", "Was Владимир Путин angry?", "Was José angry?",
    "Did Juan de la Cruz smile?", "Was Ludwig van der Berg surprised?", "Is さくら smiling?", "What does 微表情 mean?",
    "Explain Schadenfreude and déjà vu", "Is this Angela Müller-Straße?", "What does “le visage” mean?",
    "Does 김민수 look sad?", "Is α below 0.05?", "How large is it in µm?", "Was it the die or the hat?",
    "WHICH SIDE MOVED?", "What would Μαρία say?", "Comment on this, please.", "Beyoncé: happy or sad?",
    "Kim?", "Is it a non-smile?", "Las Vegas clip",
)  # fmt: skip
CHINESE = (
    "哪里动了？", "这个clip的帧率是多少", "為什麼不是憤怒？", "「かわいい」这个词是什么意思？", "AU12 是什么？",
    "佐藤さくら 生气了吗？", "김민수 有没有微笑的迹象？", "“Schadenfreude” 是什么意思", "Müller 生气了吗",
)  # fmt: skip


@pytest.mark.parametrize("question", [*OTHER_SCRIPTS, *LATIN])
def test_other_languages_are_told_apart(question):
    assert other_language(question)
    assert not other_language("Which side moved?", otherwise=True)
    assert other_language("12?", otherwise=other_language(question))
    assert build(make_analysis("smile"), [Turn("user", question)]).shown().count(ANSWER_LIKE["en"]) == 1


@pytest.mark.parametrize("question", OTHER_SCRIPTS)
def test_other_scripts_are_no_chinese(question):
    assert other_script(question)
    assert language_of(question) == "en"
    assert language_of(question, "zh") == "zh"  # of what is told beside it


@pytest.mark.parametrize("question", [*ENGLISH, *CHINESE])
def test_english_and_chinese_stay_what_they_are_whoever_is_named(question):
    language = "zh" if question in CHINESE else "en"
    assert not other_language(question)
    assert not other_script(question)
    assert language_of(question) == language
    prompt = build(make_analysis("smile"), [Turn("user", question)])
    assert prompt.language == language
    assert ANSWER_IN[language] in prompt.shown()


@pytest.mark.parametrize(
    ("questions", "told"),
    [
        (("Welche Seite?", "AU12?"), ANSWER_LIKE["en"]),
        (("Welche Seite?", "And how far?"), ANSWER_IN["en"]),
        (("Welche Seite?", "多大？"), ANSWER_IN["zh"]),
        (("哪一侧？", "どの領域が動きましたか？"), ANSWER_LIKE["zh"]),
        (("Which side?", "Et pourquoi pas la colère ?"), ANSWER_LIKE["en"]),
        ((), ANSWER_IN["en"]),
    ],
)
def test_the_last_question_that_shows_a_language_counts(questions, told):
    turns = [turn for one in questions for turn in (Turn("user", one), Turn("assistant", "…"))][:-1]
    shown = build(make_analysis("smile"), turns).shown()
    assert [one for one in (*ANSWER_IN.values(), *ANSWER_LIKE.values()) if one in shown] == [told]


@pytest.mark.parametrize("question", ["Welche Seite hat sich bewegt?", "얼굴 어디가 움직였나요?"])
def test_models_of_one_language_are_not_asked_for_another(question):
    turns = [Turn("user", question)]
    assert ANSWER_IN["en"] in build(make_analysis("smile"), turns, style="mellm_v1").shown()
    brief = build(make_analysis("smile"), turns, style="brief").shown()
    assert not any(one in brief for one in (*ANSWER_LIKE.values(), SYSTEM["en"]))


@pytest.mark.parametrize("question", OTHER_SCRIPTS)
def test_the_narrator_says_which_languages_it_speaks(question):
    assert understand(question).intents == (Intent.FOREIGN,)
    assert compose(make_analysis("smile"), [Turn("user", question)]).startswith("I can answer in English and Chinese")


def test_a_question_of_100_kB_takes_no_longer():
    done = threading.Event()

    def read() -> None:
        for unit in ("の", "é ", "a'", "Ж ", "au1 ", "¿"):
            other_language(unit * 50_000)
        done.set()

    threading.Thread(target=read, daemon=True).start()
    assert done.wait(20)
