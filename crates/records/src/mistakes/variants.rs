//! Names spelled otherwise: by another transliteration, by ear, with other spaces.
//!
//! Rules and tables are from general knowledge, written for the questions and the sources' errors alone.

use crate::synth::Draw;

/// A name as another transliteration or a kindred language spells it; none if nothing is known of it. The language is
/// that of a list of names, such as `arabic`.
pub(crate) fn respelled(draw: &mut Draw, name: &str, language: &str) -> Option<String> {
    let groups: &[&[&str]] = match language {
        "arabic" | "pakistani" | "kenyan" | "nigerian" => ARABIC,
        "chinese" | "taiwanese" => CHINESE,
        "korean" => KOREAN,
        "vietnamese" => VIETNAMESE,
        "hispanic" | "brazilian" | "filipino" => IBERIAN,
        "russian" | "ukrainian" => SLAVIC,
        "indian" => INDIAN,
        _ => &[],
    };
    if let Some(group) = groups.iter().find(|group| group.contains(&name)) {
        let others: Vec<&str> = group.iter().copied().filter(|other| *other != name).collect();
        return draw.one(&others).map(|other| (*other).to_owned());
    }
    let rules: &[(&str, &str)] = match language {
        "arabic" | "pakistani" | "kenyan" => ARABIC_RULES,
        "russian" | "ukrainian" | "armenian" | "georgian" => SLAVIC_RULES,
        "chinese" => PINYIN_RULES,
        "taiwanese" => WADE_RULES,
        "korean" => KOREAN_RULES,
        "indian" => INDIAN_RULES,
        _ => return None,
    };
    replaced(draw, name, rules)
}

/// A name as one writes it who only heard it; none if no rule fits.
pub(crate) fn by_ear(draw: &mut Draw, name: &str) -> Option<String> {
    replaced(draw, name, EAR_RULES)
}

/// One of the rules that fit, once, at one of its places. A rule that begins with `^` holds at the beginning of a
/// word, one that ends with `$` at the end.
fn replaced(draw: &mut Draw, name: &str, rules: &[(&str, &str)]) -> Option<String> {
    let mut fitting = Vec::new();
    for (from, to) in rules {
        let (at_start, at_end) = (from.starts_with('^'), from.ends_with('$'));
        let bare = from.trim_start_matches('^').trim_end_matches('$');
        for (place, found) in name.match_indices(bare) {
            let is_letter = |c: char| c.is_ascii_uppercase();
            let (before, behind) = (name.get(..place)?, name.get(place + found.len()..)?);
            let is_inside = at_start && before.ends_with(is_letter) || at_end && behind.starts_with(is_letter);
            if !is_inside {
                fitting.push((before, *to, behind));
            }
        }
    }
    let (before, to, behind) = *draw.one(&fitting)?;
    let changed = [before, to, behind].concat();
    (changed != name && changed.bytes().filter(u8::is_ascii_uppercase).count() >= 2).then_some(changed)
}

/// A name whose words are joined, separated or apostrophized otherwise; none if it is one plain word.
pub(crate) fn spaced_otherwise(draw: &mut Draw, name: &str) -> Option<String> {
    let places: Vec<usize> = name.bytes().enumerate().filter(|(_, b)| b" '-".contains(b)).map(|(at, _)| at).collect();
    let joined = || name.chars().filter(|c| c.is_ascii_uppercase()).collect::<String>();
    let Some(at) = draw.one(&places).copied() else { return split_prefix(name) };
    let (before, behind) = (name.get(..at)?, name.get(at + 1..)?);
    let between = |with: &str| [before, with, behind].concat();
    let changed = match (name.as_bytes().get(at)?, draw.below(3)) {
        (b' ', 0) => between("-"),
        (b' ', 1) => between(""),
        (b'-', 0) => between(" "),
        (b'-', 1) => between(""),
        (b'\'', 0) => between(" "),
        (b'\'', _) => between(""),
        _ => joined(),
    };
    (changed != name).then_some(changed)
}

