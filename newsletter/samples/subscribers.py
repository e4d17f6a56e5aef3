"""Made-up readers: the same ones every time, in many scripts, under names that no mail can ever reach.

Everything is counted out from a reader's number, nothing is drawn by chance, so the first ten of a thousand are the
same as the first ten of ten. The domains end in `.example`, which RFC 2606 section 2 keeps free for ever.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

COLUMNS = ("email", "name", "state", "language", "timezone", "tags", "consent_source", "consent_at")
INVALID_AT = 411  # the reader whose address lacks its @
_DOMAINS = ("post.example", "mail.example", "letters.example", "inbox.example", "readers.example", "bücher.example")
_TAGS = ("", "beginner", "engineer", "beginner;teacher", "", "press", "teacher")
_SOURCES = ("sign-up form", "sign-up form", "conference desk", "earlier list")
_FIRST_CONSENT = datetime(2024, 1, 8, 7, 30, tzinfo=UTC)
# state -> (every how many readers, counted from which); the first that fits is taken
_STATES = {"complained": (250, 111), "bounced": (50, 7), "unsubscribed": (33, 5), "pending": (125, 60)}


@dataclass(frozen=True)
class _People:
    """Ten given and ten family names of one language, each as `written:latin`."""

    language: str
    timezone: str
    given: str
    family: str
    order: str = "{given} {family}"

    def named(self, number: int) -> tuple[str, str]:
        """(name, part before the @) of one of a hundred people; then the same names again, with a number."""
        again, person = divmod(number, 100)
        given = self.given.split()[person % 10].split(":")
        family = self.family.split()[(person + person // 10) % 10].split(":")
        local = f"{given[-1]}.{family[-1]}{again + 1 if again else ''}".lower()
        return self.order.format(given=given[0], family=family[0]), local


_PEOPLES = (
    _People(
        "en",
        "Europe/Dublin",
        "Siobhán:siobhan Liam Aoife Conor Niamh Róisín:roisin Declan Maeve Oisín:oisin Clare",
        "O'Brien:obrien Murphy D'Arcy:darcy Byrne O'Sullivan:osullivan Walsh Fitz-Simon:fitz-simon Doyle Nolan Kelly",
    ),
    _People(
        "de",
        "Europe/Berlin",
        "Jürgen:juergen Anna Jörg:joerg Käthe:kaethe Sören:soeren Lena Björn:bjoern Heike Rüdiger:ruediger Mia",
        "Müller:mueller Groß:gross Schäfer:schaefer König:koenig Weiß:weiss "
        "Vogel Böhm:boehm Krause Lüders:lueders Winkler",
    ),
    _People(
        "fr",
        "Europe/Paris",
        "Zoé:zoe François:francois Éloïse:eloise Noël:noel Agnès:agnes "
        "Benoît:benoit Chloé:chloe Hélène:helene Rémi:remi Luc",
        "Lefèvre:lefevre Garçon:garcon Benoît:benoit Faÿ:fay Dubois "
        "L'Hôte:lhote Moreau Clément:clement Bérard:berard Petit",
    ),
    _People(
        "cs",
        "Europe/Prague",
        "Jiří:jiri Zdeněk:zdenek Šárka:sarka Tomáš:tomas Věra:vera "
        "Luděk:ludek Žofie:zofie Ondřej:ondrej Eliška:eliska Jan",
        "Dvořák:dvorak Novák:novak Černý:cerny Říha:riha Šimek:simek "
        "Kučera:kucera Žák:zak Beneš:benes Hájek:hajek Malý:maly",
    ),
    _People(
        "ru",
        "Europe/Helsinki",
        "Анна:anna Дмитрий:dmitri Юлия:yulia Пётр:pyotr Ольга:olga "
        "Игорь:igor Жанна:zhanna Фёдор:fyodor Нина:nina Олег:oleg",
        "Ким:kim Шевченко:shevchenko Ткач:tkach Бондарь:bondar Мороз:moroz "
        "Гончар:gonchar Цой:tsoi Коваль:koval Юрьев:yuryev Лях:lyakh",
    ),
    _People(
        "el",
        "Europe/Athens",
        "Ελένη:eleni Γιώργος:giorgos Άννα:anna Νίκος:nikos Ζωή:zoi "
        "Ηλίας:ilias Μαρία:maria Πέτρος:petros Ίρις:iris Θωμάς:thomas",
        "Παππάς:pappas Ρήγας:rigas Λύτρας:lytras Δήμου:dimou Μελάς:melas "
        "Ξένος:xenos Ζάχος:zachos Κόκκινος:kokkinos Φωκάς:fokas Βλάχος:vlachos",
    ),
    _People(
        "ar",
        "Africa/Cairo",
        "ليلى:layla يوسف:yusuf مريم:maryam عمر:omar هدى:huda خالد:khalid نور:nour سامي:sami رنا:rana كريم:karim",
        "حداد:haddad منصور:mansour خوري:khoury سالم:salem نجار:najjar "
        "عطية:attia بدر:badr زيدان:zidan شاهين:shahin قاسم:qasim",
    ),
    _People(
        "fa",
        "Asia/Tehran",
        "پریسا:parisa آرش:arash ژاله:zhaleh بهرام:bahram گلناز:golnaz "
        "کیوان:keyvan مینا:mina پویا:pouya شیرین:shirin داریوش:daryush",
        "رضایی:rezaei کریمی:karimi تهرانی:tehrani یزدی:yazdi شیرازی:shirazi "
        "مرادی:moradi نوری:nouri صفایی:safaei پناهی:panahi بهرامی:bahrami",
    ),
    _People(
        "hi",
        "Asia/Kolkata",
        "प्रिया:priya अर्जुन:arjun कृष्णा:krishna नेहा:neha विक्रम:vikram "
        "सुनीता:sunita रोहन:rohan मीरा:meera आदित्य:aditya गीता:geeta",
        "शर्मा:sharma वर्मा:verma मिश्रा:mishra सिंह:singh गुप्ता:gupta "
        "जोशी:joshi त्रिवेदी:trivedi चौहान:chauhan नायर:nair दास:das",
    ),
    _People(
        "ja",
        "Asia/Tokyo",
        "花子:hanako 健一:kenichi さくら:sakura 大輔:daisuke ゆうこ:yuko "
        "直樹:naoki 美咲:misaki 翔太:shota ミカ:mika 亮:ryo",
        "山田:yamada 佐々木:sasaki 髙橋:takahashi 渡邊:watanabe 伊藤:ito "
        "小林:kobayashi 中村:nakamura 斎藤:saito 森:mori 林:hayashi",
        "{family} {given}",
    ),
    _People(
        "zh",
        "Asia/Shanghai",
        "小明:xiaoming 静:jing 伟:wei 丽华:lihua 思远:siyuan 芳:fang 子涵:zihan 建国:jianguo 雨桐:yutong 磊:lei",
        "王:wang 李:li 张:zhang 刘:liu 欧阳:ouyang 陈:chen 赵:zhao 黄:huang 司马:sima 周:zhou",
        "{family}{given}",
    ),
    _People(
        "ko",
        "Asia/Seoul",
        "서연:seoyeon 민준:minjun 지우:jiwoo 하은:haeun 도윤:doyun "
        "수빈:subin 예진:yejin 현우:hyunwoo 은지:eunji 준호:junho",
        "김:kim 이:lee 박:park 최:choi 정:jung 강:kang 조:cho 윤:yoon 장:jang 남궁:namgung",
        "{family}{given}",
    ),
)


def sample_subscribers(count: int = 1000) -> Iterator[Mapping[str, str]]:
    """The first `count` made-up readers, each with all COLUMNS; what is not known of a reader is empty.

    Among 1,000 are 4 who complained, 20 whose mail bounced, about 30 who unsubscribed, 8 who have not confirmed, some
    without a name, and one whose address is no address. No two have the same address.
    """
    for number in range(count):
        yield _subscriber(number)


def write_csv(path: Path, count: int = 1000) -> None:
    """Write the first `count` made-up readers to `path`, as CSV in UTF-8: the same bytes every time."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(sample_subscribers(count))


def _subscriber(number: int) -> dict[str, str]:
    turn, people = divmod(number, len(_PEOPLES))
    who = _PEOPLES[people]
    name, local = who.named(turn)
    at = "" if number == INVALID_AT else "@"
    consent = _FIRST_CONSENT + timedelta(days=number * 7919 % 1000, minutes=number * 37 % 600)
    return {
        "email": f"{local}{at}{_DOMAINS[turn % len(_DOMAINS)]}",
        "name": "" if number % 19 == 3 else name,
        "state": next((state for state, (every, at) in _STATES.items() if number % every == at), "active"),
        "language": who.language,
        "timezone": who.timezone,
        "tags": _TAGS[number % len(_TAGS)],
        "consent_source": _SOURCES[number % len(_SOURCES)],
        "consent_at": consent.isoformat(),
    }
