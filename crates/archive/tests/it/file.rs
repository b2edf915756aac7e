//! What happens to files: kills, damage, other journals, other versions.

use std::fs::{self, OpenOptions};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use archive::{Archive, Discarded, Error, Query, Searcher, file_in};
use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64Mcg;

use crate::filters::filled;
use crate::list::{List, fill, records, seeds};
use crate::naive::messages;

/// All that can be found, by time and by a word.
fn contents(path: &Path) -> Result<Vec<archive::Hit>, Error> {
    let searcher = Searcher::open(path)?;
    let mut hits = Vec::new();
    for find in ["", "PERSON"] {
        let mut query = Query { limit: 1_000, find: find.to_owned(), ..Query::default() };
        loop {
            let page = searcher.search(&query)?;
            hits.extend(page.hits);
            query.after = page.more;
            if page.more.is_none() {
                break;
            }
        }
    }
    Ok(hits)
}

/// Opens again, fills, and says why it was begun anew, if it was.
fn again(directory: &Path, list: &List) -> Option<Discarded> {
    let mut archive = crate::list::open(&file_in(directory), 300);
    let first = fill(&mut archive, list);
    assert_eq!(archive.through(), list.stored.get());
    first.rebuilt
}

#[test]
fn a_file_of_another_journal_another_past_or_another_version_is_begun_anew() {
    let list = List::traffic(1, 900);
    let (directory, archive, _) = filled(&list, 300);
    drop(archive);
    let path = file_in(directory.path());
    let good = contents(&path).unwrap();
    assert_eq!(again(directory.path(), &list), None, "a file that is right is kept");

    let other = List { id: journal::JournalId([8; 16]), ..List::traffic(1, 900) };
    assert!(matches!(again(directory.path(), &other), Some(Discarded::OtherJournal(id)) if id == list.id));
    assert!(matches!(again(directory.path(), &list), Some(Discarded::OtherJournal(_))));

    list.stored.set(500);
    assert_eq!(again(directory.path(), &list), Some(Discarded::Ahead { through: 900, stored: 500 }));
    // Put back to an earlier state, and gone on from there in another way.
    let mut branched = List::traffic(1, 900);
    branched.records[499].payload = bytes::Bytes::from([&branched.records[499].payload[..], b"x"].concat());
    assert_eq!(again(directory.path(), &branched), Some(Discarded::Diverged { sequence: 500 }));
    list.stored.set(900);
    again(directory.path(), &List { id: journal::JournalId([8; 16]), ..List::traffic(1, 10) });

    let change = |sql: &str| rusqlite::Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    again(directory.path(), &list);
    change("PRAGMA user_version = 99");
    assert_eq!(again(directory.path(), &list), Some(Discarded::Format(99)));
    change("PRAGMA application_id = 1");
    assert!(matches!(Searcher::open(&path), Err(Error::Unusable { reason: Discarded::Foreign, .. })));
    assert_eq!(again(directory.path(), &list), Some(Discarded::Foreign));
    change("DELETE FROM header");
    assert!(matches!(again(directory.path(), &list), Some(Discarded::Damaged(_))));
    change("DROP TABLE message_0");
    assert!(contents(&path).is_err_and(|error| error.is_damage()));
    assert!(matches!(again(directory.path(), &list), Some(Discarded::Damaged(_))), "who asked left word");
    fs::remove_file(&path).unwrap();
    assert_eq!(again(directory.path(), &list), Some(Discarded::Missing));
    assert_eq!(contents(&path).unwrap(), good);
}

#[test]
fn a_damaged_file_is_noticed_and_begun_anew_or_answers_as_before() {
    for seed in seeds(60) {
        let list = List::traffic(1, 700);
        let (directory, archive, _) = filled(&list, 300);
        drop(archive);
        let path = file_in(directory.path());
        let good = contents(&path).unwrap();
        let mut random = Pcg64Mcg::seed_from_u64(seed);
        let length = path.metadata().unwrap().len();
        let file = OpenOptions::new().write(true).open(&path).unwrap();
        match seed % 4 {
            0 => file.set_len(random.random_range(0..length)).unwrap(),
            1 => file.write_all_at(&vec![0xa5; 4096], random.random_range(0..length / 4096) * 4096).unwrap(),
            2 => file.write_all_at(&vec![0; 4096], random.random_range(0..length / 4096) * 4096).unwrap(),
            _ => file.write_all_at(b"this is no database file at all", 0).unwrap(),
        }
        drop(file);
        let mut archive = match contents(&path) {
            // It hit nothing that is read, as a free page.
            Ok(found) if found == good => crate::list::open(&path, 300),
            // Who asked has left word for whoever fills.
            Err(Error::Damaged(_) | Error::Unusable { .. }) => crate::list::open(&path, 300),
            other => panic!("SEED={seed}: {:?}", other.map(|found| found.len())),
        };
        fill(&mut archive, &list);
        assert_eq!(contents(&path).unwrap(), good, "SEED={seed}");
    }
}

#[test]
fn a_file_that_is_spoilt_or_taken_away_while_it_is_open_is_begun_anew() {
    let list = List::traffic(1, 900);
    list.stored.set(800);
    let (directory, mut archive, _) = filled(&list, 300);
    let path = file_in(directory.path());
    // Out of the log beside it, from which it would still be read.
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    drop(connection);
    fs::write(&path, vec![0xA5; 100_000]).unwrap();
    let found = contents(&path).map(|found| found.len());
    assert!(matches!(found, Err(Error::Unusable { reason: Discarded::Damaged(_), .. })), "{found:?}");
    list.stored.set(850);
    assert!(matches!(fill(&mut archive, &list).rebuilt, Some(Discarded::Damaged(_))), "who asked left word");
    assert!(contents(&path).is_ok());
    fs::remove_file(&path).unwrap();
    list.stored.set(900);
    assert_eq!(fill(&mut archive, &list).rebuilt, Some(Discarded::Missing));
    drop(archive);
    let found = contents(&path).unwrap();
    assert_eq!(again(directory.path(), &list), None);
    assert_eq!(found, contents(&path).unwrap());
}

