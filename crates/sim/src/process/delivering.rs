//! From the core to the session of a link: where most of what can be broken on purpose is broken.

use std::time::Duration;

use bytes::Bytes;
use rand::RngExt as _;
use session::Outgoing;
use switch_core::{Delivery, Event, LinkId, Now};

use super::{Later, Order, Process, Step};
use crate::broken::Broken;
use crate::model::{Model, When};

impl Process {
    pub(super) fn deliver(
        &mut self,
        now: Now,
        link: LinkId,
        delivery: Delivery,
        bytes: Bytes,
        model: &mut Model,
    ) -> Step {
        let rare = self.broken.is_some() && self.rng.random_bool(0.05);
        if self.broken == Some(Broken::SendsLowerFirst) {
            let high = model.ledger.copies.get(&delivery.number()).is_some_and(|copy| copy.class <= 4);
            if high {
                self.numbered += 1;
                let at = now.tick.after(Duration::from_secs(4));
                self.later.insert((at, self.numbered), Later::Deliver(link, delivery, bytes));
                return Ok(());
            }
        }
        if self.broken == Some(Broken::SwapsCopies) && rare {
            self.numbered += 1;
            let at = now.tick.after(Duration::from_millis(200));
            self.later.insert((at, self.numbered), Later::Deliver(link, delivery, bytes));
            return Ok(());
        }
        self.hand_over(now, link, delivery, bytes, model)
    }

    /// A copy goes to the session of its link.
    pub(super) fn hand_over(
        &mut self,
        now: Now,
        mut link: LinkId,
        delivery: Delivery,
        bytes: Bytes,
        model: &mut Model,
    ) -> Step {
        let rare = self.broken.is_some() && self.rng.random_bool(0.05);
        let Some(client) = self.attached.get(&link).copied() else { return Ok(()) };
        let alone = self.attached.values().filter(|other| **other == client).count() == 1;
        let when = When { wall: now.wall, steady_us: now.tick.0.saturating_sub(self.unsteady.0) };
        model.delivers(client, delivery, &bytes, when, alone)?;
        let (mut validation, id) = (delivery.validation(), delivery.number());
        if rare {
            match self.broken {
                Some(Broken::MixesLinks) => {
                    link = self.attached.keys().copied().find(|other| *other != link).unwrap_or(link);
                }
                Some(Broken::ReusesValidation) => validation = self.last_sent.unwrap_or(delivery).validation(),
                Some(Broken::LosesCopies) => {
                    self.switch.handle(now, Event::Delivered { link, delivery });
                    return Ok(());
                }
                _ => {}
            }
        }
        self.last_sent = Some(delivery);
        self.orders.push((link, Order::Send(Outgoing { id, validation, bytes })));
        Ok(())
    }
}
