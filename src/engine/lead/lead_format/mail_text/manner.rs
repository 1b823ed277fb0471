//! How labels are told from values in a mail: by emphasis, by elements of their own, by their looks, or by standing at the head of
//! a paragraph.

use crate::lead::lead_format::html::{Gap, Line};
use crate::lead::lead_format::label::{self, Certainty};
use crate::lead::lead_format::layout::Piece;

/// What sets labels off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Manner {
    pub is_marked: bool,
    pub is_stacked: bool,
    pub is_set_off: bool,
    /// How labels are set, where values are set otherwise.
    pub look: Option<u32>,
}

impl Manner {
    pub fn of(pieces: &[Piece]) -> Manner {
        Manner {
            is_marked: is_marked(pieces),
            is_stacked: is_stacked(pieces),
            is_set_off: is_set_off(pieces),
            look: look_of_labels(pieces),
        }
    }
}

/// Tells whether labels are emphasised, or stand in rows: then no line of a message is one.
fn is_marked(pieces: &[Piece]) -> bool {
    let known = |piece: &&Piece| match piece {
        Piece::Pair(label, _) => label::meaning(label).is_some(),
        Piece::Line(line) => {
            let marked = line.text.get(..line.marked_bytes).unwrap_or_default();
            let is_signed = marked.ends_with(':') && marked.len() < line.text.len();
            (line.is_strong || is_signed) && label::meaning(marked).is_some()
        }
    };
    pieces.iter().filter(known).count() >= 2
}

/// Tells whether labels stand in elements of their own that are not emphasised, and their values do not.
fn is_set_off(pieces: &[Piece]) -> bool {
    let known = |pair: &&[Piece]| match pair {
        [Piece::Line(label), Piece::Line(value)] => {
            let is_known = matches!(label::meaning(&label.text), Some((_, Certainty::Whole)));
            is_known && is_whole(label) && !label.is_strong && (!is_whole(value) || value.gap == Gap::Break)
        }
        _ => false,
    };
    pieces.windows(2).filter(known).count() >= 2
}

/// Returns how the labels above their values are set, where these are set otherwise.
fn look_of_labels(pieces: &[Piece]) -> Option<u32> {
    let look = |pair: &[Piece]| match pair {
        [Piece::Line(label), Piece::Line(value)] => {
            let is_known = matches!(label::meaning(&label.text), Some((_, Certainty::Whole)));
            (is_known && label.position.look() != value.position.look()).then(|| label.position.look())
        }
        _ => None,
    };
    let looks: Vec<u32> = pieces.windows(2).filter_map(look).collect();
    looks.first().copied().filter(|first| looks.len() >= 2 && looks.iter().all(|look| look == first))
}

/// Tells whether one element holds all of a line.
pub fn is_whole(line: &Line) -> bool {
    line.marked_bytes == line.text.len()
}

/// Tells whether a label stands at the head of its own paragraph, above its value.
fn is_stacked(pieces: &[Piece]) -> bool {
    pieces.windows(2).any(|pair| match pair {
        [Piece::Line(label), Piece::Line(value)] => {
            let known = label::meaning(&label.text);
            let is_sure = label.text.ends_with(['?', ':']) || matches!(known, Some((_, Certainty::Whole)));
            label.gap == Gap::Paragraph && value.gap == Gap::Break && known.is_some() && is_sure
        }
        _ => false,
    })
}
