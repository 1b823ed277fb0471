//! A free slot: where something of a given length fits between what is there already.

use crate::base::clock::Timestamp;
use crate::model::request::FindSlot;

/// A span of time, the end exclusive.
pub type Span = (Timestamp, Timestamp);

/// Returns the first slot that lies in what is open and, with its buffer, clear of what is busy.
pub fn first_free(wanted: &FindSlot, busy: &[Span]) -> Option<Span> {
    let [length, buffer, step] = [wanted.length_ms, wanted.buffer_ms, wanted.step_ms.max(1)]
        .map(|millis| i64::try_from(millis).unwrap_or(i64::MAX / 4));
    let mut busy: Vec<(i64, i64)> = busy.iter().map(|(from, to)| (from.millis(), to.millis())).collect();
    busy.sort_unstable();
    let round_up = |at: i64| at.saturating_add(step - 1).div_euclid(step).saturating_mul(step);
    for (opens, closes) in &wanted.open {
        let mut start = round_up(opens.millis());
        for (from, to) in &busy {
            let is_clear = start.saturating_add(length).saturating_add(buffer) <= *from
                || to.saturating_add(buffer) <= start;
            if !is_clear {
                start = round_up(to.saturating_add(buffer));
            }
        }
        let end = start.saturating_add(length);
        if end <= closes.millis() {
            return Some((Timestamp::from_millis(start), Timestamp::from_millis(end)));
        }
    }
    None
}

/// Returns when so many things are under way at the same time that there is no room for one more.
pub fn full(spans: &[Span], capacity: usize) -> Vec<Span> {
    let mut changes: Vec<(Timestamp, i64)> =
        spans.iter().flat_map(|(from, to)| [(*from, 1), (*to, -1)]).collect();
    // At one moment, what ends makes room before the next begins.
    changes.sort_unstable();
    let capacity = i64::try_from(capacity.max(1)).unwrap_or(i64::MAX);
    let (mut count, mut since, mut full) = (0, None, Vec::new());
    for (at, change) in changes {
        count += change;
        match since {
            None if count >= capacity => since = Some(at),
            Some(from) if count < capacity => {
                full.push((from, at));
                since = None;
            }
            _ => {}
        }
    }
    full
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000;

    /// Spans in minutes.
    type Minutes = &'static [(i64, i64)];

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_millis(minute * MINUTE)
    }

    fn spans(list: &[(i64, i64)]) -> Vec<Span> {
        list.iter().map(|(from, to)| (at(*from), at(*to))).collect()
    }

    #[test]
    fn there_is_no_room_where_as_many_lie_as_may() {
        let busy = spans(&[(0, 60), (30, 90), (30, 45), (90, 120)]);
        assert_eq!(full(&busy, 1), spans(&[(0, 90), (90, 120)]));
        assert_eq!(full(&busy, 2), spans(&[(30, 60)]));
        assert_eq!(full(&busy, 3), spans(&[(30, 45)]));
        assert!(full(&busy, 4).is_empty() && full(&[], 1).is_empty());
    }

    #[test]
    fn the_first_gap_that_is_long_enough() {
        let open = [(0, 120), (480, 600)];
        let cases: [(Minutes, u64, u64, Option<i64>); 9] = [
            (&[], 30, 0, Some(0)),
            (&[(0, 30)], 30, 0, Some(30)),
            (&[(0, 31)], 30, 0, Some(45)),
            // What is busy may be listed in any order, and lie in each other.
            (&[(60, 90), (0, 40), (10, 20)], 30, 0, Some(90)),
            (&[(60, 90), (0, 40)], 15, 0, Some(45)),
            // The buffer counts on both sides.
            (&[(30, 60)], 30, 15, Some(75)),
            (&[(45, 60)], 30, 15, Some(0)),
            (&[(0, 100)], 30, 0, Some(480)),
            (&[(0, 1_000)], 30, 0, None),
        ];
        for (busy, length, buffer, start) in cases {
            let minute = 60_000;
            let wanted = FindSlot {
                calendars: Vec::new(),
                open: spans(&open),
                length_ms: length * minute,
                buffer_ms: buffer * minute,
                step_ms: 15 * minute,
            };
            let expected = start.map(at);
            assert_eq!(first_free(&wanted, &spans(busy)).map(|slot| slot.0), expected, "{busy:?}");
        }
    }
}