/// A prefix that is written together with the name behind it, set apart.
fn split_prefix(name: &str) -> Option<String> {
    const PREFIXES: [(&str, &str); 12] = [
        ("DELOS", "DE LOS "),
        ("DELAS", "DE LAS "),
        ("DELA", "DE LA "),
        ("DEL", "DEL "),
        ("MC", "MC "),
        ("MAC", "MAC "),
        ("VAN", "VAN "),
        ("ABDUL", "ABDUL "),
        ("ABDEL", "ABDEL "),
        ("SAINT", "SAINT "),
        ("ST", "ST "),
        ("LA", "LA "),
    ];
    let of = |(prefix, apart): &(&str, &str)| {
        let rest = name.strip_prefix(prefix).filter(|rest| rest.len() >= 4)?;
        Some([apart, rest].concat())
    };
    // The rarer prefixes are parts of ordinary names: LARA is not LA RA.
    PREFIXES.iter().take(9).find_map(of)
}

const ARABIC: &[&[&str]] = &[
    &["MOHAMMED", "MUHAMMAD", "MOHAMED", "MOHAMMAD", "MUHAMMED", "MOHAMAD", "MEHMED", "MUHAMAD"],
    &["AHMED", "AHMAD", "AHMET", "AHMAED"],
    &["HUSSEIN", "HUSSAIN", "HUSAYN", "HOSSAIN", "HUSEIN", "HOSSEIN", "HUSAIN"],
    &["HASSAN", "HASAN"],
    &["YUSUF", "YOUSEF", "YOUSSEF", "YUSEF", "YOUSUF", "YOUCEF", "JUSUF"],
    &["ABDULLAH", "ABDALLAH", "ABDULLA", "ABDOULLAH", "ABDALLA"],
    &["IBRAHIM", "EBRAHIM", "BRAHIM", "IBRAHEEM"],
    &["OMAR", "UMAR", "OMER", "UMER"],
    &["OSMAN", "UTHMAN", "OTHMAN", "USMAN", "OUSMANE"],
    &["SULEIMAN", "SULAIMAN", "SOLIMAN", "SULEMAN", "SULAYMAN", "SLIMANE"],
    &["MUSTAFA", "MUSTAPHA", "MOSTAFA", "MOUSTAFA"],
    &["MAHMOUD", "MAHMUD", "MAHMOOD"],
    &["KHALID", "KHALED", "CHALID"],
    &["SAID", "SAEED", "SAYED", "SAYYID", "SYED", "SAEID"],
    &["TARIQ", "TAREK", "TAREQ", "TARIK"],
    &["ISMAIL", "ISMAEL", "ISMAEEL", "SMAIL"],
    &["KARIM", "KAREEM"],
    &["FATIMA", "FATMA", "FATEMEH", "FATIMAH", "FATOUMA"],
    &["AISHA", "AYSHA", "AICHA", "AYESHA", "AISHAH"],
    &["KHADIJA", "KHADIJAH", "KHADIDJA", "HADIJA"],
    &["ZAINAB", "ZEINAB", "ZAYNAB", "ZINEB"],
    &["MARIAM", "MARYAM", "MERIEM", "MIRIAM"],
    &["QURESHI", "KORESHI", "QURAISHI"],
    &["CHAUDHRY", "CHOUDHURY", "CHAUDHARY", "CHOWDHURY"],
    &["SHEIKH", "SHAIKH", "SHAYKH", "CHEIKH"],
    &["RAHMAN", "REHMAN", "RAHMANE"],
    &["ALI", "ALY"],
    &["SALEH", "SALIH", "SALAH"],
    &["SALIM", "SALEEM", "SELIM"],
    &["HADDAD", "HADAD"],
    &["NASSER", "NASIR", "NASER", "NACER"],
    &["JAMAL", "GAMAL", "DJAMAL", "JAMEL"],
];

const ARABIC_RULES: &[(&str, &str)] = &[
    ("OU", "U"),
    ("EE", "I"),
    ("OO", "U"),
    ("^AL-", "EL-"),
    ("^EL-", "AL-"),
    ("DJ", "J"),
    ("Q", "K"),
    ("SS", "S"),
    ("DH", "D"),
    ("^EL ", "AL "),
    ("AI", "AY"),
    ("IYA$", "IA"),
    ("AH$", "A"),
    ("CH", "SH"),
];

