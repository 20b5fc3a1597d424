"""Languages by one name: ISO 639-1 where there is one. Models say `de`, `deu`, `de-DE` or `German`. Pure."""

from __future__ import annotations

# Every language of ISO 639-1: its two letters, its three (ISO 639-2 and -3, also the bibliographic ones), its names.
_TABLE = """
    aa aar Afar; ab abk Abkhazian; ae ave Avestan; af afr Afrikaans; ak aka Akan; am amh Amharic; an arg Aragonese;
    ar ara Arabic; as asm Assamese; av ava Avaric; ay aym Aymara; az aze Azerbaijani; ba bak Bashkir;
    be bel Belarusian; bg bul Bulgarian; bi bis Bislama; bm bam Bambara; bn ben Bengali; bo bod tib Tibetan;
    br bre Breton; bs bos Bosnian; ca cat Catalan/Valencian; ce che Chechen; ch cha Chamorro; co cos Corsican;
    cr cre Cree; cs ces cze Czech; cu chu Church Slavic; cv chv Chuvash; cy cym wel Welsh; da dan Danish;
    de deu ger German; dv div Divehi; dz dzo Dzongkha; ee ewe Ewe; el ell gre Greek; en eng English; eo epo Esperanto;
    es spa Spanish/Castilian; et est Estonian; eu eus baq Basque; fa fas per Persian/Farsi; ff ful Fulah;
    fi fin Finnish; fj fij Fijian; fo fao Faroese; fr fra fre French; fy fry Frisian/Western Frisian; ga gle Irish;
    gd gla Scottish Gaelic/Gaelic; gl glg Galician; gn grn Guarani; gu guj Gujarati; gv glv Manx; ha hau Hausa;
    he heb Hebrew; hi hin Hindi; ho hmo Hiri Motu; hr hrv Croatian; ht hat Haitian Creole/Haitian; hu hun Hungarian;
    hy hye arm Armenian; hz her Herero; ia ina Interlingua; id ind Indonesian; ie ile Interlingue; ig ibo Igbo;
    ii iii Sichuan Yi; ik ipk Inupiaq; io ido Ido; is isl ice Icelandic; it ita Italian; iu iku Inuktitut;
    ja jpn Japanese; jv jav Javanese; ka kat geo Georgian; kg kon Kongo; ki kik Kikuyu; kj kua Kuanyama; kk kaz Kazakh;
    kl kal Kalaallisut/Greenlandic; km khm Khmer; kn kan Kannada; ko kor Korean; kr kau Kanuri; ks kas Kashmiri;
    ku kur Kurdish; kv kom Komi; kw cor Cornish; ky kir Kyrgyz/Kirghiz; la lat Latin;
    lb ltz Luxembourgish/Letzeburgesch; lg lug Ganda; li lim Limburgish/Limburgan; ln lin Lingala; lo lao Lao;
    lt lit Lithuanian; lu lub Luba-Katanga; lv lav Latvian; mg mlg Malagasy; mh mah Marshallese; mi mri mao Maori;
    mk mkd mac Macedonian; ml mal Malayalam; mn mon Mongolian; mr mar Marathi; ms msa may Malay; mt mlt Maltese;
    my mya bur Burmese/Myanmar; na nau Nauru; nb nob Bokmål/Norwegian Bokmål; nd nde North Ndebele; ne nep Nepali;
    ng ndo Ndonga; nl nld dut Dutch/Flemish; nn nno Nynorsk/Norwegian Nynorsk; no nor Norwegian; nr nbl South Ndebele;
    nv nav Navajo; ny nya Chichewa; oc oci Occitan; oj oji Ojibwa; om orm Oromo; or ori Odia/Oriya; os oss Ossetian;
    pa pan Punjabi/Panjabi; pi pli Pali; pl pol Polish; ps pus Pashto/Pushto; pt por Portuguese; qu que Quechua;
    rm roh Romansh; rn run Rundi; ro ron rum Romanian/Moldavian; ru rus Russian; rw kin Kinyarwanda; sa san Sanskrit;
    sc srd Sardinian; sd snd Sindhi; se sme Northern Sami; sg sag Sango; si sin Sinhala/Sinhalese; sk slk slo Slovak;
    sl slv Slovenian; sm smo Samoan; sn sna Shona; so som Somali; sq sqi alb Albanian; sr srp Serbian; ss ssw Swati;
    st sot Southern Sotho; su sun Sundanese; sv swe Swedish; sw swa Swahili; ta tam Tamil; te tel Telugu; tg tgk Tajik;
    th tha Thai; ti tir Tigrinya; tk tuk Turkmen; tl tgl fil Tagalog/Filipino; tn tsn Tswana; to ton Tonga;
    tr tur Turkish; ts tso Tsonga; tt tat Tatar; tw twi Twi; ty tah Tahitian; ug uig Uyghur/Uighur; uk ukr Ukrainian;
    ur urd Urdu; uz uzb Uzbek; ve ven Venda; vi vie Vietnamese; vo vol Volapük; wa wln Walloon; wo wol Wolof;
    xh xho Xhosa; yi yid Yiddish; yo yor Yoruba; za zha Zhuang; zh zho chi cmn Chinese/Mandarin; zu zul Zulu
"""
# What models still call a language by, though the standard has another name for it.
_OLD = {"jw": "jv", "iw": "he", "in": "id", "ji": "yi", "mo": "ro"}


def _read_table() -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    codes, names, three = dict(_OLD), dict[str, str](), dict[str, str]()
    for entry in _TABLE.split(";"):
        words = entry.split()
        own = [word for word in words if word.islower()]
        codes |= dict.fromkeys(own, own[0])
        names |= dict.fromkeys(" ".join(words[len(own) :]).lower().split("/"), own[0])
        three[own[0]] = own[1]
    return codes, names, three


_CODES, _NAMES, _THREE_LETTERS = _read_table()


def iso_code(language: str) -> str:
    """The two letters for a code (two or three letters, with or without a region) or an English name.

    What has no two letters keeps its three (`yue-HK` is `yue`); what is no language that is known here stays as it is.
    """
    given = language.strip()
    plain = given.lower().replace("_", "-")
    first = plain.partition("-")[0]
    known = _NAMES.get(plain) or _CODES.get(first)
    if known:
        return known
    return first if len(first) == 3 and first.isascii() and first.isalpha() else given  # noqa: PLR2004  as ISO 639-3


def three_letters(language: str) -> str | None:
    """The three letters of ISO 639-3 for a language that has two; None for any other."""
    return _THREE_LETTERS.get(iso_code(language))
