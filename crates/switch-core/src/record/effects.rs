//! How an effect lies in its record: a number for its kind, then what it says.

use bytes::{BufMut as _, BytesMut};
use codec::dictionary::Authorization;
use codec::name::{Line, MessageKey, Ori};
use codec::ofml::{MARK_BYTES_MAX, Marks};

use super::RecordError;
use super::layout::{Input, put_bytes, put_name, put_optional, put_text, short};
use crate::effect::{AgencyChange, Confirmation, ConfirmationId, Effect, HelpChange, HelpEdit, Marked, StateChange};
use crate::event::{Delivery, Msn};
use crate::network::{DestinationState, OriConfig, OriDetails};

const PUT: u8 = 1;
const DELETED: u8 = 2;
const FORGOTTEN: u8 = 3;
const HELP_REPLACED: u8 = 4;
const HELP_APPENDED: u8 = 5;
const HELP_CLEARED: u8 = 6;
const STATE: u8 = 7;
const ASKED: u8 = 8;
const ANSWERED: u8 = 9;
const EXTENDED: u8 = 10;
const HOLD: u8 = 11;
const RELEASE: u8 = 12;
const DIVERT: u8 = 13;
const UNDIVERT: u8 = 14;
const MOVED: u8 = 15;
const LETTER_DISCARDED: u8 = 16;
const DIVERTED: u8 = 17;
const MARKED: u8 = 18;

pub(super) fn put_effect(out: &mut BytesMut, effect: &Effect) {
    match effect {
        Effect::Agency(AgencyChange::Put(entry)) => {
            out.put_u8(PUT);
            put_agency(out, entry);
        }
        Effect::Agency(AgencyChange::Deleted(ori)) => put_named(out, DELETED, ori.as_str()),
        Effect::Agency(AgencyChange::Forgotten(ori)) => put_named(out, FORGOTTEN, ori.as_str()),
        Effect::Help(HelpChange { file, edit }) => match edit {
            HelpEdit::Replace(text) => {
                put_named(out, HELP_REPLACED, file.as_str());
                put_bytes(out, text);
            }
            HelpEdit::Append(text) => {
                put_named(out, HELP_APPENDED, file.as_str());
                put_bytes(out, text);
            }
            HelpEdit::Clear => put_named(out, HELP_CLEARED, file.as_str()),
        },
        Effect::State(StateChange { station, key, state }) => {
            put_named(out, STATE, station.as_str());
            put_optional(out, key.as_ref().map(MessageKey::as_str));
            out.put_u8(state.map_or(u8::MAX, DestinationState::number));
        }
        Effect::Asked(confirmation) => {
            out.put_u8(ASKED);
            put_confirmation(out, confirmation);
        }
        Effect::Answered(id) => {
            out.put_u8(ANSWERED);
            put_id(out, id);
        }
        Effect::Extended { id, due } => {
            out.put_u8(EXTENDED);
            put_id(out, id);
            out.put_i64(due.0);
        }
        Effect::Hold { station } => put_named(out, HOLD, station.as_str()),
        Effect::Release { station } => put_named(out, RELEASE, station.as_str()),
        Effect::Divert { from, to } => {
            put_named(out, DIVERT, from.as_str());
            put_name(out, to.as_str());
        }
        Effect::Undivert { from } => put_named(out, UNDIVERT, from.as_str()),
        Effect::Diverted { delivery, home } => {
            put_named(out, DIVERTED, home.as_str());
            out.put_u64(delivery.number());
        }
        Effect::Moved { delivery, station, osn } => {
            put_named(out, MOVED, station.as_str());
            out.put_u64(delivery.number());
            out.put_u32(osn.value());
        }
        Effect::Marked(Marked { station, control, marks }) => {
            put_named(out, MARKED, station.as_str());
            put_name(out, control.as_str());
            marks.all().iter().for_each(|mark| put_name(out, mark));
        }
        Effect::LetterDiscarded { delivery } => {
            out.put_u8(LETTER_DISCARDED);
            out.put_u64(delivery.number());
        }
    }
}