const CHINESE: &[&[&str]] = &[
    &["ZHANG", "CHANG"],
    &["WANG", "WONG"],
    &["LI", "LEE"],
    &["CHEN", "CHAN"],
    &["ZHAO", "CHAO"],
    &["ZHOU", "CHOU"],
    &["XU", "HSU"],
    &["LIN", "LIM"],
    &["LIU", "LAU"],
    &["ZHENG", "CHENG"],
    &["XIE", "HSIEH"],
    &["CAI", "TSAI"],
    &["GUO", "KUO"],
    &["HE", "HO"],
    &["LUO", "LO"],
    &["ZENG", "TSENG"],
    &["JIANG", "CHIANG"],
    &["QIU", "CHIU"],
    &["CAO", "TSAO"],
    &["XIAO", "HSIAO"],
    &["ZHU", "CHU"],
    &["YE", "YEH"],
    &["DENG", "TENG"],
];

/// Pinyin to Wade-Giles.
const PINYIN_RULES: &[(&str, &str)] = &[
    ("ZH", "CH"),
    ("X", "HS"),
    ("Q", "CH"),
    ("JIAN", "CHIEN"),
    ("JI", "CHI"),
    ("IAN$", "IEN"),
    ("^G", "K"),
    ("^D", "T"),
    ("^B", "P"),
    ("^C", "TS"),
    ("^Z", "TS"),
    ("RONG", "JUNG"),
    ("ONG", "UNG"),
    ("YAN", "YEN"),
];

/// Wade-Giles to pinyin, and the hyphen gone.
const WADE_RULES: &[(&str, &str)] = &[
    ("HS", "X"),
    ("TS", "C"),
    ("IEN", "IAN"),
    ("UNG", "ONG"),
    ("-", ""),
    ("-", " "),
    ("CHIH", "ZHI"),
    ("CHIA", "JIA"),
];

const KOREAN: &[&[&str]] = &[
    &["LEE", "YI", "RHEE", "LI"],
    &["PARK", "PAK", "BAK"],
    &["CHOI", "CHOE"],
    &["JUNG", "CHUNG", "JEONG"],
    &["KANG", "GANG"],
    &["CHO", "JO"],
    &["YOON", "YUN"],
    &["JANG", "CHANG"],
    &["LIM", "IM", "RIM"],
    &["SHIN", "SIN"],
    &["KWON", "GWON"],
    &["AHN", "AN"],
    &["YOO", "YU", "RYU"],
    &["NOH", "ROH", "NO"],
    &["KO", "GO", "KOH"],
    &["BAEK", "PAEK", "BAIK"],
    &["SEO", "SUH"],
    &["MOON", "MUN"],
    &["OH", "O"],
    &["KIM", "GIM"],
];

const KOREAN_RULES: &[(&str, &str)] = &[
    ("EO", "U"),
    ("YOUNG", "YEONG"),
    ("YEONG", "YOUNG"),
    ("HYUN", "HYEON"),
    ("OO", "U"),
    ("HEE", "HUI"),
    ("JIN", "CHIN"),
    ("KYUNG", "GYEONG"),
    ("SEUNG", "SUNG"),
    ("JUN", "JOON"),
    ("-", " "),
    (" ", ""),
];

const VIETNAMESE: &[&[&str]] = &[
    &["NGUYEN", "NGUYỄN", "NGUYEEN", "NGYUEN"],
    &["TRAN", "TRẦN"],
    &["PHAM", "PHẠM"],
    &["HUYNH", "HUỲNH", "HOANG"],
    &["HOANG", "HOÀNG", "HUYNH"],
    &["VU", "VŨ", "VO"],
    &["VO", "VÕ", "VU"],
    &["DANG", "ĐẶNG"],
    &["BUI", "BÙI"],
    &["DO", "ĐỖ"],
    &["NGO", "NGÔ"],
    &["DUONG", "DƯƠNG"],
    &["LE", "LÊ"],
    &["PHAN", "PHÀN"],
    &["TRUONG", "TRƯƠNG"],
    &["DINH", "ĐINH"],
    &["THI", "THỊ"],
    &["HUONG", "HƯƠNG"],
    &["DUNG", "DŨNG"],
    &["DUC", "ĐỨC"],
    &["HUNG", "HÙNG"],
    &["HOA", "HÒA"],
];

