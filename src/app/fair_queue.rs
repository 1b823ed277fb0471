//! Whose costly work is done next: a photo that is decoded, a password that is hashed. A few are at a time; those that
//! wait go round the groups, such as the tenants, and round the clients of each, so that a client that sends many delays
//! no other by more than one. What is soon done goes before what takes long, however many clients send that.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

/// By what those that wait are told apart.
pub trait Key: Clone + Eq + Hash {}

impl<T: Clone + Eq + Hash> Key for T {}

/// How long a turn is going to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Length {
    Short,
    Long,
}

/// Those that wait for a turn, by the group and the client that each belongs to.
pub struct FairQueue<G: Key, C: Key> {
    state: Mutex<State<G, C>>,
    /// Turns that are given at once.
    parallel: usize,
    /// How long one waits for a turn.
    patience: Duration,
}

struct State<G: Key, C: Key> {
    busy: usize,
    waiting: Vec<Waiting<G, C>>,
    /// Turns given, and the number of the last one that each group, and each client, was given.
    turns: u64,
    groups: HashMap<G, u64>,
    clients: HashMap<C, u64>,
}

struct Waiting<G: Key, C: Key> {
    group: G,
    length: Length,
    client: C,
    wake: oneshot::Sender<Turn<G, C>>,
}

/// A turn; the next one's comes when it is dropped.
pub struct Turn<G: Key, C: Key>(Option<Arc<FairQueue<G, C>>>);

impl<G: Key, C: Key> FairQueue<G, C> {
    pub fn new(parallel: usize, patience: Duration) -> FairQueue<G, C> {
        let state =
            State { busy: 0, waiting: Vec::new(), turns: 0, groups: HashMap::new(), clients: HashMap::new() };
        FairQueue { state: Mutex::new(state), parallel, patience }
    }

    /// Waits for a turn; nothing when it does not come in time.
    pub async fn turn(self: &Arc<Self>, group: &G, client: &C, length: Length) -> Option<Turn<G, C>> {
        let awaited = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            if state.busy < self.parallel {
                state.busy += 1;
                state.note(group, client);
                return Some(Turn(Some(Arc::clone(self))));
            }
            let (wake, awaited) = oneshot::channel();
            state.waiting.push(Waiting { group: group.clone(), length, client: client.clone(), wake });
            awaited
        };
        tokio::time::timeout(self.patience, awaited).await.ok()?.ok()
    }

    /// Gives the turn to whoever has waited for the longest, by group and then by client; the short ones first.
    fn pass_on(self: &Arc<Self>) {
        loop {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.waiting.retain(|waiting| !waiting.wake.is_closed());
            let Some(next) = state.next() else {
                state.busy = state.busy.saturating_sub(1);
                if state.busy == 0 {
                    state.forget();
                }
                return;
            };
            state.note(&next.group, &next.client);
            drop(state);
            match next.wake.send(Turn(Some(Arc::clone(self)))) {
                Ok(()) => return,
                // It has gone just now: the turn is still ours to give.
                Err(mut turn) => turn.0 = None,
            }
        }
    }
}

impl<G: Key, C: Key> State<G, C> {
    fn note(&mut self, group: &G, client: &C) {
        self.turns += 1;
        self.groups.insert(group.clone(), self.turns);
        self.clients.insert(client.clone(), self.turns);
    }

    /// Forgets who had turns, once nobody waits.
    fn forget(&mut self) {
        self.turns = 0;
        self.groups.clear();
        self.clients.clear();
    }

    fn next(&mut self) -> Option<Waiting<G, C>> {
        let last = |waiting: &Waiting<G, C>| {
            let group = self.groups.get(&waiting.group).copied().unwrap_or(0);
            (group, waiting.length, self.clients.get(&waiting.client).copied().unwrap_or(0))
        };
        let (index, _) = self.waiting.iter().enumerate().min_by_key(|(_, waiting)| last(waiting))?;
        Some(self.waiting.remove(index))
    }
}

impl<G: Key, C: Key> Drop for Turn<G, C> {
    fn drop(&mut self) {
        if let Some(queue) = self.0.take() {
            queue.pass_on();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(parallel: usize) -> Arc<FairQueue<u8, u8>> {
        Arc::new(FairQueue::new(parallel, Duration::from_secs(60)))
    }

    /// Has these wait behind one that is being decoded; returns the order in which they have their turns.
    async fn order(waiting: &[(u8, u8, Length)]) -> Vec<usize> {
        let queue = queue(1);
        let first = queue.turn(&waiting[0].0, &waiting[0].1, waiting[0].2).await.unwrap();
        let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
        for (number, (group, client, length)) in waiting.iter().copied().enumerate() {
            let (queue, tell) = (Arc::clone(&queue), tell.clone());
            tokio::spawn(async move {
                let turn = queue.turn(&group, &client, length).await.unwrap();
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
    async fn turns_go_round_the_groups_and_the_clients() {
        let many: Vec<_> = (0..40).map(|_| (1, 1, Length::Short)).collect();
        let many = [many, vec![(1, 2, Length::Short), (2, 3, Length::Short)]].concat();
        let order = order(&many).await;
        assert_eq!(order.len(), 42);
        let place = |number| order.iter().position(|found| *found == number).unwrap();
        assert!(place(41) < 2, "another group's comes next: {order:?}");
        assert!(place(40) < 3, "and then another client's: {order:?}");
    }

    #[tokio::test]
    async fn what_is_soon_done_waits_for_no_crowd_of_long_ones() {
        let crowd: Vec<_> = (0..64).map(|client| (1, client, Length::Long)).collect();
        let order = order(&[crowd, vec![(1, 99, Length::Short)]].concat()).await;
        assert_eq!(order.first(), Some(&64), "the photo of an honest client comes next");
    }

    #[tokio::test]
    async fn whoever_has_gone_holds_up_nobody() {
        let queue = queue(1);
        let first = queue.turn(&1, &1, Length::Short).await.unwrap();
        let gone = tokio::spawn({
            let queue = Arc::clone(&queue);
            async move { queue.turn(&1, &1, Length::Short).await.is_some() }
        });
        tokio::task::yield_now().await;
        gone.abort();
        assert!(gone.await.is_err());
        drop(first);
        assert!(queue.turn(&1, &1, Length::Short).await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_ever() {
        let queue = queue(2);
        let _held = (
            queue.turn(&1, &1, Length::Short).await.unwrap(),
            queue.turn(&1, &1, Length::Short).await.unwrap(),
        );
        assert!(queue.turn(&1, &1, Length::Short).await.is_none());
    }
}
