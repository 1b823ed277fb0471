//! Whose photo is decoded next. One is at a time; those that wait go round the tenants, and round the clients of
//! each, so that a client that sends many delays no other by more than one.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::http::client_address::client_network;
use nexora_core::model::TenantId;

/// How long a photo waits for its turn.
const PATIENCE: Duration = Duration::from_secs(60);

/// The photos that wait to be decoded.
#[derive(Default)]
pub struct DecodingQueue(Mutex<State>);

#[derive(Default)]
struct State {
    /// A photo is being decoded.
    is_busy: bool,
    waiting: Vec<Waiting>,
    /// Turns given, and the number of the last one that each tenant, and each client, was given.
    turns: u64,
    tenants: HashMap<TenantId, u64>,
    clients: HashMap<Option<IpAddr>, u64>,
}

struct Waiting {
    tenant: TenantId,
    client: Option<IpAddr>,
    wake: oneshot::Sender<Turn>,
}

/// The turn to decode a photo; the next one's comes when it is dropped.
pub struct Turn(Option<Arc<DecodingQueue>>);

impl DecodingQueue {
    /// Waits for a turn; nothing when it does not come in time.
    pub async fn turn(self: &Arc<Self>, tenant: &TenantId, client: Option<IpAddr>) -> Option<Turn> {
        let client = client.map(client_network);
        let awaited = {
            let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if !state.is_busy {
                state.is_busy = true;
                state.note(tenant, client);
                return Some(Turn(Some(Arc::clone(self))));
            }
            let (wake, awaited) = oneshot::channel();
            state.waiting.push(Waiting { tenant: tenant.clone(), client, wake });
            awaited
        };
        tokio::time::timeout(PATIENCE, awaited).await.ok()?.ok()
    }

    /// Gives the turn to whoever has waited for the longest, by tenant and then by client.
    fn pass_on(self: &Arc<Self>) {
        loop {
            let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            state.waiting.retain(|waiting| !waiting.wake.is_closed());
            let Some(next) = state.next() else {
                *state = State::default();
                return;
            };
            state.note(&next.tenant, next.client);
            drop(state);
            match next.wake.send(Turn(Some(Arc::clone(self)))) {
                Ok(()) => return,
                // It has gone just now: the turn is still ours to give.
                Err(mut turn) => turn.0 = None,
            }
        }
    }
}

impl State {
    fn note(&mut self, tenant: &TenantId, client: Option<IpAddr>) {
        self.turns += 1;
        self.tenants.insert(tenant.clone(), self.turns);
        self.clients.insert(client, self.turns);
    }

    fn next(&mut self) -> Option<Waiting> {
        let last = |waiting: &Waiting| {
            let tenant = self.tenants.get(&waiting.tenant).copied().unwrap_or(0);
            (tenant, self.clients.get(&waiting.client).copied().unwrap_or(0))
        };
        let (index, _) = self.waiting.iter().enumerate().min_by_key(|(_, waiting)| last(waiting))?;
        Some(self.waiting.remove(index))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(queue) = self.0.take() {
            queue.pass_on();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nexora_core::base::clock::Timestamp;

    /// Has these wait behind one that is being decoded; returns the order in which they have their turns.
    async fn order(waiting: &[(&TenantId, u8)]) -> Vec<usize> {
        let queue = Arc::new(DecodingQueue::default());
        let client = |last: u8| Some(IpAddr::from([203, 0, 113, last]));
        let first = queue.turn(waiting[0].0, client(waiting[0].1)).await.unwrap();
        let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
        for (number, (tenant, last)) in waiting.iter().enumerate() {
            let (queue, tenant, client, tell) =
                (Arc::clone(&queue), (*tenant).clone(), client(*last), tell.clone());
            tokio::spawn(async move {
                let turn = queue.turn(&tenant, client).await.unwrap();
                tell.send(number).unwrap();
                drop(turn);
            });
            tokio::task::yield_now().await;
        }
        drop((first, tell));
        let mut order = Vec::new();
        while let Some(number) = told.recv().await {
            order.push(number);
        }
        order
    }

    #[tokio::test]
    async fn turns_go_round_the_tenants_and_the_clients() {
        let [one, other] = [1, 2].map(|n| TenantId::new(Timestamp::from_millis(n)));
        let many: Vec<_> = (0..40).map(|_| (&one, 1)).chain([(&one, 2), (&other, 3)]).collect();
        let order = order(&many).await;
        assert_eq!(order.len(), 42);
        let place = |number| order.iter().position(|found| *found == number).unwrap();
        assert!(place(41) < 2, "another tenant's photo comes next: {order:?}");
        assert!(place(40) < 3, "and then another client's: {order:?}");
    }

    #[tokio::test]
    async fn whoever_has_gone_holds_up_nobody() {
        let queue = Arc::new(DecodingQueue::default());
        let tenant = TenantId::new(Timestamp::from_millis(1));
        let first = queue.turn(&tenant, None).await.unwrap();
        let gone = tokio::spawn({
            let (queue, tenant) = (Arc::clone(&queue), tenant.clone());
            async move { queue.turn(&tenant, None).await.is_some() }
        });
        tokio::task::yield_now().await;
        gone.abort();
        assert!(gone.await.is_err());
        drop(first);
        assert!(queue.turn(&tenant, None).await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_ever() {
        let queue = Arc::new(DecodingQueue::default());
        let tenant = TenantId::new(Timestamp::from_millis(1));
        let _held = queue.turn(&tenant, None).await.unwrap();
        assert!(queue.turn(&tenant, None).await.is_none());
    }
}
