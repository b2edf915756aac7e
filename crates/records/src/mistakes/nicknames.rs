//! Short forms of given names, from general knowledge, written for the questions and the sources' errors alone.

use crate::synth::Draw;

/// A short form of a given name, or the whole of a short form; none if none is known.
pub(crate) fn nickname(draw: &mut Draw, given: &str) -> Option<String> {
    let short = |(whole, forms): &(&str, &[&'static str])| if *whole == given { forms.to_vec() } else { Vec::new() };
    let forms: Vec<&str> = NICKNAMES.iter().flat_map(short).collect();
    draw.one(&forms).map(|form| (*form).to_owned())
}

#[rustfmt::skip]
const NICKNAMES: [(&str, &[&str]); 116] = [
    ("ALBERT", &["AL", "BERT"]), ("ALEXANDER", &["ALEX", "SASHA", "XANDER"]), ("ALEXANDRA", &["ALEX", "SANDRA", "SASHA"]),
    ("ALFRED", &["AL", "FRED"]), ("ANDREW", &["ANDY", "DREW"]), ("ANTHONY", &["TONY"]), ("ARTHUR", &["ART"]), ("BARBARA", &["BARB", "BABS"]),
    ("BENJAMIN", &["BEN", "BENNY"]), ("CATHERINE", &["CATHY", "KATE", "CATE"]), ("CHARLES", &["CHUCK", "CHARLIE"]), ("CHRISTINA", &["TINA", "CHRIS"]),
    ("CHRISTINE", &["CHRIS", "TINA"]), ("CHRISTOPHER", &["CHRIS", "KIT"]), ("CYNTHIA", &["CINDY"]), ("DANIEL", &["DAN", "DANNY"]),
    ("DAVID", &["DAVE", "DAVEY"]), ("DEBORAH", &["DEBBIE", "DEB"]), ("DONALD", &["DON", "DONNIE"]), ("DOROTHY", &["DOT", "DOTTIE"]),
    ("EDWARD", &["ED", "EDDIE", "TED"]), ("ELIZABETH", &["LIZ", "BETH", "BETTY", "LIZZIE"]), ("EUGENE", &["GENE"]), ("FRANCES", &["FRAN", "FANNIE"]),
    ("FRANCIS", &["FRANK"]), ("FREDERICK", &["FRED", "FREDDY"]), ("GERALD", &["JERRY", "GERRY"]), ("GREGORY", &["GREG"]), ("HAROLD", &["HAL", "HARRY"]),
    ("HENRY", &["HANK", "HARRY"]), ("JACQUELINE", &["JACKIE"]), ("JAMES", &["JIM", "JIMMY", "JAMIE"]), ("JANET", &["JAN"]), ("JEFFREY", &["JEFF"]),
    ("JENNIFER", &["JEN", "JENNY"]), ("JESSICA", &["JESS", "JESSIE"]), ("JOHN", &["JACK", "JOHNNY"]), ("JONATHAN", &["JON"]), ("JOSEPH", &["JOE", "JOEY"]),
    ("JOSHUA", &["JOSH"]), ("JUDITH", &["JUDY"]), ("KATHERINE", &["KATE", "KATHY", "KATIE"]), ("KATHLEEN", &["KATHY", "KATIE"]), ("KENNETH", &["KEN", "KENNY"]),
    ("KIMBERLY", &["KIM"]), ("LAWRENCE", &["LARRY"]), ("LEONARD", &["LEN", "LENNY", "LEO"]), ("MARGARET", &["PEGGY", "MAGGIE", "MEG", "MARGE"]),
    ("MATTHEW", &["MATT"]), ("MELISSA", &["MEL", "MISSY"]), ("MICHAEL", &["MIKE", "MICK"]), ("NATHAN", &["NATE"]), ("NICHOLAS", &["NICK"]),
    ("PAMELA", &["PAM"]), ("PATRICIA", &["PAT", "PATTY", "TRISH"]), ("PATRICK", &["PAT", "PADDY"]), ("PETER", &["PETE"]), ("PHILLIP", &["PHIL"]),
    ("RAYMOND", &["RAY"]), ("REBECCA", &["BECKY"]), ("RICHARD", &["RICK", "DICK", "RICH"]), ("ROBERT", &["BOB", "BOBBY", "ROB"]), ("RONALD", &["RON", "RONNIE"]),
    ("SAMUEL", &["SAM", "SAMMY"]), ("SANDRA", &["SANDY"]), ("STEPHANIE", &["STEPH"]), ("STEPHEN", &["STEVE"]), ("STEVEN", &["STEVE"]), ("SUSAN", &["SUE", "SUSIE"]),
    ("THEODORE", &["TED", "THEO"]), ("THERESA", &["TERRY", "TESS"]), ("THOMAS", &["TOM", "TOMMY"]), ("TIMOTHY", &["TIM"]), ("VICTORIA", &["VICKY", "TORI"]),
    ("VIRGINIA", &["GINNY"]), ("WALTER", &["WALT"]), ("WILLIAM", &["BILL", "WILL", "BILLY"]),
    ("ALBERTO", &["BETO"]), ("ALEJANDRO", &["ALEX", "JANDRO"]), ("ANTONIO", &["TONO", "TONY"]), ("CARLOS", &["CARLITOS"]), ("CONCEPCION", &["CONCHA"]),
    ("CONSUELO", &["CHELO"]), ("DOLORES", &["LOLA"]), ("EDUARDO", &["LALO", "EDDY"]), ("ENRIQUE", &["QUIQUE"]), ("FERNANDO", &["NANDO"]),
    ("FRANCISCO", &["PACO", "PANCHO"]), ("GABRIEL", &["GABE"]), ("GRACIELA", &["CHELA"]), ("GUADALUPE", &["LUPE"]), ("GUILLERMO", &["MEMO"]),
    ("IGNACIO", &["NACHO"]), ("ISABEL", &["CHABELA"]), ("JESUS", &["CHUY"]), ("JOSE", &["PEPE"]), ("JOSEFINA", &["PEPA", "JOSEFA"]), ("LUIS", &["LUCHO"]),
    ("MANUEL", &["MANNY", "MANOLO"]), ("MERCEDES", &["MECHE"]), ("RAFAEL", &["RAFA"]), ("ROBERTO", &["BETO"]), ("ROSARIO", &["CHAYO"]), ("VICENTE", &["CHENTE"]),
    ("ALEKSANDR", &["SASHA"]), ("ALEKSEY", &["ALYOSHA"]), ("DMITRIY", &["DIMA"]), ("EKATERINA", &["KATYA"]), ("ELENA", &["LENA"]), ("EVGENIY", &["ZHENYA"]),
    ("IVAN", &["VANYA"]), ("MIKHAIL", &["MISHA"]), ("NATALYA", &["NATASHA"]), ("NIKOLAY", &["KOLYA"]), ("SERGEY", &["SERYOZHA"]), ("TATYANA", &["TANYA"]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_their_short_forms_only() {
        let mut draw = Draw::new(4, 1, 1);
        for _ in 0..50 {
            assert!(["BILL", "WILL", "BILLY"].contains(&nickname(&mut draw, "WILLIAM").unwrap().as_str()));
        }
        assert_eq!(nickname(&mut draw, "WILL"), None);
        assert!(NICKNAMES.iter().all(|(whole, forms)| !forms.is_empty() && !forms.contains(whole)));
    }
}
