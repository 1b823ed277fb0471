//! What is done with the pieces of a mail before labels are looked for: what was passed on is taken out of the mail that it is in, and
//! layouts that turn the usual one round are brought into it.

use crate::lead::lead_format::html::Line;
use crate::lead::lead_format::label::{self, Certainty, Meaning};
use crate::lead::lead_format::layout::{self, Piece};
use crate::lead::lead_format::mail_text::found::LABEL_LENGTH;
use crate::message::mail::own;
use nexora_core::model::source::SourceField;

/// Words of a label above what has columns, at most.
const COLUMN_WORDS: usize = 5;

/// Returns what was passed on, without the headers of the mail that it was.
pub fn forwarded(mut pieces: Vec<Piece>, subject: &str) -> Vec<Piece> {
    let line = |piece: &Piece| match piece {
        Piece::Line(line) => own::Line::own(&line.text),
        Piece::Pair(..) => own::Line::own(""),
    };
    let lines: Vec<own::Line> = pieces.iter().map(line).collect();
    match own::forwarded_from(&lines, subject) {
        Some(start) => pieces.split_off(start),
        None => pieces,
    }
}

/// Tells whether the values are emphasised, and not the labels above them.
fn is_inverted(pieces: &[Piece]) -> bool {
    let is_label = |line: &Line| matches!(label::meaning(&line.text), Some((_, Certainty::Whole)));
    let known = |pair: &&[Piece]| match pair {
        [Piece::Line(label), Piece::Line(value)] => {
            is_label(label) && !label.is_strong && value.is_heading() && !is_label(value)
        }
        _ => false,
    };
    pieces.windows(2).filter(known).count() >= 2
}

/// Makes pairs of the lines that stand above emphasised ones, and these, where values are emphasised and labels are not.
pub fn upright(pieces: Vec<Piece>) -> Vec<Piece> {
    if !is_inverted(&pieces) {
        return pieces;
    }
    let mut out: Vec<Piece> = Vec::with_capacity(pieces.len());
    for piece in pieces {
        match (piece, out.last_mut()) {
            (Piece::Line(value), Some(Piece::Pair(_, lines)))
                if value.is_heading() && lines.iter().all(Line::is_heading) =>
            {
                lines.push(value);
            }
            (Piece::Line(value), Some(last)) if value.is_heading() => match last {
                Piece::Line(label)
                    if !label.is_strong && !label.is_link && label.text.len() <= LABEL_LENGTH =>
                {
                    *last = Piece::Pair(label.text.clone(), vec![value]);
                }
                Piece::Line(_) | Piece::Pair(..) => out.push(Piece::Line(value)),
            },
            (piece, _) => out.push(piece),
        }
    }
    out
}

/// Makes pairs of lines that begin with a label and have nothing but a gap behind it: `Full name    Jo Miller`. Nothing where they
/// do not.
pub fn columns(pieces: Vec<Piece>) -> Option<Vec<Piece>> {
    let mut sure = 0;
    let mut pair = |piece: Piece| match &piece {
        Piece::Line(line) => match column(&line.text) {
            Some((label, value)) => {
                let ways = [SourceField::Email, SourceField::Phone];
                sure += usize::from(ways.iter().any(
                    |way| matches!(label::meaning(label), Some((Meaning::Field(field), _)) if field == *way),
                ));
                let value = Line { text: value.to_owned(), ..line.clone() };
                Piece::Pair(label.to_owned(), vec![value])
            }
            None => piece,
        },
        Piece::Pair(..) => piece,
    };
    let pieces: Vec<Piece> = pieces.into_iter().map(&mut pair).collect();
    (sure >= 2).then_some(pieces)
}

/// Parts a line behind the longest label that it begins with.
fn column(line: &str) -> Option<(&str, &str)> {
    let blanks = line.match_indices(' ').map(|(at, _)| at).take(COLUMN_WORDS);
    let parts = blanks.filter_map(|at| line.split_at_checked(at)).map(|(label, value)| (label, value.trim()));
    let is_known = |(label, value): &(&str, &str)| match label::meaning(label) {
        Some((Meaning::Field(field), Certainty::Whole)) => label::is_likely(field, value),
        Some((Meaning::Question | Meaning::Field(_), _)) => label.ends_with('?'),
        Some((Meaning::Technical | Meaning::Origin(_), _)) | None => false,
    };
    let is_label = |(label, value): &(&str, &str)| {
        !label.bytes().any(|byte| byte.is_ascii_digit()) && !layout::is_of_values(value)
    };
    parts.filter(is_label).filter(is_known).last()
}
