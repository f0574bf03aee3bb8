"""Which question is asked: intents, action units, regions, sides and emotions named in a question, English or Chinese.

Pattern matching on cleaned text, clause by clause; knows nothing about any analysis. A question that names nothing by
itself (“why?”, “and the other side?”) is read against the questions before it. Whatever the text holds, the outcome is
a ``Query`` of known names and small numbers: nothing of the visitor's wording is carried on.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache

from mellm_demo import facs
from mellm_demo.reasoning.protocol import QUESTION_CHARS
from mellm_demo.reasoning.tongues import other_language, other_script
from mellm_demo.records import Side
from mellm_demo.wording import HAN, Language

READ_CHARACTERS = QUESTION_CHARS  # of any text that is handed in; patterns stay quick
MOST_INTENTS = 3  # more answers at once than this are not an answer
REMEMBERED = 3  # earlier questions that “why?” may refer to


class Intent(StrEnum):
    """What a question wants to know."""

    EXPLAIN = "explain"
    UNITS = "units"
    UNIT = "unit"
    SIDE = "side"
    WHEN = "when"
    DURATION = "duration"
    KIND = "kind"
    STRENGTH = "strength"
    WHERE = "where"
    REGION = "region"
    EMOTION = "emotion"
    COARSE = "coarse"
    NAMED_EMOTION = "named_emotion"
    ALTERNATIVES = "alternatives"
    WHY = "why"
    RELIABILITY = "reliability"
    SPANS = "spans"
    CANDIDATES = "candidates"
    COMPARE = "compare"
    QUALITY = "quality"
    BETTER_CLIP = "better_clip"
    TERM = "term"
    PICTURE = "picture"
    MAGNIFIED = "magnified"
    METHOD = "method"
    MODEL = "model"
    LIE = "lie"
    GENUINE = "genuine"
    HEALTH = "health"
    IDENTITY = "identity"
    TRAITS = "traits"
    THOUGHTS = "thoughts"
    PRIVACY = "privacy"
    USE = "use"
    FACES = "faces"
    HELP = "help"
    GREETING = "greeting"
    THANKS = "thanks"
    EMPTY = "empty"
    FOREIGN = "foreign"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Query:
    """What a question asks for, in known names only."""

    language: Language
    intents: tuple[Intent, ...]
    units: tuple[int, ...] = ()
    side: Side | None = None
    regions: tuple[str, ...] = ()  # names of facs.REGIONS without their side
    emotions: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()  # keys of TERMS
    spans: tuple[str, ...] = ()  # kinds of Span
    colours: tuple[str, ...] = ()  # names of the eight directions that the colours stand for


# One word is wanted, whether any reading is well supported or not: MEGC's questions ask so.
ONE_WORD_ASKED = re.compile(r"\bfine[- ]grained|\bclosest word|\bone word\b", re.IGNORECASE)
# “Is the action unit … shown?”, by whatever name.
UNIT_ASKED = re.compile(r"\b(?:is|was) (?:the |an )?action unit \S.* (?:shown|present|active|visible)\b", re.IGNORECASE)
REFUSALS = frozenset(
    {Intent.LIE, Intent.GENUINE, Intent.HEALTH, Intent.IDENTITY, Intent.TRAITS, Intent.THOUGHTS, Intent.USE}
)

# --------------------------------------------------------------------------------------------- patterns

_I = Intent
_INTENTS_EN: tuple[tuple[Intent, str], ...] = (
    (
        _I.LIE,
        r"\b(?<!where do they )(?<!where does it )(?:lie|lies|lied|liar|lying)\b|\btruth|\bdecei[tv]|\bdecepti|"
        r"\b(?:dis)?honest|\bguilt|\binnocen|\bhid(?:e|es|ing)\b|\bpolygraph|\bcheat|\b(?:in)?sincer|\btrustworth|"
        r"\btrust (?:him|her|them|(?:this|the) (?:person|man|woman|guy|girl))\b|\bbluff|\bconceal",
    ),
    (
        _I.GENUINE,
        r"\bduchenne|\b(?:genuine|real|fake|fak(?:ed|ing)|forced|posed|sincere|authentic)\b.{0,20}\b(?:smil|express|"
        r"emotion|happi)|\b(?:smil\w*|expression|emotion)\b.{0,30}\b(?:genuine|real|fake|faked|forced|posed|sincere|"
        r"authentic)\b",
    ),
    (
        _I.HEALTH,
        r"\bdepress(?:ed|ion)\b|\bautis|\badhd|\bill(?:ness)?\b|\bsick|\bdiseas|\bdisorder|\bdiagnos|\bhealth|"
        r"\bstroke\b|\bpalsy|\bparkinson|\bin pain\b|\bpain\b|\bmental|\btherap|\bsuicid|\bptsd|\bdrunk|\bon drugs|"
        r"\bmedical|\bsymptom|\btired\b",
    ),
    (
        _I.IDENTITY,
        r"\bwho(?:'s| is| was) (?:this|that|he|she|it|the (?:person|man|woman|face|subject))\b|\bidentif\w+ (?:him|"
        r"her|them|(?:this|the) (?:person|man|woman|face|subject))|\b(?:his|her|their|person'?s|subject'?s) name\b|"
        r"\bname of (?:this|the|that)\b|\bcelebrit|\bwho am i\b|\bsame person\b|\b(?:do|can) you (?:know|"
        r"recogni[sz]e) (?:him|her|them|me|who|this (?:person|face))|\bfamous\b",
    ),
    (
        _I.TRAITS,
        r"\bhow old\b|\bage\b|\bgender|\b(?:fe)?male\b|\bman or (?:a )?woman|\bethnic|\brac(?:e|ial)\b|\bnationalit|"
        r"\breligio|\bsexual|\bgay\b|\bpolitic|\bpersonalit|\bcharacter\b|\bintelligen|\bsmart\b|\battractive|\bsexy|"
        r"\b(?:he|she|they|this|that|person|guy|girl|man|woman|face|looks?) (?:really |so |very )?(?:pretty|cute|hot|"
        r"good[- ]looking)\b(?! \w)|\blooks? good\b|\bbeautiful|\bhandsome|\bugly|"
        r"\bcriminal|\b(?:he|she|they|person|man|woman)\b.{0,12}\bdangerous|\b(?:intro|"
        r"extro)vert|\bcompeten|\bgood person|\bnice person|\bskin colou?r",
    ),
    (
        _I.THOUGHTS,
        r"\b(?:he|she|they|person|subject|man|woman)\b (?:really |actually |secretly )?(?:thinks?|wants?|intends?|"
        r"likes?|loves?|hates?|plans?)\b|\bthinking\b|\bthoughts?\b|\bintention|\bintend|\b(?:his|her|their) mind\b|"
        r"\bin love\b|\blikes? me\b|\bwhat (?:are|is|did|do|does) (?:they|he|she|the person) (?:say|saying|said|"
        r"think|want)|\bread (?:his|her|their|the) mind",
    ),
    (
        _I.USE,
        r"\bjob\b|\binterview|\b(?:at|in|for) (?:the )?work\b|\bworkplace|\bemploy|\bhir(?:e|ing)\b|\bschools?\b|"
        r"\bclassroom|\bstudents?\b|\bpolice|\bcourt\b|\bborder|\blegal|\bai act\b|\bthe law\b|\b(?:am i|is it|"
        r"are we) allowed|\b(?:may|can) i use\b|\bcustomers?\b",
    ),
    (
        _I.PRIVACY,
        r"\bprivacy|\bprivate|\bstor(?:e|ed|es|ing|age)\b|\b(?:save|saved|saves|keep|keeps|kept)\b.{0,15}\b(?:my|the|"
        r"this|video|clip|face|data|it)\b|\buploaded? to\b|\bmy data\b|\bdata\b.{0,15}\b(?:go|goes|kept|used)|"
        r"\bdelet|\bgdpr|\bbiometric|\bconsent|\b(?:send|sent|sending|leave|leaves)\b|\bshared? with|"
        r"\bwho (?:can )?sees?\b|\bthe cloud\b|\btrain(?:ed|ing)? on my",
    ),
    (
        _I.MODEL,
        r"\b(?:which|what) (?:kind of |type of |language |ai |version of )*(?:model|llm|ai|neural network|engine)\b|"
        r"\bare you (?:an? )?(?:\w+ )?(?:ai|llm|gpt|chatgpt|human|robot|bot|model|person|machine|real)\b|"
        r"\bwho are you\b|\bwhat are you\b(?! (?:sure|measur|look|do))|\bwho (?:wrote|writes|speaks|is (?:speaking|"
        r"writing|talking)|am i talking)|\bchatgpt|\bgpt|\bqwen|\bllms?\b|\blanguage model|\bmellm\b|\byour name\b|"
        r"\bwho (?:made|built) (?:you|this)\b|\bwhat(?:'s| is) your model|"
        r"\bis (?:this|that|it) (?:an? )?(?:ai|bot|llm)\b",
    ),
    (_I.MAGNIFIED, r"\bmagnif|\bamplif|\bexaggerat|\bloop\b|\bflicker|\bwipe\b|\balpha\b|α"),
    (
        _I.PICTURE,
        r"\bcolou?r|\bpictures?\b|\bimages?\b|\b(?:motion|heat)[- ]?map|\bmap\b|\bhues?\b|\barrows?\b|\blegend\b|"
        r"\bwhat am i (?:looking|seeing)|\b(?:purple|cyan|magenta|pink|yellow|orange|green|blue|red)\b|"
        r"\bbright(?:ness)?\b|\bhow (?:do i|to|should i|can i) read\b",
    ),
    (
        _I.METHOD,
        r"\bhow (?:was|is|were|are|did|do|does) (?:this|it|that|these|they|you|the \w+|"
        r"all this)(?: \w+){0,2} (?:comput|calculat|measur|work|obtain|made|make|found|find|detect|analy[sz]|done|"
        r"estimat|determin)|\bmethods?\b|\balgorithm|\bpipeline|\btv-?l1|\bmediapipe|\boptical flow|\blandmark|"
        r"\bhow does\b.{0,20}\bwork|\bunder the hood",
    ),
    (
        _I.BETTER_CLIP,
        r"\bbetter (?:clip|video|result|recording|quality|input|data)|\bimprov|\bhow (?:should|can|do|could|"
        r"must) (?:i|we) (?:record|film|shoot|get|make)|\btips?\b|\badvice|\bwhat (?:can|should|could) i (?:do|"
        r"change)|\bnext time|\b(?:which|what|better) camera|\bdo i need\b|\brecord (?:it |this |again )?better",
    ),
    (
        _I.QUALITY,
        r"\bframe[- ]?rate|\bfps\b|\bframes? (?:per|a) second|\bframes/s|\bquality|\bresolution|\bblur|\bsharp|"
        r"\blight(?:ing)?\b|\bdark\b|\binput\b|\bhow long is (?:the|this|my) (?:clip|video)|\b(?:clip|"
        r"video)(?: \w+)? (?:ok|okay|good|usable|bad|fine|long)\b|\bface (?:size|large|small|big)|\bcodec|"
        r"\bgood enough|\bhow many frames",
    ),
    (
        _I.CANDIDATES,
        r"\bcandidates?\b|\b(?:other|another|more|second|third|further|next) (?:micro|macro|moments?|movements?|"
        r"expressions?|events?|intervals?|ones?|spots?)|\bhow many (?:micro|macro|expressions?|movements?|moments?|"
        r"events?)|\banything else (?:in|happen|mov)|\belsewhere|\brest of the (?:clip|video)|\bonly one\b|"
        r"\bother parts of the (?:clip|video)",
    ),
    (
        _I.COMPARE,
        r"\bcompar(?!\w* (?:the )?(?:before|onset|first|apex|rest))|"
        r"\bversus\b|\bvs\b|\bdifference between\b|\bmore than\b|\b(?:moved|moves|move|is|was) (?:more|"
        r"stronger|further|larger|less|weaker)\b|\bstronger\b",
    ),
    (
        _I.RELIABILITY,
        r"\b(?:un)?reliab|\b(?:un)?sure\b|\b(?:un)?certain|\bconfiden|\btrust\b|\b(?:in)?accura|\bprobab|\bcorrect\b|"
        r"\bnois[ey]|\bfalse (?:alarm|positive)|\berrors?\b|\bvalid|\b(?:be|you) wrong|\bsignifican|\bcredib|\bdoubt|"
        r"\bby chance|\bcoincidence|\bis (?:it|this|that) real\b|\blimit(?:s|ations?)\b|"
        r"\b(?:bull)?shit\b|\bcrap\b|\buseless|\bnonsense|\brubbish|\bgarbage|\bmade (?:that |it |this )?up\b|"
        r"\b(?:that's|it's|this is|that is|all) wrong\b",
    ),
    (_I.SPANS, r"\bblink|\bspeech|\b(?:speak|talk)(?:s|ing)?\b|\bchew|\bhead\b|\bpose\b|\bturn(?:s|ed|ing)? away"),
    (_I.FACES, r"\b(?:which|other|second|another|many) (?:face|person|people)|\bfaces\b"),
    (
        _I.KIND,
        r"\bmicro\b.{0,20}\bor\b.{0,12}\bmacro|\bmacro\b.{0,20}\bor\b.{0,12}\bmicro|\b(?:is|was|were|are|isn't|"
        r"wasn't) (?:it|this|that|there|these)\b.{0,25}\b(?:micro|macro)|\b(?:find|found|see|detect|spot|any|"
        r"contain)\w*\b.{0,25}\b(?:micro|macro)|\bhow do you know\b.{0,20}\bmicro|\bwhy\b.{0,20}\b(?:micro|macro)\b",
    ),
    (
        _I.DURATION,
        r"\bhow (?:long|short|brief|quick|quickly|fast)\b|\bduration|\bhow many (?:ms|milliseconds|seconds)|"
        r"\blength of the (?:move|expr|event|inter)|\bhow much time",
    ),
    (
        _I.WHEN,
        r"\bwhen\b|\b(?:what|which) (?:time|moment|frame|second|point)s?\b|\btime ?stamps?|\b(?:onset|apex|offset|"
        r"peak)\b|\bat what\b|\bstarts?\b|\bbegins?\b|\bends?\b",
    ),
    (
        _I.STRENGTH,
        r"\bhow (?:strong|strongly|much|far|big|large|intense|weak|small|many pixels|many px|pronounced|visible|"
        r"subtle)\b|\bintensit|\bmagnitude|\bstrength|\bamplitude|\bpx\b|\bpixels?\b|\bper ?cent|%|\biod\b|"
        r"\bhow high|\bmill?imet(?:er|re)s?\b|\bmm\b|\b(?:the|some|give me|any|show me) (?:\w+ )?(?:numbers|figures|"
        r"values)\b|\b(?:numbers|figures|values) please|\bis (?:that|this|it) (?:a lot|much|large|big|strong|small)\b",
    ),
    (
        _I.WHERE,
        r"\bwhere\b|\bbefore and after\b|\bonset (?:and|with|to) (?:the )?apex\b|"
        r"\b(?:which|what) (?:\w+ )?(?:regions?|areas?|parts?|place|spot)|\bmov(?:ed|es|e|"
        r"ing) (?:the )?most|\bstrongest|\blargest|\bwhat (?:exactly |all )?(?:moved|moves|is moving|changed|"
        r"changes)|\bregions\b",
    ),
    (
        _I.SIDE,
        r"\b(?:which|what|one|other|same) (?:side|half)|\bleft or (?:the )?right|\bright or (?:the )?left|"
        r"\bone[- ]sided|\b(?:uni|bi)lateral|\ba?symmetr|\bboth sides|\blopsided|\bsides?\b|\bmirror|\b(?:my|whose|"
        r"their|person's|subject's) (?:left|right)\b",
    ),
    (
        _I.UNITS,
        r"\baus\b|\baction units?\b|\b(?:which|what) (?:facial )?muscles?|\b(?:which|what|any|list|name|"
        r"all) (?:the )?au\b",
    ),
    (
        _I.ALTERNATIVES,
        r"\bwhy not\b|\b(?:something|anything|what) else\b|\bother (?:emotion|reading|explanation|interpretation|"
        r"possib|meaning)|\banother (?:emotion|reading|explanation|interpretation|meaning)|\balternativ|"
        r"\bcould it (?:also )?(?:be|mean)|\brule[ds]? out|\binstead\b|\brather than\b",
    ),
    (_I.COARSE, r"\bcoarse|\bpositive\b|\bnegative\b|\bvalence"),
    (
        _I.EMOTION,
        r"\bemotion|\bfeel(?:s|ing|ings)?\b|\bfelt\b|\bmood\b|\bexpress(?:es|ing|ed)?\b|\bfine[- ]grained|"
        r"\bwhat (?:kind of |type of )?expression|\bwhat (?:does|could|might|may|can) (?:it|this|that|"
        r"the movement)(?: \w+)? (?:mean|say|signify|indicate|suggest)|\bmeaning of (?:this|the|it)\b|\binterpret|"
        r"\bneutral\b|\bbored|\bboredom|\bconfus|\bstress(?:ed)?\b|\btense\b|\bfrustrat|\bexcite|\bembarrass|\bashamed|"
        r"\bjealous|\bproud|\bshy\b|\bcalm\b|\brelaxed|\bworried|\bupset|\bcurious|\blonely",
    ),
    (
        _I.WHY,
        r"\bwhy\b|\bhow come\b|\bwhat makes you\b|\bon what (?:basis|grounds)|\bhow (?:do|can|did) you (?:know|tell|"
        r"say|see)|\bbased on what|\breasons?\b|\bevidence\b|\bjustif|\bprove\b|\bproof\b",
    ),
    (
        _I.EXPLAIN,
        r"\bexplain|\bsummar|\bwhat (?:\w+ )?happen|\bwhat (?:(?:do|did|can) )?you (?:see|find|found|think|notice)|"
        r"\b(?:is there )?anything (?:in|on|here|there)\b|\bgoing on\b|\bagain\b|\bdescribe|\boverview|\bresults?\b|"
        r"\bfindings?\b|\bconclu|\btell me (?:more|everything|about it)|\bmore details?|\bin detail|\bgo on\b|"
        r"\bcontinue|\bin short\b|\bshort(?:er|ly)\b|\bbrief(?:er|ly)\b|\brepeat\b|"
        r"\b(?:simple|simpler|plain|easy) (?:words|terms|english|language)|\bsimpl(?:er|y|ify)\b|"
        r"\blike i(?:'m| am) (?:five|5)\b|\beli5\b|"
        r"\btl;?dr|\bwhat is (?:this|shown|it)\b|\bwhat's (?:this|shown|it)\b|\banaly[sz]e",
    ),
    (
        _I.HELP,
        r"\bhelp\b|\bwhat (?:can|may|should|could) (?:i|you|we) (?:ask|do|answer|tell)|\byou can do\b|\bwhat else can",
    ),
    (
        _I.THANKS,
        r"\bthank|\bthx\b|\bcheers\b|\bgreat\b|\bperfect\b|\bbye\b|\bcool\b|\bok(?:ay)?\b|\bi see\b|\bgot it\b",
    ),
    (_I.GREETING, r"\b(?:hi|hello|hey|hallo|how are you|good (?:morning|afternoon|evening|day))\b"),
)

_INTENTS_ZH: tuple[tuple[Intent, str], ...] = (
    (
        _I.LIE,
        r"说谎|撒谎|谎言|骗|测谎|诚实|真话|实话|老实|隐瞒|掩饰|掩盖|心虚|有罪|无辜|作弊|可信的人|可以相信(?:他|她|"
        r"这个人)",
    ),
    (
        _I.GENUINE,
        r"(?:真|假|装|发自内心|刻意|勉强)[^，。？]{0,6}(?:笑|表情|情绪)|(?:笑|表情)[^，。？]{0,8}(?:真|假|装|"
        r"发自内心|自然吗)|杜[兴乡]",
    ),
    (
        _I.HEALTH,
        r"抑郁|自闭|孤独症|多动|生病|有病|疾病|病症|诊断|健康|中风|面瘫|帕金森|疼|痛|精神|心理问题|喝醉|醉|吸毒|症状|"
        r"疲惫|累",
    ),
    (
        _I.IDENTITY,
        r"(?:是|认识|认出|知道)[^，。？]{0,4}(?:谁|哪位)|谁(?:呀|啊)?[？?]*$|叫什么|姓名|名字|身份|明星|名人|"
        r"同一个人|识别出?(?:他|她|这个人)",
    ),
    (
        _I.TRAITS,
        r"几岁|多大年纪|多大了|年龄|岁数|性别|男的?还是女|男人还是|种族|民族|国籍|哪国|哪里人|宗教|性取向|同性恋|"
        r"政治|性格|人品|品格|个性|聪明|智商|漂亮|好看|帅|丑|罪犯|坏人|好人|危险|内向|外向|肤色",
    ),
    (
        _I.THOUGHTS,
        r"(?:他|她|人|对方)[^，。？]{0,6}(?:在想|想什么|想法|想要|打算|意图|喜欢|爱)|心里|内心|想什么|在说什么|"
        r"说了什么|读心|意图",
    ),
    (
        _I.USE,
        r"面试|招聘|工作场所|职场|上班|员工|雇|学校|课堂|学生|警察|法庭|审讯|边境|合法|法律|法案|允许|可以用(?:在|于|"
        r"来)|能用(?:在|于|来)|客户",
    ),
    (
        _I.PRIVACY,
        r"隐私|保存|存储|储存|存在哪|留存|保留|上传|数据|删除|泄露|生物识别|知情同意|发送|发给|传到|分享|谁能看|"
        r"谁可以看|云端",
    ),
    (
        _I.MODEL,
        r"(?:什么|哪个|哪种|何种)[^，。？]{0,4}(?:模型|引擎|ai)|你是(?:谁|什么|人|机器|真人|ai|gpt|大模型|语言模型)|"
        r"谁(?:在)?(?:说话|写|回答)|chatgpt|gpt|通义|千问|qwen|大模型|语言模型|mellm|你叫",
    ),
    (_I.MAGNIFIED, r"放大|夸张|循环|闪烁|擦除|划像|α"),
    (
        _I.PICTURE,
        r"颜色|色彩|彩色|图片|图像|图里|这张图|这幅图|运动图|光流图|热图|色轮|图例|箭头|红|紫|青|绿|蓝|黄|橙|粉|"
        r"怎么看图|亮度",
    ),
    (
        _I.METHOD,
        r"怎么(?:算|计算|测|测量|做|得出|得到|检测|分析|工作|实现|来的)|如何(?:算|计算|测|测量|得出|得到|检测|分析|"
        r"工作|实现)|原理|方法|算法|光流|tv-?l1|mediapipe|关键点",
    ),
    (
        _I.BETTER_CLIP,
        r"(?:更好|更准|才能|改进|改善|提高|怎么拍|如何拍|怎样拍|怎么录|如何录|怎样录|建议|下次|什么相机|拍摄|"
        r"该怎么办|怎么办)",
    ),
    (
        _I.QUALITY,
        r"帧率|每秒[^，。？]{0,3}帧|fps|质量|画质|分辨率|清晰|模糊|光线|光照|太暗|输入|视频(?:多长|有多长|好吗|"
        r"可以吗|行吗|合格)|片段(?:多长|有多长)|人脸(?:大小|太小)|编码|多少帧",
    ),
    (
        _I.CANDIDATES,
        r"候选|(?:其他|其它|另外|别的|还有|第二|更多)[^，。？]{0,6}(?:表情|动作|时刻|片段|时段|区间|事件)|几(?:个|"
        r"次)(?:微|宏)?(?:表情|动作|候选)|多少(?:个|次)(?:微|宏)?(?:表情|动作)",
    ),
    (_I.COMPARE, r"比较|对比|相比|差别|区别|差异|哪个(?:更|动得更|移动得更)|哪边(?:更|动得更)|更(?:强|大|明显)"),
    (
        _I.RELIABILITY,
        r"可靠|靠谱|相信|确定|把握|肯定|可信|置信|准确|准不准|准吗|概率|噪声|噪音|误报|误差|错|有效|显著|怀疑|偶然|"
        r"巧合|局限|真的吗",
    ),
    (_I.SPANS, r"眨眼|眨动|说话|讲话|言语|咀嚼|头部|头动|转头|点头|摇头|姿态|姿势"),
    (_I.FACES, r"哪(?:张|个)(?:脸|人脸|人)|几(?:张|个)(?:脸|人脸|人)|(?:另|其他|别的)[^，。？]{0,3}(?:脸|人)(?!员)"),
    (
        _I.KIND,
        r"微表情[^，。？]{0,6}(?:还是|或)[^，。？]{0,4}宏|宏[^，。？]{0,8}(?:还是|或)[^，。？]{0,4}微|(?:是|算|有|"
        r"发现|检测到|看到|存在|找到)[^，。？]{0,8}(?:微表情|宏表情)(?!是|的?(?:定义|意思))",
    ),
    (_I.DURATION, r"多久|多长(?:时间)?|持续|时长|几毫秒|多少毫秒|几秒钟|多快|多短"),
    (
        _I.WHEN,
        r"什么时候|何时|几时|哪一?刻|什么时刻|时间点|哪一?(?:帧|秒)|第几(?:帧|秒)|几秒(?!钟)|起始|顶点|峰值|终止|"
        r"开始|结束|起点|onset|apex|offset",
    ),
    (
        _I.STRENGTH,
        r"多强|强度|幅度|多大|多少像素|几个?像素|像素|百分|多明显|多剧烈|动了多少|移动了多少|程度|大小|强烈|力度",
    ),
    (
        _I.WHERE,
        r"哪里|哪儿|哪些?(?:区域|部位|地方|部分|位置|块)|什么(?:区域|部位|地方|位置)|何处|最(?:大|强|明显)|"
        r"动了(?:什么|哪)|什么(?:动|在动|变)|区域",
    ),
    (
        _I.SIDE,
        r"哪(?:一)?(?:边|侧)|左还是右|左边还是右|左侧还是右|右还是左|单侧|单边|双侧|两侧|两边|对称|一边|一侧|"
        r"另一(?:边|侧)",
    ),
    (
        _I.UNITS,
        r"动作单元|运动单元|哪些?\s*au|什么\s*au|au\s*(?:有|是)(?:哪|什么)|(?:所有|全部)的?\s*au|哪些?肌肉|什么肌肉",
    ),
    (
        _I.ALTERNATIVES,
        r"为什么不是|为何不是|怎么不是|其他(?:情绪|解释|可能|含义)|其它(?:情绪|解释|可能)|别的(?:情绪|解释|可能)|"
        r"另一种|会不会是|可不可能|可能是|而不是|排除",
    ),
    (_I.COARSE, r"粗(?:粒度|类|分类)|积极|消极|正面|负面|效价"),
    (_I.EMOTION, r"情绪|情感|感受|感觉|心情|表达|细粒度|什么表情|意味|含义|说明什么|代表什么|表明|中性"),
    (_I.WHY, r"为什么|为何|为啥|怎么知道|怎么看出|凭什么|依据|根据|理由|原因|证据|何以"),
    (
        _I.EXPLAIN,
        r"解释|总结|概括|发生了什么|看到了?什么|发现了?什么|怎么回事|怎么了|再说|描述|结果|结论|详细|继续|展开|"
        r"分析(?:一下|这)|这是什么$",
    ),
    (_I.HELP, r"帮助|帮我|能问|可以问|能做什么|会什么|能回答|可以做什么|怎么用"),
    (_I.THANKS, r"谢|多谢|再见|明白了|知道了|好的|太好了|懂了"),
    (_I.GREETING, r"你好|您好|嗨|哈喽|早上好|下午好|晚上好"),
)

# A question about the meaning of a word, and the words that are explained.
_DEFINES_EN = (
    r"(?:\bwhat(?:'s| is| are| exactly is| does| do)\b|\bdefin(?:e|ition of)|\bexplain|\bmeaning of|\bmeant by|"
    r"\btell me about|\bdifference between|\bwhat about)\s+(?:(?:the )?(?:term|word|meaning of|"
    r"definition of)\s+)?(?:an? |the |this )?[\"'“‘]?(?:[\w-]+ and (?:an? |the )?)?"
)
_MEANS_EN = r"[\"'”’]?\s+(?:\w+ )?(?:mean|means|stand for|stands for)\b"
TERMS: dict[str, tuple[str, str]] = {  # key: (English pattern, Chinese pattern)
    "micro-expression": (r"micro[- ]?(?:facial )?expressions?|micro(?= and| mean)|me\b", r"微表情"),
    "macro-expression": (r"macro[- ]?(?:facial )?expressions?|macro(?= and| mean)", r"宏表情"),
    "onset": (r"onset(?: frame)?", r"起始帧?|onset"),
    "apex": (r"apex(?: frame)?|peak frame", r"顶点帧?|峰值帧?|apex"),
    "offset": (r"offset(?: frame)?", r"终止帧?|结束帧|offset"),
    "action unit": (r"(?:action units?|aus?)(?!\s*\d)", r"动作单元|运动单元|au(?!\s*\d)"),
    "facs": (r"facs|facial action coding(?: system)?", r"facs|面部(?:动作|行为)编码(?:系统)?"),
    "optical flow": (r"optical flow|flow", r"光流"),
    "noise floor": (r"noise(?: floor| level)?", r"噪声(?:水平|底)?|噪音"),
    "interocular distance": (r"inter-?ocular(?: distance)?|iod|pupil distance", r"瞳距|瞳孔间距|眼间距|iod"),
    "coarse class": (r"coarse(?:[- ]grained)? (?:\w+ )?class(?:es)?", r"粗(?:粒度|分)?类别?"),
    "fit": (r"fit(?: (?:of )?[\d.]+)?|0?\.\d+|fit value|fits?(?= mean)|probability", r"吻合度|符合度|概率"),
}
_DEFINITE_VALUE = frozenset({"coarse class", "action unit"})  # “what is THE coarse class” asks for this clip's
_DEFINES_ZH = (
    r"(?:什么(?:是|叫|叫做)|何谓|何为|解释(?:一下)?|请?说明|(?:的)?定义[:：]?)\s*[“\"「]?",
    r"[”\"」]?(?:这个词|一词)?(?:又)?(?:是(?:什么|啥)(?:意思|东西|概念)?|指(?:的是)?什么|什么意思|(?:的)?(?:定义|"
    r"含义|意思))",
)

_UNIT_NUMBERS = re.compile(
    r"(?:\baus?|action units?|动作单元|运动单元|(?<![a-z])au)\s*(?:no\.?|number|#|-|_)?\s*(\d{1,3}(?![\d.]*\s*(?:ms|"
    r"px|%))(?!\d)(?:\s*(?:,|and|or|&|\+|和|与|或|、|/)\s*(?:au\s*)?\d{1,3}(?!\d))*)|(?<!\d)(\d{1,3})\s*号(?:动作|"
    r"运动)?单元"
)
# Everyday words for what single action units do. Longer patterns first where one holds the other.
_UNIT_WORDS: tuple[tuple[str, str, tuple[int, ...]], ...] = (
    (r"\bsmil(?:e|es|ed|ing)\b|\bgrin", r"微笑|(?<!可)笑|嘴角(?:上扬|上翘|向上)", (12,)),
    (r"\bfrown", r"皱眉|蹙眉", (4,)),
    (
        r"\b(?:rais(?:e|es|ed|ing)|lift(?:s|ed|ing)?)\b.{0,12}\b(?:eye)?brows?\b|\b(?:eye)?brows?\b.{0,10}\b(?:rais|"
        r"lift|up\b|rise|rose|go up)",
        r"挑眉|扬眉|抬眉|眉毛(?:上扬|上抬|抬)",
        (1, 2),
    ),
    (r"\bwrinkl\w* .{0,12}nose|\bnose .{0,10}wrinkl|\bsneer", r"皱鼻|鼻子皱", (9,)),
    (r"\bsquint|\bnarrow\w* .{0,10}eyes|\beyes? narrow", r"眯眼|眯起", (7,)),
    (r"\bwiden\w* .{0,10}eyes|\beyes? (?:widen|wide)|\bwide eyes", r"瞪眼|睁大", (5,)),
    (r"\bpout|\bpucker|\bpurs\w+ .{0,10}lips", r"噘嘴|嘟嘴|撅嘴", (18,)),
    (r"\bpress\w* .{0,12}lips|\blips? (?:were |are )?press", r"抿嘴", (24,)),
    (r"\blips? (?:were |are )?(?:part|parted|open)", r"嘴唇(?:分开|张开)|双唇分开", (25,)),
    (
        r"\b(?:jaw|mouth) (?:\w+ )?(?:drop|open|fall)|\bopen\w* .{0,10}mouth",
        r"张嘴|张口|下巴(?:掉|下落)|下颌下",
        (25, 26),
    ),
    (r"\bsmirk|\bdimple", r"撇嘴|酒窝|冷笑", (14,)),
    (r"\b(?:lip|mouth) corners? .{0,12}(?:down|drop|fell)", r"嘴角(?:下垂|下拉|向下)", (15,)),
    (r"\bwink", r"单眼眨|使眼色", (46,)),
)
_EMOTION_WORDS: tuple[tuple[str, str, str], ...] = (
    (
        "happiness",
        r"\bhapp(?:y|ier|iness|ily)\b|\bjoy|\bpleas(?:ed|ure)\b|\bamus|\bdelight|\bglad\b",
        r"高兴|开心|快乐|愉快|喜悦|幸福|欢喜",
    ),
    ("sadness", r"\bsad|\bunhapp|\bgrief|\bsorrow", r"悲伤|难过|伤心|悲哀|忧伤|沮丧"),
    ("surprise", r"\bsurpris|\bastonish|\bstartl", r"惊讶|惊奇|吃惊|惊喜|意外"),
    ("fear", r"\bfear|\bafraid|\bscar(?:ed|y)\b|\bfright|\banxi|\bnervous|\bterrif", r"恐惧|害怕|惊恐|焦虑|紧张|恐慌"),
    ("anger", r"\bang(?:er|ry|rily)\b|\bmad\b|\bannoy|\bfuri|\brage\b|\birritat", r"愤怒|生气|发怒|恼怒|气愤|恼火"),
    ("disgust", r"\bdisgust|\brevuls|\brepuls", r"厌恶|恶心|反感|嫌恶"),
    ("contempt", r"\bcontempt|\bscorn|\bsmug|\bdisdain", r"轻蔑|蔑视|鄙视|不屑|藐视"),
    ("repression", r"\brepress|\bsuppress|\bheld back|\bholding back", r"压抑|抑制|克制|忍住"),
)
REGION_WORDS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (r"\binner (?:eye)?brows?", r"眉毛?内(?:端|侧)?|内眉|眉头", ("inner brow",)),
    (r"\bouter (?:eye)?brows?", r"眉毛?外(?:端|侧)?|外眉|眉梢|眉尾", ("outer brow",)),
    (
        r"(?<!inner )(?<!outer )(?<!inner eye)(?<!outer eye)\b(?:eye)?brows?\b|\bforehead",
        r"眉毛(?!内|外)|双眉|额头",
        ("inner brow", "outer brow"),
    ),
    (r"\bupper (?:eye)?lids?", r"上眼[睑皮]", ("upper lid",)),
    (r"\blower (?:eye)?lids?", r"下眼[睑皮]", ("lower lid",)),
    (
        r"(?<!upper )(?<!lower )\b(?:eye)?lids?\b|\beyes?\b(?! distance)",
        r"(?<!上)(?<!下)眼[睑皮]|眼睛|双眼",
        ("upper lid", "lower lid"),
    ),
    (r"\bcheeks?\b", r"面颊|脸颊|颧", ("cheek",)),
    (r"\bnostrils?|\bnose\b", r"鼻翼|鼻孔|鼻子", ("nostril wing",)),
    (r"\bnasolabial|\bsmile lines?", r"鼻唇沟|法令纹", ("nasolabial fold",)),
    (r"\b(?:mouth|lip) corners?|\bcorners? of the (?:mouth|lips?)", r"嘴角|口角", ("mouth corner",)),
    (r"\bupper lip", r"上(?:嘴)?唇", ("upper lip",)),
    (r"\blower lip", r"下(?:嘴)?唇", ("lower lip",)),
    (
        r"\bmouth\b(?! corner)|(?<!upper )(?<!lower )\blips?\b(?! corner)",
        r"嘴巴|嘴部|嘴唇|双唇",
        ("mouth corner", "upper lip", "lower lip"),
    ),
    (r"\bchin\b|\bjaw\b", r"下巴|下颌|颏", ("chin",)),
)
_SPAN_WORDS: tuple[tuple[str, str], ...] = (
    ("blink", r"\bblink|眨眼|眨动"),
    ("speech", r"\bspeech|\bspeak|\btalk|\bchew|说话|讲话|言语|咀嚼"),
    ("head", r"\bhead\b|\bpose\b|\bturn(?:s|ed|ing)? away|头部|头动|转头|点头|摇头|姿态|姿势"),
)
_COLOUR_WORDS: tuple[tuple[str, str], ...] = (  # a direction of facs.DIRECTIONS and the colour that stands for it
    ("right", r"\bred\b|红"),
    ("down-right", r"\borange|橙"),
    ("down", r"\byellow|黄"),
    ("down-left", r"(?<!yellow-)(?<!yellow )\bgreen|(?<!黄)绿"),
    ("left", r"\bcyan|\bturquoise|青"),
    ("up-left", r"\bblue\b|蓝"),
    ("up", r"\bpurple|\bviolet|紫"),
    ("up-right", r"\bmagenta|\bpink|粉|品红|洋红"),
)

# Where the intent on the left is asked for, those on the right are only its wording.
_SWALLOWS: dict[Intent, frozenset[Intent]] = {
    _I.LIE: frozenset(set(Intent) - {_I.LIE, _I.UNIT, _I.UNITS, _I.WHEN, _I.GENUINE}),
    _I.GENUINE: frozenset(set(Intent) - {_I.GENUINE, _I.WHEN, _I.UNITS}),
    _I.HEALTH: frozenset(set(Intent) - {_I.HEALTH}),
    _I.IDENTITY: frozenset(set(Intent) - {_I.IDENTITY}),
    _I.TRAITS: frozenset(set(Intent) - {_I.TRAITS}),
    _I.THOUGHTS: frozenset(set(Intent) - {_I.THOUGHTS}),
    _I.USE: frozenset(set(Intent) - {_I.USE, _I.PRIVACY}),
    _I.PRIVACY: frozenset(set(Intent) - {_I.PRIVACY, _I.USE}),
    _I.MODEL: frozenset(set(Intent) - {_I.MODEL}),
    _I.TERM: frozenset(
        set(Intent) - {_I.TERM, _I.SIDE, _I.DURATION, _I.SPANS, _I.LIE, _I.GENUINE, _I.HEALTH, _I.MODEL, _I.PRIVACY}
    ),
    _I.MAGNIFIED: frozenset(set(Intent) - {_I.MAGNIFIED}),
    _I.PICTURE: frozenset(set(Intent) - {_I.PICTURE, _I.UNITS, _I.UNIT}),
    _I.METHOD: frozenset({_I.EXPLAIN, _I.WHY, _I.HELP, _I.WHEN, _I.UNITS, _I.EMOTION, _I.REGION, _I.WHERE}),
    _I.BETTER_CLIP: frozenset(set(Intent) - {_I.BETTER_CLIP}),
    _I.CANDIDATES: frozenset({_I.EXPLAIN, _I.EMOTION, _I.KIND, _I.WHEN, _I.ALTERNATIVES, _I.WHERE, _I.SIDE, _I.HELP}),
    _I.FACES: frozenset(set(Intent) - {_I.FACES}),
    _I.QUALITY: frozenset({_I.EXPLAIN, _I.WHY, _I.DURATION, _I.WHEN, _I.STRENGTH, _I.RELIABILITY, _I.FACES, _I.REGION}),
    _I.RELIABILITY: frozenset({_I.WHY, _I.EXPLAIN, _I.STRENGTH, _I.EMOTION, _I.WHERE, _I.ALTERNATIVES, _I.KIND}),
    _I.SPANS: frozenset({_I.REGION, _I.EXPLAIN, _I.WHEN, _I.UNIT, _I.DURATION, _I.WHERE, _I.EMOTION}),
    _I.COMPARE: frozenset({_I.REGION, _I.SIDE, _I.STRENGTH, _I.WHERE, _I.ALTERNATIVES, _I.EXPLAIN}),
    _I.KIND: frozenset({_I.EMOTION, _I.WHY, _I.EXPLAIN, _I.UNKNOWN}),
    _I.NAMED_EMOTION: frozenset({_I.EMOTION, _I.COARSE, _I.ALTERNATIVES, _I.WHY, _I.EXPLAIN, _I.WHERE, _I.STRENGTH}),
    _I.ALTERNATIVES: frozenset({_I.EMOTION, _I.WHY, _I.EXPLAIN, _I.HELP}),
    _I.UNIT: frozenset({_I.UNITS, _I.REGION, _I.EXPLAIN, _I.EMOTION, _I.WHERE}),
    _I.WHERE: frozenset({_I.STRENGTH, _I.EXPLAIN}),
    _I.STRENGTH: frozenset({_I.EXPLAIN}),
    _I.WHY: frozenset({_I.EMOTION, _I.EXPLAIN, _I.UNIT, _I.UNITS}),
    _I.EMOTION: frozenset({_I.COARSE, _I.EXPLAIN}),
    _I.COARSE: frozenset({_I.EXPLAIN}),
    _I.UNITS: frozenset({_I.EXPLAIN}),
    _I.WHEN: frozenset({_I.EXPLAIN}),
    _I.SIDE: frozenset({_I.EXPLAIN, _I.REGION}),
    _I.DURATION: frozenset({_I.EXPLAIN, _I.WHEN}),
}
# Said along with a question, or instead of one.
_POLITE = frozenset({_I.GREETING, _I.THANKS, _I.HELP})

TRADITIONAL = str.maketrans(
    "為這動嗎邊側時間長強單認麼個臉號錄還與對錯實據嚴紅綠藍黃圖數學區鼻頰顎顏說話講謊騙誠眼瞼嘴確噪聲靠質幀視頻類種開樣點轉頭關於幾別誰顯著處"
    "彎揚皺壓憤懼厭惡驚訝悲傷輕測計結論細節釋總釐問題讀麗隱儲刪應請現證",
    "为这动吗边侧时间长强单认么个脸号录还与对错实据严红绿蓝黄图数学区鼻颊颚颜说话讲谎骗诚眼睑嘴确噪声靠质帧视频类种开样点转头关于几别谁显著处"
    "弯扬皱压愤惧厌恶惊讶悲伤轻测计结论细节释总厘问题读丽隐储删应请现证",
)


# --------------------------------------------------------------------------------------------- reading a question


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


def understand(question: str, earlier: Sequence[str] = (), language: Language = "en") -> Query:
    """What is asked. ``earlier`` are the visitor's questions before this one, oldest first.

    ``language`` is used where the question shows none. Never raises; an answerable query has at least one intent.
    """
    remembered = list(earlier[-REMEMBERED:])
    for text in remembered:
        language = language_of(text, language)
    text = clean(question)
    if not text:
        return Query(language_of(question, language), (_I.EMPTY,))
    language = language_of(text, language)
    if _foreign(text) or other_script(text):
        return Query(language, (_I.FOREIGN,))
    wished = _wished_language(text)
    query = _read(text, wished or language)
    if wished and not query.intents:
        return replace(query, intents=(_I.EXPLAIN,))
    if not query.intents and other_language(question[:READ_CHARACTERS]):
        return replace(query, intents=(_I.FOREIGN,))
    if not query.intents and (mended := _spelled(text)) != text:  # only then: what is understood is left as it is
        text, query = mended, _read(mended, language)
    if remembered:
        query = _in_context(query, text, remembered, language)
    if query.side and not query.intents:
        return replace(query, intents=(_I.SIDE,))
    return query if query.intents else replace(query, intents=(_I.UNKNOWN,))


# What questions are made of; a word that is none of them and one slip away from one is taken for it.
_SPELLED_WORDS = """
    action anger angry apex certain colour color cheek compare confidence contempt describe direction disgust duration
    emotion evidence expression eyebrow explain feeling frame happened happiness happy intensity lips measure micro
    milliseconds model mouth moved movement moving muscle muscles noise nose onset pixels positive negative reliable
    region sadness seconds smile smiling sneer stronger strongest summarize surprise surprised symmetric trust unit
    units when where which
