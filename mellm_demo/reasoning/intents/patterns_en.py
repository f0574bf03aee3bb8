"""Which English words ask for which intent."""

from __future__ import annotations

import re

from mellm_demo.reasoning.intents.kinds import Intent

_I = Intent
INTENTS_EN: tuple[tuple[Intent, str], ...] = (
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
# One word is wanted, whether any reading is well supported or not: MEGC's questions ask so.
ONE_WORD_ASKED = re.compile(r"\bfine[- ]grained|\bclosest word|\bone word\b", re.IGNORECASE)
# “Is the action unit … shown?”, by whatever name.
UNIT_ASKED = re.compile(r"\b(?:is|was) (?:the |an )?action unit \S.* (?:shown|present|active|visible)\b", re.IGNORECASE)