pub(super) fn effect(input: &mut Input) -> Result<Effect, RecordError> {
    Ok(match input.u8()? {
        PUT => Effect::Agency(AgencyChange::Put(agency(input)?)),
        DELETED => Effect::Agency(AgencyChange::Deleted(ori(input)?)),
        FORGOTTEN => Effect::Agency(AgencyChange::Forgotten(ori(input)?)),
        HELP_REPLACED => help(input, |input| input.bytes().map(HelpEdit::Replace))?,
        HELP_APPENDED => help(input, |input| input.bytes().map(HelpEdit::Append))?,
        HELP_CLEARED => help(input, |_| Ok(HelpEdit::Clear))?,
        STATE => Effect::State(StateChange {
            station: input.station()?,
            key: input.name(|text| MessageKey::parse(text).ok())?,
            state: match input.u8()? {
                u8::MAX => None,
                number => Some(DestinationState::from_number(number).ok_or(RecordError("state"))?),
            },
        }),
        ASKED => Effect::Asked(confirmation(input)?),
        ANSWERED => Effect::Answered(id(input)?),
        EXTENDED => Effect::Extended { id: id(input)?, due: input.time()? },
        HOLD => Effect::Hold { station: input.station()? },
        RELEASE => Effect::Release { station: input.station()? },
        DIVERT => Effect::Divert { from: input.station()?, to: input.station()? },
        UNDIVERT => Effect::Undivert { from: input.station()? },
        MOVED => {
            let (station, delivery) = (input.station()?, input.delivery()?);
            Effect::Moved { delivery, station, osn: input.number()? }
        }
        DIVERTED => {
            let home = input.station()?;
            Effect::Diverted { delivery: input.delivery()?, home }
        }
        MARKED => marked(input)?,
        LETTER_DISCARDED => Effect::LetterDiscarded { delivery: Delivery::from_number(input.u64()?) },
        _ => return Err(RecordError("effect")),
    })
}

fn put_named(out: &mut BytesMut, kind: u8, name: &str) {
    out.put_u8(kind);
    put_name(out, name);
}

/// An entry of the directory, as it stands in records and in checkpoints.
pub(crate) fn put_agency(out: &mut BytesMut, entry: &OriConfig) {
    let OriConfig { ori, line, authorization, active, editor, details } = entry;
    let OriDetails { name, kind, hours, phone, fax, second_phone, second_fax, remarks } = &**details;
    put_name(out, ori.as_str());
    put_name(out, line.as_str());
    out.put_u8(short(authorization.len()));
    authorization.iter().for_each(|one| out.put_u8(u8::try_from(one.letter()).unwrap_or_default()));
    out.put_u8(u8::from(*active) | u8::from(*editor) << 1);
    [name, kind, hours, phone, fax, second_phone, second_fax, remarks].into_iter().for_each(|text| put_text(out, text));
}

pub(crate) fn agency(input: &mut Input) -> Result<OriConfig, RecordError> {
    let (ori, line) = (ori(input)?, input.name(|text| Line::parse(text).ok())?.ok_or(RecordError("line"))?);
    let letters = input.u8()?;
    let authorization = (0..letters)
        .map(|_| Authorization::from_letter(char::from(input.u8()?)).ok_or(RecordError("authorization")))
        .collect::<Result<Vec<_>, _>>()?;
    let flags = input.u8()?;
    if flags > 3 {
        return Err(RecordError("flags of an agency"));
    }
    let details = OriDetails {
        name: input.text()?,
        kind: input.text()?,
        hours: input.text()?,
        phone: input.text()?,
        fax: input.text()?,
        second_phone: input.text()?,
        second_fax: input.text()?,
        remarks: input.text()?,
    };
    let (active, editor) = (flags & 1 != 0, flags & 2 != 0);
    Ok(OriConfig { ori, line, authorization, active, editor, details: Box::new(details) })
}

fn marked(input: &mut Input) -> Result<Effect, RecordError> {
    let station = input.station()?;
    let control = input.control()?.ok_or(RecordError("control field"))?;
    let mut mark = || {
        let short = |text: &str| (text.len() <= MARK_BYTES_MAX).then(|| text.to_owned());
        input.name(short).map(Option::unwrap_or_default)
    };
    let marks = Marks::new(&mark()?, &mark()?, &mark()?, &mark()?, &mark()?);
    Ok(Effect::Marked(Marked { station, control, marks }))
}

fn help(input: &mut Input, edit: impl Fn(&mut Input) -> Result<HelpEdit, RecordError>) -> Result<Effect, RecordError> {
    Ok(Effect::Help(HelpChange { file: ori(input)?, edit: edit(input)? }))
}

pub(super) fn put_id(out: &mut BytesMut, id: &ConfirmationId) {
    put_name(out, id.asked.as_str());
    put_name(out, id.asker.as_str());
    out.put_u64(id.msn.0);
}

