//! A network to put a load on: many stations, each with an agency of its own, and mixes for it.
//!
//! A switch takes a bounded number of links of one station, so that thousands of links need dozens of stations; the
//! sample network has few. What is made here are texts: `orinet load prepare` writes them beside certificates.

use std::fmt::Write as _;
use std::net::SocketAddr;

/// How large a network is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Stations that send.
    pub stations: u16,
    /// Links of the station that receives and answers.
    pub receiver_links: u16,
}

/// Stations at the most: their agencies have four digits.
pub const STATIONS_MAX: u16 = 9999;

/// The station that takes and answers messages between agencies.
pub const RECEIVER: &str = "ZR";

/// The station that stands for the support center.
pub const CENTER: &str = "AX";

/// A file of a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its name.
    pub name: &'static str,
    /// What is in it.
    pub text: String,
}

impl Size {
    /// The names of all stations, which are to get certificates.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let agencies = (1..=self.stations).map(agency);
        agencies.chain([RECEIVER.to_owned(), CENTER.to_owned()]).collect()
    }

    /// The switch's configuration and the mixes.
    #[must_use]
    pub fn files(&self, links: SocketAddr, admin: SocketAddr) -> Vec<File> {
        vec![
            File { name: "network.toml", text: self.network(links, admin) },
            File { name: "pairs.toml", text: self.pairs() },
            File { name: "inquiries.toml", text: self.inquiries() },
        ]
    }

    fn network(&self, links: SocketAddr, admin: SocketAddr) -> String {
        let mut text = format!(
            "# A network to put a load on. All names and numbers are synthetic.\n\n[switch]\nlinks = \"{links}\"\nadmin = \
             \"{admin}\"\ndata = \"data\"\n\n"
        );
        // Writing to a string does not fail.
        let mut put = |part: String| text.write_str(&part).unwrap_or_default();
        put(format!("[[station]]\nname = \"{CENTER}\"\nlines = [\"{CENTER}\"]\noris = [\"ZZLESC000\"]\n"));
        put("accepts = [\"IAQ\"]\nsends = [\"IAR\"]\n\n".to_owned());
        put(format!(
            "[[station]]\nname = \"{RECEIVER}\"\nlines = [\"{RECEIVER}\"]\noris = [\"{RECEIVER}0010000\"]\n\n"
        ));
        put("[[station]]\nname = \"ZT\"\nlines = [\"ZT\"]\n\n".to_owned());
        for agency in (1..=self.stations).map(agency) {
            put(format!("[[station]]\nname = \"{agency}\"\noris = [\"{agency}\"]\naccepts = [\"IAR\"]\n\n"));
        }
        for (ori, line, name, kind) in
            [("ZZLESC000", CENTER, "LOAD TEST CENTER", "FE"), ("ZR0010000", RECEIVER, "LOAD TEST RECEIVER", "PD")]
        {
            put(entry(ori, line, name, kind));
        }
        for agency in (1..=self.stations).map(agency) {
            put(entry(&agency, "ZT", "LOAD TEST PD", "PD"));
        }
        text
    }

    fn senders(&self) -> String {
        (1..=self.stations).map(|number| format!("[[sender]]\nstation = \"{}\"\n\n", agency(number))).collect()
    }

    fn pairs(&self) -> String {
        let links = self.receiver_links;
        format!(
            "# A request of 300 bytes and an answer of 1,000, both from this harness: what the switch alone costs.\n\n{}\
             [[message]]\nkey = \"AM\"\nto = [\"ZR0010000\"]\nweight = 1\nbytes = 300\nanswers = 1\nanswered_by = \"AM\"\n\n\
             [[receiver]]\nstation = \"{RECEIVER}\"\ntakes = [\"ZR0010000\"]\nlinks = {links}\n\n[[receiver.answer]]\nkey = \
             \"AM\"\nwith = \"AM\"\nori = \"ZR0010000\"\nbytes = [1000]\n",
            self.senders()
        )
    }

    fn inquiries(&self) -> String {
        let links = self.receiver_links;
        format!(
            "# Inquiries of 300 bytes, acknowledged and answered as the support center does, by this harness.\n\n{}\
             [[message]]\nkey = \"IAQ\"\nto = [\"{CENTER}\"]\nweight = 1\nbytes = 300\noptional = 0.2\n\n[[receiver]]\nstation = \
             \"{CENTER}\"\nlinks = {links}\n\n[[receiver.answer]]\nkey = \"IAQ\"\nwith = \"IAR\"\nori = \"ZZLESC000\"\nbytes = \
             [300, 1000]\n",
            self.senders()
        )
    }
}

/// The name of a station and of its agency.
fn agency(number: u16) -> String {
    format!("ZT{number:04}000")
}

fn entry(ori: &str, line: &str, name: &str, kind: &str) -> String {
    format!(
        "[[ori]]\nori = \"{ori}\"\nline = \"{line}\"\nname = \"{name}\"\ntype = \"{kind}\"\nauthorization = \"ACD\"\n\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mix::Mix;

    #[test]
    fn the_mixes_of_a_network_hold_and_name_its_stations() {
        let size = Size { stations: 40, receiver_links: 4 };
        let address = SocketAddr::from(([127, 0, 0, 1], 7020));
        let files = size.files(address, address);
        assert_eq!(size.names().len(), 42);
        for name in ["pairs.toml", "inquiries.toml"] {
            let file = files.iter().find(|file| file.name == name).unwrap();
            let mix = Mix::parse(name, &file.text).unwrap();
            assert_eq!((mix.senders.len(), mix.receivers[0].links), (40, 4));
            assert!(mix.stations().iter().all(|station| size.names().contains(&station.to_string())), "{name}");
            assert_eq!(mix.kinds[0].to[0].delivered, 1, "{name}");
        }
    }
}