const IBERIAN: &[&[&str]] = &[
    &["HERNANDEZ", "FERNANDEZ", "FERNANDES", "HERNANDES"],
    &["FERNANDEZ", "HERNANDEZ", "FERNANDES"],
    &["GONZALEZ", "GONZALES", "GONCALVES"],
    &["GONZALES", "GONZALEZ"],
    &["RODRIGUEZ", "RODRIGUES"],
    &["RODRIGUES", "RODRIGUEZ"],
    &["LOPEZ", "LOPES"],
    &["LOPES", "LOPEZ"],
    &["PEREZ", "PERES"],
    &["MARTINEZ", "MARTINES", "MARTINS"],
    &["SANCHEZ", "SANCHES"],
    &["GOMEZ", "GOMES"],
    &["GOMES", "GOMEZ"],
    &["JIMENEZ", "GIMENEZ", "XIMENEZ"],
    &["GIMENEZ", "JIMENEZ"],
    &["VASQUEZ", "VAZQUEZ", "VASQUES"],
    &["VAZQUEZ", "VASQUEZ"],
    &["MENDEZ", "MENDES"],
    &["ALVAREZ", "ALVARES"],
    &["NUNEZ", "NUÑEZ", "NUNES"],
    &["MUNOZ", "MUÑOZ"],
    &["PENA", "PEÑA"],
    &["IBANEZ", "IBAÑEZ", "YBANEZ"],
    &["CHAVEZ", "CHAVES"],
    &["CORTEZ", "CORTES"],
    &["VALDEZ", "VALDES"],
    &["JOSE", "JOSÉ"],
    &["JESUS", "JESÚS"],
    &["MARIA", "MARÍA"],
    &["ANGEL", "ÁNGEL"],
    &["RAMON", "RAMÓN"],
    &["JOAQUIN", "JOAQUÍN"],
    &["ISABEL", "YSABEL"],
    &["VICENTE", "VINCENTE"],
    &["GARCIA", "GARCÍA"],
    &["GUTIERREZ", "GUTIERRES", "GUTIÉRREZ"],
    &["RAMIREZ", "RAMIRES", "RAMÍREZ"],
    &["DIAZ", "DÍAZ", "DIAS"],
    &["CASTANEDA", "CASTAÑEDA"],
    &["SOUSA", "SOUZA"],
];

const SLAVIC: &[&[&str]] = &[
    &["SERGEY", "SERGEI", "SERGIY", "SERHII"],
    &["ALEKSEY", "ALEXEI", "ALEXEY", "OLEKSII"],
    &["ALEKSANDR", "ALEXANDER", "ALEKSANDER", "OLEKSANDR"],
    &["YURIY", "YURI", "IURII", "YURY"],
    &["DMITRIY", "DMITRI", "DMYTRO", "DMITRY"],
    &["EVGENIY", "YEVGENI", "EVGENY"],
    &["NIKOLAY", "NIKOLAI", "MYKOLA"],
    &["VLADIMIR", "VOLODYMYR", "WLADIMIR"],
    &["ANDREY", "ANDREI", "ANDRII"],
    &["YULIYA", "YULIA", "IULIIA", "JULIA"],
    &["NATALYA", "NATALIA", "NATALIIA"],
    &["TATYANA", "TATIANA", "TETIANA"],
    &["KSENIYA", "XENIA", "KSENIA"],
    &["EKATERINA", "YEKATERINA", "KATERYNA"],
    &["ELENA", "YELENA", "OLENA"],
    &["MARIYA", "MARIA", "MARIIA"],
    &["SOFYA", "SOFIA", "SOFIYA"],
];

const SLAVIC_RULES: &[(&str, &str)] = &[
    ("SKIY$", "SKY"),
    ("SKIY$", "SKII"),
    ("SKYI$", "SKIY"),
    ("YEV$", "EV"),
    ("^YE", "E"),
    ("YU", "IU"),
    ("YA", "IA"),
    ("KH", "H"),
    ("SHCH", "SCH"),
    ("TS", "C"),
    ("ZH", "J"),
    ("IY$", "Y"),
    ("IY$", "I"),
    ("IYA$", "IA"),
    ("KS", "X"),
    ("OV$", "OFF"),
    ("EY$", "EI"),
    ("'", ""),
    ("V$", "FF"),
];

