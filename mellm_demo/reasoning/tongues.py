"""Whether a question is in a language that is neither English nor Chinese: by its script, or by evident words.

It need not be known which: a model is told to answer in the language of the question. In doubt it is English. Knows
German, French, Spanish, Italian, Portuguese, Dutch, the Scandinavian languages, Polish, Turkish, Indonesian and
Vietnamese by their words, all that are not written in Latin letters by these.
"""

from __future__ import annotations

import re
import unicodedata

from mellm_demo.wording import HAN

_LATIN = "a-zA-Z\u00c0-\u024f\u1e00-\u1eff"
_WORD = re.compile(rf"(?!(?i:au)\d)[{_LATIN}][{_LATIN}'’-]+|[èÈ](?=\s)")
_GREEK_SIGN = re.compile(r"(?<!\w)[α-ωµΔΣΩ](?!\w)")  # as in formulas
_OTHER_LETTERS = re.compile(rf"[^\W\d_{_LATIN}{HAN}]+")
_KANA = re.compile("[\u3041-\u3096\u30a1-\u30fa]")
_CHINESE_ALONE = re.compile("[这這吗嗎么麼哪们們呢吧您你]")  # words of no Japanese sentence
_KANA_SHARE = 1 / 6  # of the characters of a Japanese question, however many of its words come from Chinese
_VIETNAMESE = re.compile("[đơưĐƠƯ\u1ea0-\u1ef9]")

# Words that hardly a question is without, English and others. What is a word of English and another language (is, in,
# was, die, come, comment) is in neither list, nor what stands in names (de, la, van, von, der).
_ENGLISH_WORDS = """
    about and any are at be been between but by can could did does doing explain far for from had has have how
    if it its long many mean means more most moved much my of or other say says see seen show shown shows tell
    than that the their them there these they this those to up were what when where which who why will with
    would you your
"""
_OTHER_WORDS = {
    "German": """
        auch auf aus bedeutet bewegt bitte das dem du ein eine einem einen einer erkläre für gesicht haben
        ich ist kann kannst nicht oder seite sich sind und wann warum welche welchen welcher welches wer wie
        wieso wo zeigt über
    """,
    "French": """
        avec bougé ce ces cette combien côté dans elle est expliquez il ils je les où pas pourquoi quand que
        quel quelle quelles quels qui quoi sont une vous être
    """,
    "Spanish, Italian, Portuguese": """
        che chi como cos'è cosa cual cuando cuál cuáles cuándo cómo donde dov'è dónde es está están foi gli
        il mexeu mosso nel non não onde perché por porque porquê quais qual quale quali quando quem quién
        qué rostro sono são uma una uno viso você è
    """,
    "Dutch, Swedish, Danish, Norwegian": """
        ansikte bewoog det een gezicht heeft het hoe hur hvad hvem hvilken hvor hvordan hvorfor ikke inte
        jag jeg kant niet när och og vad var varför vem vilken waar waarom wanneer wat welk welke wie zijn
        är
    """,
    "Polish, Turkish, Indonesian": """
        adalah apa bagaimana bergerak bir bu czy czym değil dlaczego gdzie gerakan hangi hareket ini itu jak
        jaka jaki jakie jest kapan kenapa kiedy kto mengapa nasıl neden nerede nie oldu się tidak twarz
        wajah yang yüz
    """,
}
_ENGLISH = frozenset(_ENGLISH_WORDS.split())
_OTHERS = frozenset(" ".join(_OTHER_WORDS.values()).split())


def other_script(text: str) -> bool:
    """Whether most of it is in letters that are neither Latin nor Chinese; Japanese has Chinese ones as well."""
    sample = _GREEK_SIGN.sub(" ", unicodedata.normalize("NFKC", text))
    runs, han = _OTHER_LETTERS.findall(sample), len(re.findall(f"[{HAN}]", sample))
    if len(runs) <= len(_WORD.findall(sample)):  # a name in an English question, or none at all
        return False
    letters, kana = sum(map(len, runs)), len(_KANA.findall(sample))
    japanese = kana >= _KANA_SHARE * (han + kana) > 0 and not _CHINESE_ALONE.search(sample)
    return japanese or letters > han


def other_language(text: str, otherwise: bool = False) -> bool:
    """Whether it is neither English nor Chinese; ``otherwise``, what was true before it, where it shows nothing."""
    if other_script(text):
        return True
    sample = unicodedata.normalize("NFKC", text)
    words = _WORD.findall(sample)
    if len(re.findall(f"[{HAN}]", sample)) > len(words):
        return False
    small = [word for place, word in enumerate(words) if place == 0 or word[0].islower() or sample.isupper()]
    english = sum(word.casefold() in _ENGLISH for word in small)
    others = sum(_is_other(word, first=word is words[0]) for word in small) + len(re.findall("[¿¡]", sample))
    return others > english if others or english else otherwise


def _is_other(word: str, *, first: bool) -> bool:
    """An evident word; accents count where no name begins with a capital."""
    name = first and word[0].isupper()
    return word.casefold() in _OTHERS or bool(_VIETNAMESE.search(word)) or (not name and not word.isascii())
