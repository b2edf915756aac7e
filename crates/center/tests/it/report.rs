//! A month's figures out of known records.

use bytes::Bytes;
use center::detainer::{Basis, Proposal};
use center::list::{self, Lists, Purpose, Screened};
use center::report::{Collector, Month, Report};
use center::tipline::Grade;
use center::{Duties, Entry, Facts, InquiryId, Moment, Outgoing, Part, Record, Taken, Technician, Written};

/// Midnight of the first of January 2026, UTC.
const JANUARY: u64 = 1_767_225_600;
const DAY: u64 = 86_400;

fn at(seconds: u64) -> Moment {
    Moment((JANUARY + seconds) * 1_000_000)
}

fn outgoing() -> Outgoing {
    Outgoing { validation: 1, bytes: Bytes::from_static(b"IAR") }
}

fn taken(at: Moment, firearms: bool) -> Record {
    let facts = Facts { firearms, ..Facts::default() };
    let message = Bytes::from_static(b"IAQ");
    Record::Taken(Taken { at, delivery: 1, fingerprint: 1, facts, message, acknowledgement: outgoing() })
}

fn answered(inquiry: u64, at: Moment, kind: u8) -> Record {
    let written = Written { kind, message: outgoing(), copy: None };
    Record::Final { inquiry: InquiryId(inquiry), part: Part::Answer, at, written }
}

fn report() -> Report {
    let mut collector = Collector::new("2026-01".parse().unwrap());
    let records = [
        // The month before.
        taken(Moment((JANUARY - 1) * 1_000_000), false),
        taken(at(0), false),
        taken(at(DAY), true),
        taken(at(DAY + 1), false),
        answered(1, at(5), 1),
        answered(2, at(1), 0),
        answered(3, at(DAY + 3), 1),
        // Later than the month, and one that waits.
        taken(at(31 * DAY), false),
    ];
    for (sequence, record) in (1..).zip(&records) {
        collector.inquiry(sequence, record);
    }
    let (mut duties, mut last) = (Duties::default(), 0);
    let mut tell = |entry: Entry, collector: &mut Collector, duties: &mut Duties| {
        last += 1;
        duties.apply(last, &entry).unwrap();
        collector.duty(last, &entry);
        last
    };
    let who = || Technician::new("SAMPLE T").unwrap();
    let proposal = Proposal {
        query: "E1".to_owned(),
        requester: "ZA0010000".to_owned(),
        office: "ZZICE0100".to_owned(),
        custody: true,
        firearms: false,
        wanted: Some("N000000001".to_owned()),
        name: "SAMPLE, PERSON A".to_owned(),
        born: "19800102".to_owned(),
        sex: "M".to_owned(),
        citizenship: "MM".to_owned(),
        alien_number: "900000001".to_owned(),
    };
    let entry = duties.detainers.propose(at(0), None, proposal).unwrap();
    let detainer = tell(entry, &mut collector, &mut duties);
    let entry = duties.detainers.lodge(at(2 * DAY), who(), detainer, Basis::FinalOrder).unwrap();
    tell(entry, &mut collector, &mut duties);
    let entry = duties.detainers.lift(at(3 * DAY), who(), detainer, 'L').unwrap();
    tell(entry, &mut collector, &mut duties);
    for (day, grade) in [(0, Grade::High), (0, Grade::Known), (40, Grade::High)] {
        let entry = duties.tips.take(at(day * DAY), who(), "A CALL").unwrap();
        let call = tell(entry, &mut collector, &mut duties);
        let entry = duties.tips.grade(at(day * DAY), who(), call, grade).unwrap();
        tell(entry, &mut collector, &mut duties);
        if let Ok(entry) = duties.tips.refer(at(day * DAY), who(), call, "ZZICE0100") {
            tell(entry, &mut collector, &mut duties);
        }
    }
    let csv = "name,born,sex,birth_place\n\"SAMPLE, A\",19800102,M,MM\n\"SAMPLE, B\",19800102,M,MM\n";
    let rows = list::parse(csv.as_bytes()).unwrap();
    let entry = Lists::upload(at(0), who(), Purpose::Visitors, "ZZUSSS000".to_owned(), rows);
    let list = tell(entry, &mut collector, &mut duties);
    for row in 0..2 {
        let entry = duties.lists.answer(at(9), list, row, Screened::NoRecord).unwrap();
        tell(entry, &mut collector, &mut duties);
    }
    collector.finish(|kind| ["no record", "record"][usize::from(kind)].to_owned())
}

#[test]
fn a_month_counts_what_happened_in_it_and_nothing_else() {
    let report = report();
    let of = |what: &str| report.figures.iter().find(|figure| figure.what == what).unwrap().count;
    let counts =
        ["inquiries", "detainers", "Brady checks", "White House visitors", "employment", "tipline calls", "leads"]
            .map(of);
    assert_eq!(counts, [3, 1, 1, 2, 0, 2, 1]);
    assert_eq!(report.inquiries_by_day.len(), 31);
    assert_eq!((report.inquiries_by_day[0], report.inquiries_by_day[1], report.detainers_by_day[2]), (1, 2, 1));
    let times = &report.answers["record"];
    assert_eq!((times.count, times.median_us, times.p95_us), (2, 3_000_000, 6_000_000));
    assert_eq!(report.answers["no record"].median_us, 1_000_000);
    assert_eq!((report.unanswered, report.lifted[&'L']), (2, 1));
}

#[test]
fn the_published_figures_stand_beside_and_text_json_and_page_say_the_same() {
    let report = report();
    let text = report.to_string();
    assert!(text.starts_with("EMULATOR - SYNTHETIC DATA\nThe support center in 2026-01\n"), "{text}");
    for line in ["56333", "1250", "42 a day", "5000", "3500", "2250", "detainers lifted, L Lifted: 1"] {
        assert!(text.contains(line), "{line}: {text}");
    }
    let json: serde_json::Value = serde_json::from_str(&report.to_json()).unwrap();
    assert_eq!((&json["month"], &json["figures"][0]["count"]), (&"2026-01".into(), &3.into()));
    let page = report.to_html();
    assert!(page.starts_with("<!doctype html>") && page.trim_end().ends_with("</html>"));
    assert_eq!((page.matches("<svg").count(), page.matches("</svg>").count()), (3, 3));
    assert_eq!(page.matches("<rect").count(), 3 * 31);
    // It stands alone.
    for outside in ["http", "src=", "href=", "<script", "@import", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert!(page.contains("56,333") && page.contains("676,000") && page.contains("EMULATOR - SYNTHETIC DATA"));
}

#[test]
fn a_kind_is_no_markup_and_a_month_is_a_month() {
    let mut collector = Collector::new("2026-02".parse().unwrap());
    collector.inquiry(1, &taken(at(31 * DAY), false));
    collector.inquiry(2, &answered(1, at(31 * DAY + 1), 0));
    let page = collector.finish(|_| "<b>&\"".to_owned()).to_html();
    assert!(page.contains("&lt;b&gt;&amp;&quot;") && !page.contains("<b>"));
    assert_eq!(page.matches("<rect").count(), 3 * 28);
    for bad in ["2026", "2026-13", "26-01", "2026-1", "2026-01-01", "-026-01", ""] {
        assert!(bad.parse::<Month>().is_err(), "{bad:?}");
    }
}