pub(super) fn id(input: &mut Input) -> Result<ConfirmationId, RecordError> {
    Ok(ConfirmationId { asked: ori(input)?, asker: ori(input)?, msn: Msn(input.u64()?) })
}

/// A hit confirmation, as it stands in records and in checkpoints.
pub(crate) fn put_confirmation(out: &mut BytesMut, confirmation: &Confirmation) {
    let Confirmation { id, asker_station, asked_station, record, case, control, request, urgent, at, due } =
        confirmation;
    put_id(out, id);
    put_name(out, asker_station.as_str());
    put_name(out, asked_station.as_str());
    put_text(out, record);
    put_text(out, case);
    put_optional(out, control.as_ref().map(codec::name::Control::as_str));
    out.put_u8(*request);
    out.put_u8(u8::from(*urgent));
    out.put_i64(at.0);
    out.put_i64(due.0);
}

pub(crate) fn confirmation(input: &mut Input) -> Result<Confirmation, RecordError> {
    Ok(Confirmation {
        id: id(input)?,
        asker_station: input.station()?,
        asked_station: input.station()?,
        record: input.text()?,
        case: input.text()?,
        control: input.control()?,
        request: input.u8()?,
        urgent: match input.u8()? {
            0 => false,
            1 => true,
            _ => return Err(RecordError("urgency")),
        },
        at: input.time()?,
        due: input.time()?,
    })
}

pub(super) fn ori(input: &mut Input) -> Result<Ori, RecordError> {
    input.name(|text| Ori::parse(text).ok())?.ok_or(RecordError("ORI"))
}

#[cfg(test)]
pub(super) mod tests {
    use bytes::Bytes;
    use codec::name::{Control, StationName};
    use codec::number::Number;
    use codec::time::Timestamp;

    use super::*;

    /// One of each.
    pub(in crate::record) fn samples() -> Vec<Effect> {
        let ori = |text: &str| Ori::parse(text).unwrap();
        let station = StationName::parse("ZA").unwrap();
        let id = ConfirmationId { asked: ori("ZB0010000"), asker: ori("ZA0010000"), msn: Msn(7) };
        let mut entry = OriConfig::new(ori("ZA0050000"), Line::parse("ZA").unwrap());
        entry.authorization = vec![Authorization::Administrative, Authorization::Driver];
        entry.details.name = "SAMPLE CITY".to_owned();
        entry.details.remarks = "TEST ONLY".to_owned();
        let confirmation = Confirmation {
            id,
            asker_station: station,
            asked_station: StationName::parse("ZB").unwrap(),
            record: "N000000001".to_owned(),
            case: "TESTCASE1".to_owned(),
            control: Control::parse("T1").ok(),
            request: 2,
            urgent: true,
            at: Timestamp(5),
            due: Timestamp(605),
        };
        let help = |edit| Effect::Help(HelpChange { file: ori("ZAORIHELP"), edit });
        let state = |key, state| Effect::State(StateChange { station, key, state });
        let delivery = Delivery::from_number(9);
        vec![
            Effect::Agency(AgencyChange::Put(OriConfig { active: false, editor: true, ..entry.clone() })),
            Effect::Agency(AgencyChange::Put(entry)),
            Effect::Agency(AgencyChange::Deleted(ori("ZA0050000"))),
            Effect::Agency(AgencyChange::Forgotten(ori("ZA0050000"))),
            help(HelpEdit::Replace(Bytes::from_static(b"TEXT"))),
            help(HelpEdit::Append(Bytes::from_static(b"\r\nMORE"))),
            help(HelpEdit::Clear),
            state(None, Some(DestinationState::Store)),
            state(MessageKey::parse("AM").ok(), None),
            Effect::Asked(confirmation.clone()),
            Effect::Asked(Confirmation { control: None, urgent: false, ..confirmation }),
            Effect::Answered(id),
            Effect::Extended { id, due: Timestamp(9) },
            Effect::Hold { station },
            Effect::Release { station },
            Effect::Divert { from: station, to: StationName::parse("ZB").unwrap() },
            Effect::Undivert { from: station },
            Effect::Diverted { delivery, home: station },
            Effect::Moved { delivery, station, osn: Number::SWITCH.next() },
            Effect::LetterDiscarded { delivery },
            Effect::Marked(Marked {
                station,
                control: Control::parse("T1").unwrap(),
                marks: Marks::new("ID1", "SAMPLE", "", "R", "TESTER"),
            }),
        ]
    }
}
