//! Log queries: asked of whoever holds the archive once they are durable, answered once, whatever happens in between.
//!
//! A query that was accepted is pending until the record with its answer is in the journal. What is asked is not: after
//! a restart every pending query is asked again, and an answer to one that is not pending is nobody's.

use std::sync::Arc;

use bytes::Bytes;

use super::Switch;
use super::intake::{Draft, Say};
use crate::event::{Action, Observation, Sequence};
use crate::query;
use crate::record::{Accepted, Answered, Record};

impl Switch {
    /// Asks a pending query that is durable and was not asked in this run.
    pub(super) fn ask(&mut self, sequence: Sequence) {
        if !self.folds.queries.contains_key(&sequence) || self.asked.contains_key(&sequence) {
            return;
        }
        let Some(record) = self.bodies.find(sequence) else { return self.load(sequence, None) };
        self.ask_as_recorded(sequence, record);
    }

    pub(super) fn ask_as_recorded(&mut self, sequence: Sequence, record: Arc<Record>) {
        let Record::Accepted(Accepted { reception, .. }) = &*record else { return };
        let Some(key) = reception.key else { return };
        let offset = self.network.limits().stamp_utc_offset;
        let read = query::read(&self.dictionary, offset, reception, key, reception.body());
        self.asked.insert(sequence, record);
        match read {
            Ok(readable) => self.actions.push_back(Action::Search { query: sequence, request: readable.query }),
            Err(_) => self.found(sequence, Bytes::from_static(query::UNREADABLE)),
        }
    }

    /// What was found goes to whoever asked, in one record with the end of the query.
    pub(super) fn found(&mut self, sequence: Sequence, body: Bytes) {
        let Some(record) = self.asked.remove(&sequence) else { return };
        let Record::Accepted(Accepted { reception, .. }) = &*record else { return };
        if !self.folds.queries.contains_key(&sequence) {
            return;
        }
        let body = query::bounded(body);
        let (station, at) = (reception.station, self.now.wall);
        self.observe(Observation::LogAnswered { station, bytes: body.len(), after: at.since(reception.at) });
        // A station that is no longer part of the network gets no answer.
        let index = self.network.index(station);
        let notice = index.and_then(|index| Draft::new(self).notice(index, reception, Say::Answer, body));
        let link = reception.link;
        if let Some(notice) = &notice {
            self.replies.insert(notice.copy.delivery, link);
        }
        self.store_lazy();
        self.store(Record::Answered(Answered { query: sequence, at, notices: notice.into_iter().collect() }), None);
    }
}
