"""The text of a question: cleaned, and the language that it is in or asks for."""

from __future__ import annotations

import re
import unicodedata

from mellm_demo.reasoning.protocol import QUESTION_CHARS
from mellm_demo.reasoning.tongues import other_script
from mellm_demo.wording import HAN, Language

READ_CHARACTERS = QUESTION_CHARS  # of any text that is handed in; patterns stay quick
TRADITIONAL = str.maketrans(
    "為這動嗎邊側時間長強單認麼個臉號錄還與對錯實據嚴紅綠藍黃圖數學區鼻頰顎顏說話講謊騙誠眼瞼嘴確噪聲靠質幀視頻類種開樣點轉頭關於幾別誰顯著處"
    "彎揚皺壓憤懼厭惡驚訝悲傷輕測計結論細節釋總釐問題讀麗隱儲刪應請現證",
    "为这动吗边侧时间长强单认么个脸号录还与对错实据严红绿蓝黄图数学区鼻颊颚颜说话讲谎骗诚眼睑嘴确噪声靠质帧视频类种开样点转头关于几别谁显著处"
    "弯扬皱压愤惧厌恶惊讶悲伤轻测计结论细节释总厘问题读丽隐储删应请现证",
)


def clean(question: str) -> str:
    """The beginning of a question, lower case, simplified, one line, without markup and control characters."""
    text = unicodedata.normalize("NFKC", question[:READ_CHARACTERS]).casefold().translate(TRADITIONAL)
    text = re.sub(r"<[^<>]{0,200}>", " ", text)
    text = "".join(" " if unicodedata.category(char)[0] in "CZ" else char for char in text)
    return re.sub(r"\s+", " ", text.replace("’", "'").replace("‘", "'")).strip()


def language_of(text: str, otherwise: Language = "en") -> Language:
    """Chinese where its characters outnumber Latin words (codes like AU12 aside); ``otherwise`` without either.

    Japanese and Korean are neither, however many Chinese characters stand in them.
    """
    sample = unicodedata.normalize("NFKC", text[:READ_CHARACTERS])
    if other_script(sample):
        return otherwise
    han = len(re.findall(f"[{HAN}]", sample))
    latin = len(re.findall(r"(?!au\d)[a-z][a-z'-]+", sample.casefold()))
    if han == 0 and latin == 0:
        return otherwise
    return "zh" if han > latin else "en"


def wished_language(text: str) -> Language | None:
    """The language that the question asks to be answered in, if it does."""
    if re.search(r"\b(?:in|to|into) chinese\b|用?(?:中文|汉语|普通话)", text):
        return "zh"
    return "en" if re.search(r"\b(?:in|to|into) english\b|用?(?:英文|英语)", text) else None


def foreign(text: str) -> bool:
    """Mostly letters of a script that is neither Latin nor Chinese."""
    letters = [char for char in text if char.isalpha()]
    known = [char for char in letters if char < "\u0250" or re.match(f"[{HAN}α]", char)]
    return len(letters) >= 2 and 2 * len(known) < len(letters)