const INDIAN: &[&[&str]] = &[
    &["LAKSHMI", "LAXMI", "LUXMI"],
    &["KRISHNA", "KRISHNAN", "KRSNA"],
    &["CHAUDHARY", "CHOUDHARY", "CHAUDHRY", "CHAUDHURI"],
    &["AGARWAL", "AGGARWAL", "AGRAWAL"],
    &["BANERJEE", "BANERJI", "BANNERJEE"],
    &["MUKHERJEE", "MUKHERJI", "MOOKERJEE"],
    &["CHATTERJEE", "CHATTERJI"],
    &["SHARMA", "SARMA"],
    &["GUPTA", "GUPTHA"],
    &["REDDY", "REDDI"],
    &["VENKAT", "VENKATA"],
    &["VIJAY", "VIJAI", "BIJAY"],
    &["DIPAK", "DEEPAK"],
    &["SURESH", "SOORESH"],
];

const INDIAN_RULES: &[(&str, &str)] = &[
    ("EE", "I"),
    ("OO", "U"),
    ("AA", "A"),
    ("KSH", "X"),
    ("TH", "T"),
    ("DH", "D"),
    ("V", "W"),
    ("BH", "B"),
    ("JEE$", "JI"),
    ("AI", "AY"),
    ("SH", "S"),
    ("Y$", "I"),
];

/// What sounds the same to an English ear.
const EAR_RULES: &[(&str, &str)] = &[
    ("PH", "F"),
    ("CK", "K"),
    ("^C", "K"),
    ("CA", "KA"),
    ("CO", "KO"),
    ("CI", "SI"),
    ("CE", "SE"),
    ("Z$", "S"),
    ("EZ$", "ES"),
    ("^Z", "S"),
    ("LL", "L"),
    ("SS", "S"),
    ("TT", "T"),
    ("NN", "N"),
    ("RR", "R"),
    ("QU", "K"),
    ("^J", "G"),
    ("^GE", "JE"),
    ("^GI", "JI"),
    ("Y$", "IE"),
    ("IE$", "Y"),
    ("Y$", "I"),
    ("EY$", "Y"),
    ("OO", "U"),
    ("EE", "EA"),
    ("EA", "EE"),
    ("X", "KS"),
    ("KS", "X"),
    ("^KN", "N"),
    ("^WR", "R"),
    ("^H", ""),
    ("TH", "T"),
    ("SCH", "SH"),
    ("GH", "G"),
    ("OU", "U"),
    ("AI", "AY"),
    ("ER$", "AR"),
    ("EN$", "ON"),
    ("SON$", "SEN"),
    ("V", "B"),
    ("^W", "V"),
    ("DT$", "T"),
    ("IA$", "EA"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_another_spelling_of_their_language() {
        let mut draw = Draw::new(9, 1, 1);
        for (name, language) in [
            ("MOHAMMED", "arabic"),
            ("ZHANG", "chinese"),
            ("XIAOMING", "chinese"),
            ("HERNANDEZ", "hispanic"),
            ("KANDINSKIY", "russian"),
            ("NGUYEN", "vietnamese"),
            ("PARK", "korean"),
            ("LAKSHMI", "indian"),
        ] {
            for _ in 0..50 {
                let other = respelled(&mut draw, name, language).unwrap_or_else(|| panic!("{name}"));
                assert_ne!(other, name);
            }
        }
        assert_eq!(respelled(&mut draw, "SMITH", "anglo"), None);
    }

    #[test]
    fn rules_hold_where_they_say() {
        let mut draw = Draw::new(9, 2, 1);
        assert_eq!(replaced(&mut draw, "KNIGHT KNUT", &[("^KN", "N"), ("N$", "X")]).map(|name| name.len()), Some(10));
        assert_eq!(replaced(&mut draw, "ECKNER", &[("^KN", "N")]), None);
        assert_eq!(replaced(&mut draw, "LOPEZ", &[("EZ$", "ES")]).as_deref(), Some("LOPES"));
        assert_eq!(replaced(&mut draw, "ZE", &[("Z$", "S")]), None);
    }

    #[test]
    fn spaces_change_and_letters_do_not() {
        let mut draw = Draw::new(9, 3, 1);
        for name in ["DE LA CRUZ", "O'BRIEN", "JEAN-LOUIS", "AL-HASSAN", "DELACRUZ", "MCDONALD"] {
            for _ in 0..50 {
                let other = spaced_otherwise(&mut draw, name).unwrap_or_else(|| panic!("{name}"));
                let letters = |name: &str| name.chars().filter(char::is_ascii_uppercase).collect::<String>();
                assert_ne!(other, name);
                assert_eq!(letters(&other), letters(name));
            }
        }
        assert_eq!(spaced_otherwise(&mut draw, "GARCIA"), None);
    }
}
