//! The geometry of charts: counts in, rectangles and labels out. It knows no colours and no pages.

use chrono::NaiveDate;

/// The room that a chart of columns has, in its own units.
const WIDTH: f64 = 380.0;
const LEFT: f64 = 26.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 166.0;

/// The part of a column's share of the width that its bar takes.
const BAR: f64 = 0.74;

/// A chart of stacked columns, one for each day.
#[derive(Clone, Debug, PartialEq)]
pub struct Columns {
    pub bars: Vec<Column>,
    pub lines: Vec<Line>,
    pub labels: Vec<Label>,
}

/// One day: its parts from the bottom up, those of nothing left out.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    pub parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// Which part of the day's count it is.
    pub index: usize,
    /// Its outline, as an SVG path has it.
    pub path: String,
}

/// A horizontal line at a round count.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    pub y: String,
    pub count: u64,
}

/// A date below the columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    pub x: String,
    pub day: NaiveDate,
    /// Which end of the text stands there: `start`, `middle` or `end`.
    pub anchor: &'static str,
}

impl Columns {
    /// Lays out one column for each day. `counts` has one row for each of `days`.
    pub fn of(days: &[NaiveDate], counts: &[Vec<u64>]) -> Columns {
        let highest = counts.iter().map(|parts| parts.iter().sum()).max().unwrap_or(0);
        let top = round_up(highest);
        let scale = (BOTTOM - TOP) / number(top);
        let share = (WIDTH - LEFT) / number(days.len().max(1) as u64);
        let columns = counts.iter().enumerate().map(|(index, parts)| {
            let x = LEFT + share * (number(index as u64) + (1.0 - BAR) / 2.0);
            Column { parts: stacked(parts, scale, (x, share * BAR)) }
        });
        Columns {
            bars: columns.collect(),
            lines: [0, top / 2, top].map(|count| line(count, scale)).to_vec(),
            labels: labels(days, share),
        }
    }
}

fn stacked(parts: &[u64], scale: f64, (x, width): (f64, f64)) -> Vec<Part> {
    let (x, width) = (short(x), short(width));
    let mut below = 0;
    let mut stacked = Vec::new();
    for (index, count) in parts.iter().enumerate().filter(|(_, count)| **count > 0) {
        below += count;
        let y = BOTTOM - number(below) * scale;
        let path = format!("M{x} {}h{width}v{}h-{width}z", short(y), short(number(*count) * scale));
        stacked.push(Part { index, path });
    }
    stacked
}

fn line(count: u64, scale: f64) -> Line {
    Line { y: short(BOTTOM - number(count) * scale), count }
}

/// Writes the first and last day, and those a third of the way.
fn labels(days: &[NaiveDate], share: f64) -> Vec<Label> {
    let last = days.len().saturating_sub(1);
    let mut wanted = vec![0, last / 3, last * 2 / 3, last];
    wanted.dedup();
    let label = |index: usize| {
        let anchor = match index {
            0 => "start",
            _ if index == last => "end",
            _ => "middle",
        };
        let within = match anchor {
            "start" => 0.0,
            "end" => 1.0,
            _ => 0.5,
        };
        let x = LEFT + share * (number(index as u64) + within);
        days.get(index).map(|day| Label { x: short(x), day: *day, anchor })
    };
    wanted.into_iter().filter_map(label).collect()
}

/// Returns the least round and even number that is not below `highest`: the chart's top.
fn round_up(highest: u64) -> u64 {
    let mut unit = 1;
    loop {
        for step in [2, 4, 6, 8, 10] {
            if step * unit >= highest {
                return step * unit;
            }
        }
        unit *= 10;
    }
}

/// One bar of a chart of shares, as wide as its share of `whole` out of `width`.
pub fn bar_width(count: u64, whole: u64, width: f64) -> String {
    if whole == 0 {
        return short(0.0);
    }
    short(number(count) * width / number(whole))
}

/// Returns how many of a hundred `count` is, rounded, of `whole`.
pub fn percent(count: u64, whole: u64) -> u64 {
    (count * 100 + whole / 2).checked_div(whole).unwrap_or(0)
}

#[expect(clippy::cast_precision_loss, reason = "a picture needs no more than 52 bits")]
fn number(count: u64) -> f64 {
    count as f64
}

/// Writes a coordinate with at most one digit after the point.
fn short(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::Days;

    fn days(count: u64) -> Vec<NaiveDate> {
        let first = NaiveDate::from_ymd_opt(2026, 11, 1).unwrap();
        (0..count).map(|ahead| first + Days::new(ahead)).collect()
    }

    #[test]
    fn the_top_is_round_and_can_be_halved() {
        let tops = [0, 1, 2, 3, 7, 9, 11, 39, 41, 100, 101, 999].map(round_up);
        assert_eq!(tops, [2, 2, 2, 4, 8, 10, 20, 40, 60, 100, 200, 1_000]);
    }

    #[test]
    fn parts_stand_on_each_other_and_reach_the_top() {
        let chart = Columns::of(&days(2), &[vec![1, 0, 3], vec![0, 0, 0]]);
        let part = |index, path: &str| Part { index, path: path.into() };
        let expected = [part(0, "M49 127h131v39h-131z"), part(2, "M49 10h131v117h-131z")];
        assert_eq!(chart.bars[0].parts, expected);
        assert!(chart.bars[1].parts.is_empty());
        assert_eq!(chart.lines.iter().map(|line| line.count).collect::<Vec<_>>(), [0, 2, 4]);
        assert_eq!(chart.lines[0].y, "166");
    }

    #[test]
    fn every_column_lies_within_the_chart_and_the_ends_are_labelled() {
        let counts: Vec<Vec<u64>> = (0..28).map(|day| vec![day, 28 - day]).collect();
        let chart = Columns::of(&days(28), &counts);
        assert_eq!(chart.bars.len(), 28);
        for part in chart.bars.iter().flat_map(|column| &column.parts) {
            let numbers = part.path.split(['M', ' ', 'h', 'v', 'z']).filter(|text| !text.is_empty());
            let numbers: Vec<f64> = numbers.map(|text| text.parse().unwrap()).collect();
            let [x, y, width, height, _] = numbers[..] else { panic!("{part:?}") };
            assert!(x >= LEFT && x + width <= WIDTH, "{part:?}");
            assert!(y >= TOP - 0.1 && y + height <= BOTTOM + 0.2, "{part:?}");
        }
        let anchors: Vec<&str> = chart.labels.iter().map(|label| label.anchor).collect();
        assert_eq!(anchors, ["start", "middle", "middle", "end"]);
        assert_eq!(Columns::of(&[], &[]).labels, []);
    }

    #[test]
    fn shares() {
        assert_eq!((percent(1, 3), percent(2, 3), percent(1, 0)), (33, 67, 0));
        assert_eq!((bar_width(1, 2, 100.0), bar_width(1, 0, 100.0)), ("50".into(), "0".into()));
    }
}