"""
_SPELLED = tuple(_SPELLED_WORDS.split())
_LEAST_SPELLED = 5  # letters; shorter words are one slip away from too many others


def _spelled(text: str) -> str:
    """A question with its slips of the pen mended: one letter too many, missing, wrong, or two swapped."""

    def mend(found: re.Match[str]) -> str:
        word = found.group()
        if word in _SPELLED or (len(word) < _LEAST_SPELLED and word not in ("wich", "wen", "wher", "hapy")):
            return word
        near = [known for known in _SPELLED if _one_slip(word, known)]
        return near[0] if near else word

    return re.sub(r"[a-z]+", mend, text)


def _one_slip(word: str, known: str) -> bool:
    if abs(len(word) - len(known)) > 1 or word[0] != known[0]:
        return False
    start = next((i for i, (a, b) in enumerate(zip(word, known, strict=False)) if a != b), min(len(word), len(known)))
    rest, wanted = word[start:], known[start:]
    swapped = rest[:2] == wanted[:2][::-1] and rest[2:] == wanted[2:]
    return rest[1:] in (wanted[1:], wanted) or rest == wanted[1:] or swapped


def clean(question: str) -> str:
    """The beginning of a question, lower case, simplified, one line, without markup and control characters."""
    text = unicodedata.normalize("NFKC", question[:READ_CHARACTERS]).casefold().translate(TRADITIONAL)
    text = re.sub(r"<[^<>]{0,200}>", " ", text)
    text = "".join(" " if unicodedata.category(char)[0] in "CZ" else char for char in text)
    return re.sub(r"\s+", " ", text.replace("’", "'").replace("‘", "'")).strip()


def _wished_language(text: str) -> Language | None:
    """The language that the question asks to be answered in, if it does."""
    if re.search(r"\b(?:in|to|into) chinese\b|用?(?:中文|汉语|普通话)", text):
        return "zh"
    return "en" if re.search(r"\b(?:in|to|into) english\b|用?(?:英文|英语)", text) else None


def _foreign(text: str) -> bool:
    """Mostly letters of a script that is neither Latin nor Chinese."""
    letters = [char for char in text if char.isalpha()]
    known = [char for char in letters if char < "\u0250" or re.match(f"[{HAN}α]", char)]
    return len(letters) >= 2 and 2 * len(known) < len(letters)


_CLAUSES = re.compile(
    r"[?!;？！；。]+|(?<!\d)\.(?!\d)|,?\s+(?:and|but|also)\s+(?=(?:based on \w+, )?(?:what|which|when|how|where|why|"
    r"who|is|are|did|does|do|was|were|can)\b)|，(?:并且|而且|还有|另外|以及)?"
)


def _read(text: str, language: Language) -> Query:
    """The query of one question, clause by clause, without its context."""
    whole = Query(language, ())
    for clause in _CLAUSES.split(text):
        if clause and clause.strip():
            whole = _merged(whole, _read_clause(clause.strip(), language))
    intents = whole.intents
    if len(intents) > 1:
        intents = tuple(intent for intent in intents if intent not in _POLITE) or intents[:1]
    if any(intent in REFUSALS for intent in intents):
        intents = tuple(intent for intent in intents if intent not in (_I.WHY, _I.EXPLAIN, _I.RELIABILITY))
    return replace(whole, intents=intents[:MOST_INTENTS])


def _merged(one: Query, other: Query) -> Query:
    return Query(
        language=one.language,
        intents=_distinct(one.intents + other.intents),
        units=_distinct(one.units + other.units),
        side=one.side or other.side,
        regions=_distinct(one.regions + other.regions),
        emotions=_distinct(one.emotions + other.emotions),
        terms=_distinct(one.terms + other.terms),
        spans=_distinct(one.spans + other.spans),
        colours=_distinct(one.colours + other.colours),
    )


def _distinct(items: tuple) -> tuple:
    return tuple(dict.fromkeys(items))


def _read_clause(clause: str, language: Language) -> Query:
    units, named = _units_in(clause)
    regions, emotions = _regions_in(clause), _emotions_in(clause)
    colours = tuple(name for name, pattern in _COLOUR_WORDS if re.search(pattern, clause))
    spans = tuple(name for name, pattern in _SPAN_WORDS if re.search(pattern, clause))
    terms = _terms_in(clause)
    places = _intents_in(clause, language)
    if terms:
        places[_I.TERM] = 0
    if units:
        asked = places.keys() & {_I.SIDE, _I.STRENGTH, _I.WHEN, _I.DURATION, _I.WHY, _I.COMPARE}
        about_word = named and bool(places.keys() & (REFUSALS | {_I.MODEL, _I.PRIVACY}))
        if not asked and not about_word:
            places[_I.UNIT] = 0
        if places.keys() & {_I.WHY}:
            places.pop(_I.UNITS, None)
        places.pop(_I.UNITS, None)
    elif _I.UNITS in places and re.match(r"(?:is|was) (?:the|an) action unit\b", clause):
        places[_I.UNIT] = places.pop(_I.UNITS)
    if emotions and not units:
        places[_I.NAMED_EMOTION] = 0
    if regions and not units and not places.keys() - {_I.STRENGTH, _I.EXPLAIN, _I.WHERE, _I.SIDE, _I.UNKNOWN}:
        places[_I.REGION] = 0
        places.pop(_I.STRENGTH, None)
        places.pop(_I.WHERE, None)
    if _I.PICTURE in places and not colours and regions and _I.UNIT in places:
        places.pop(_I.PICTURE)
    swallowed = {loser for winner in places for loser in _SWALLOWS.get(winner, ())}
    both_ways = {intent for intent in swallowed if intent in places}
    kept = [intent for intent in places if intent not in both_ways]
    if not kept and places:  # two that exclude each other: the one listed first weighs more
        kept = [min(places, key=lambda intent: list(Intent).index(intent))]
    kept.sort(key=lambda intent: places[intent])
    return Query(language, tuple(kept), units, _side_in(clause), regions, emotions, terms, spans, colours)


def _intents_in(clause: str, language: Language) -> dict[Intent, int]:
    """Intents whose patterns occur, with the place of the first occurrence. Mixed text is read in both languages."""
    places: dict[Intent, int] = {}
    tables = (_compiled("zh"), _compiled("en")) if re.search(f"[{HAN}]", clause) else (_compiled("en"),)
    for table in tables:
        for intent, pattern in table:
            found = pattern.search(clause)
            if found and intent not in places:
                places[intent] = found.start()
    return places


@cache
def _compiled(language: Language) -> tuple[tuple[Intent, re.Pattern[str]], ...]:
    table = _INTENTS_EN if language == "en" else _INTENTS_ZH
    return tuple((intent, re.compile(pattern)) for intent, pattern in table)


def _units_in(clause: str) -> tuple[tuple[int, ...], bool]:
    """Action units by number or by name, and whether a name or an everyday word was used."""
    numbers = [int(digits) for found in _UNIT_NUMBERS.finditer(clause) for digits in re.findall(r"\d+", found.group())]
    if numbers:
        return _distinct(tuple(numbers)), False
    named: tuple[int, ...] = ()
    for name, au in unit_names():
        if name in clause:
            named += (au,)
            clause = clause.replace(name, " ")
    if named:
        return _distinct(named), True
    for english, chinese, units in _UNIT_WORDS:
        if re.search(english, clause) or re.search(chinese, clause):
            named += units
    return _distinct(named), True


@cache
def unit_names() -> tuple[tuple[str, int], ...]:
    """FACS names in both languages, longest first, so that “upper lip raiser” is not taken for another."""
    names: list[tuple[str, int]] = []
    for unit in facs.ACTION_UNITS:
        chinese = unicodedata.normalize("NFKC", unit.name_zh)
        names += [(name.casefold(), unit.number) for name in (unit.name, chinese, *re.split(r"[()]", chinese))]
    names += [("nostril dilater", 38), ("nostril compress", 39), ("lip press", 24), ("mouth corner puller", 12)]
    return tuple(sorted((pair for pair in names if len(pair[0]) > 1), key=lambda pair: -len(pair[0])))


def _regions_in(clause: str) -> tuple[str, ...]:
    found: tuple[str, ...] = ()
    for english, chinese, names in REGION_WORDS:
        if re.search(english, clause) or re.search(chinese, clause):
            found += names
    return _distinct(found)


def _emotions_in(clause: str) -> tuple[str, ...]:
    return tuple(
        name
        for name, english, chinese in _EMOTION_WORDS
        if re.search(english, clause) or re.search(chinese, clause) or facs.EMOTION_ZH[name] in clause
    )


def _side_in(clause: str) -> Side | None:
    left = bool(re.search(r"\bleft\b|左", clause))
    right = bool(re.search(r"\bright\b(?! now)|右", clause))
    if left == right:
        return None
    return "left" if left else "right"


def _terms_in(clause: str) -> tuple[str, ...]:
    """Words whose meaning is asked for; not those whose value in this clip is."""
    found: list[str] = []
    before_zh, after_zh = _DEFINES_ZH
    for key, (english, chinese) in TERMS.items():
        asked = re.search(
            rf"{_DEFINES_EN}(?:{english})[\"'”’]?(?:\s+(?:mean|anyway|exactly|in facs))?\s*$", clause
        ) or (re.search(rf"\b(?:{english}){_MEANS_EN}", clause))
        if asked and key in _DEFINITE_VALUE and re.search(rf"\bthe (?:{english})", clause):
            continue
        if asked and re.match(r"what about\b", clause):
            asked = None
        paired = re.search(rf"difference between.*\b(?:{english})", clause)
        asked_zh = re.search(rf"(?:{before_zh})(?:{chinese})|(?:{chinese}){after_zh}", clause)
        asked_zh = asked_zh or re.search(rf"(?:{chinese})[^，。？]{{0,12}}(?:区别|差别|不同)", clause)
        if asked or paired or asked_zh:
            found.append(key)
    if found and re.search(r"\band\b|[和与]", clause):  # “what are onset and apex”: both
        found += [key for key, (english, _) in TERMS.items() if re.search(rf"\b(?:{english})\b", clause)]
    return _distinct(tuple(found))


# --------------------------------------------------------------------------------------------- what went before

_BARE_WHY = re.compile(
    r"(?:but |and |so )?(?:why|how come|why (?:is )?(?:that|so|this)|为什么(?:呢|啊)?|为何|为啥|怎么会|"
    r"原因呢)[?!.？！。\s]*"
)
_OTHER_SIDE = re.compile(r"\bother (?:side|half|one|corner|brow|eye|cheek)\b|另(?:外)?一?(?:边|侧|只)|对侧")
_WITH_SIDE = frozenset({_I.SIDE, _I.STRENGTH, _I.REGION, _I.WHERE, _I.UNIT, _I.UNITS, _I.COMPARE})
_WITH_UNIT = frozenset({_I.SIDE, _I.STRENGTH, _I.WHEN, _I.DURATION, _I.WHY})


def _in_context(query: Query, text: str, earlier: list[str], language: Language) -> Query:
    """Complete a question that leans on the one before it."""
    before = Query(language, ())
    for question in earlier:
        known = _read(clean(question), language)
        before = known if known.intents else before
    if not before.intents:
        return query
    if _BARE_WHY.fullmatch(text):
        return _why(query, before)
    if _OTHER_SIDE.search(text):
        regions = query.regions or before.regions
        other: Side | None = {"left": "right", "right": "left"}.get(before.side or "")  # type: ignore[assignment]
        if regions:
            return replace(query, intents=(_I.REGION,), regions=regions, side=other)
        units = query.units or before.units
        return replace(query, intents=(_I.STRENGTH,) if units else (_I.SIDE,), units=units, side=other)
    if query.side and not query.intents and before.intents[0] in _WITH_SIDE:
        return replace(query, intents=before.intents, regions=query.regions or before.regions, units=before.units)
    if query.side and not query.intents:
        return replace(query, intents=(_I.SIDE,))
    leaning = re.search(r"\b(?:it|its|that|this|they|and)\b|它|这个|那个|那|呢", text)
    if before.units and not query.units and leaning and set(query.intents) & _WITH_UNIT and len(text) < 60:
        return replace(query, units=before.units)
    return query


def _why(query: Query, before: Query) -> Query:
    """“Why?” after a refusal asks for its reason, after a unit for what it rests on, else for the reading's reasons."""
    first = before.intents[0]
    if first in REFUSALS or first in (_I.KIND, _I.RELIABILITY, _I.SPANS, _I.QUALITY):
        return replace(before, intents=(first,))
    if first in (_I.NAMED_EMOTION, _I.ALTERNATIVES):
        return replace(before, intents=(first,))
    return replace(query, intents=(_I.WHY,), units=before.units)