#[test]
fn damage_that_filling_meets_is_mended_by_the_same_call() {
    let list = List::traffic(1, 900);
    list.stored.set(500);
    let (directory, mut archive, _) = filled(&list, 300);
    let path = file_in(directory.path());
    rusqlite::Connection::open(&path).unwrap().execute_batch("DROP TABLE fate").unwrap();
    list.stored.set(900);
    let filled = fill(&mut archive, &list);
    assert!(matches!(filled.rebuilt, Some(Discarded::Damaged(_))), "{filled:?}");
    assert_eq!(archive.through(), 900);
    assert!(contents(&path).is_ok());
}

#[test]
fn a_fill_that_fails_in_the_middle_leaves_the_file_as_it_was() {
    /// Records of which one cannot be read.
    struct Broken<'a>(&'a List, u64);
    impl archive::Source for Broken<'_> {
        fn journal(&self) -> journal::JournalId {
            self.0.id
        }
        fn first_sequence(&self) -> u64 {
            1
        }
        fn stored_through(&self) -> u64 {
            self.0.stored.get()
        }
        fn read(&self, sequence: u64) -> Result<journal::Record, journal::ReadError> {
            self.0.read(sequence)
        }
        fn scan(
            &self,
            from: u64,
            more: &mut dyn FnMut() -> bool,
            visit: &mut dyn FnMut(journal::Entry<'_>),
        ) -> Result<(), journal::ReadError> {
            self.0.scan(from, &mut || more(), &mut |entry| {
                if entry.sequence < self.1 {
                    visit(entry);
                }
            })?;
            Err(journal::ReadError::Damaged { sequence: self.1, file: "segment".into(), offset: 0 })
        }
    }
    let list = List::traffic(1, 900);
    list.stored.set(400);
    let (directory, mut archive, _) = filled(&list, 300);
    let before = contents(&file_in(directory.path())).unwrap();
    list.stored.set(900);
    assert!(matches!(archive.fill(&Broken(&list, 700), records(10_000)), Err(Error::Journal(_))));
    assert_eq!(archive.through(), 400);
    assert_eq!(contents(&file_in(directory.path())).unwrap(), before);
    fill(&mut archive, &list);
    let (all, _) = messages(&list.records);
    assert_eq!(Searcher::open(archive.path()).unwrap().position().unwrap().messages, all.len() as u64);
}

#[test]
fn two_do_not_fill_one_file() {
    let list = List::traffic(1, 100);
    let (directory, archive, _) = filled(&list, 300);
    assert!(matches!(Archive::open(&file_in(directory.path())), Err(Error::Busy(_))));
    drop(archive);
    crate::list::open(&file_in(directory.path()), 300);
}

#[test]
fn a_file_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let list = List::traffic(1, 100);
    let (directory, _archive, _) = filled(&list, 300);
    for entry in fs::read_dir(directory.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o077, 0, "{:?}", entry.file_name());
    }
}

const CHILD: &str = "ARCHIVE_FILL_DIRECTORY";
const KILLED: usize = 3_000;

/// Not a test by itself: what the next one starts and kills.
#[test]
#[expect(clippy::print_stderr, reason = "this is how the parent hears of it")]
fn child_that_fills() {
    let Ok(directory) = std::env::var(CHILD) else { return };
    let list = List::traffic(1, KILLED);
    let mut archive = crate::list::open(&file_in(Path::new(&directory)), 300);
    let mut stdin = std::io::stdin().lock();
    let mut behind = 1;
    // A byte lets it go on, so that it never is far ahead of whoever kills it.
    while behind > 0 && stdin.read_exact(&mut [0]).is_ok() {
        behind = archive.fill(&list, records(50)).unwrap().behind;
        eprintln!("filled {}", archive.through());
    }
}

#[test]
fn a_kill_in_the_middle_leaves_a_file_that_goes_on() {
    let list = List::traffic(1, KILLED);
    let directory = tempfile::tempdir().unwrap();
    let mut random = Pcg64Mcg::seed_from_u64(1);
    let mut kills = 0;
    loop {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "file::child_that_fills", "--nocapture"])
            .env(CHILD, directory.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut go_on = child.stdin.take().unwrap();
        go_on.write_all(b".").unwrap();
        let enough = random.random_range(1..12);
        let lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let mut seen = 0;
        for _ in lines.filter(|line| line.starts_with("filled")).take(enough) {
            seen += 1;
            // It may have ended.
            drop(go_on.write_all(b"."));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let searcher = Searcher::open(&file_in(directory.path())).unwrap();
        let position = searcher.position().unwrap();
        let (all, _) = messages(&list.records[..usize::try_from(position.through).unwrap()]);
        assert_eq!(position.messages, all.len() as u64, "after {} kills", kills + 1);
        assert!(contents(&file_in(directory.path())).is_ok());
        if seen < enough {
            assert_eq!(position.through, KILLED as u64);
            break;
        }
        kills += 1;
    }
    assert!(kills > 3, "{kills} kills");
    assert_eq!(again(directory.path(), &list), None);
    let (other, archive, _) = filled(&list, 300);
    drop(archive);
    assert_eq!(contents(&file_in(directory.path())).unwrap(), contents(&file_in(other.path())).unwrap());
}
