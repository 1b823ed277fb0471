//! How much work it is to decode a photo, told from its markers alone.
//!
//! A JPEG may go over its pixels in many scans (ITU-T T.81, annex G), each of which costs as much as the whole
//! picture: a small file can keep a decoder busy for minutes. A progressive one is held in memory as coefficients
//! besides, several times the size of its pixels. So what counts is pixels times scans, and a decoder, which
//! cannot be stopped half-way, is not begun beyond a bound.

use std::io::Cursor;

use image::{ImageFormat, ImageReader};
use nexora_core::model::language::Flaw;

/// How often all pixels that a photo may have may be gone over.
const PASSES: u64 = 4;

/// What a progressive picture counts for at least: it takes as much more memory for each pixel.
const PROGRESSIVE: u64 = 8;

/// The work of decoding a photo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort {
    pixels: u64,
    /// How often they are gone over, or what the picture takes besides counts for.
    passes: u64,
}

impl Effort {
    /// Returns the number of pixels, each as often as it is gone over, unless it is more than a photo of
    /// `pixel_limit` pixels may take.
    ///
    /// # Errors
    /// Why it is more.
    pub fn within(self, pixel_limit: u64) -> Result<u64, Flaw> {
        if self.pixels > pixel_limit {
            return Err(Flaw::PhotoTooManyPixels);
        }
        let work = self.pixels.saturating_mul(self.passes);
        match work <= pixel_limit.saturating_mul(PASSES) {
            true => Ok(work),
            false => Err(Flaw::PhotoTooMuchWork),
        }
    }
}

/// Returns the work of decoding these bytes; none for what is no picture, which is told so when it is decoded.
pub fn of(bytes: &[u8]) -> Effort {
    if image::guess_format(bytes).ok() == Some(ImageFormat::Jpeg) {
        let frame = Frame::of(bytes);
        let passes = if frame.is_progressive { frame.scans.max(PROGRESSIVE) } else { frame.scans.max(1) };
        return Effort { pixels: frame.pixels, passes };
    }
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().ok();
    let size = reader.and_then(|reader| reader.into_dimensions().ok());
    let pixels = size.map_or(0, |(width, height)| u64::from(width) * u64::from(height));
    Effort { pixels, passes: 1 }
}

/// What the markers of a JPEG say.
#[derive(Debug, Default, PartialEq, Eq)]
struct Frame {
    pixels: u64,
    is_progressive: bool,
    scans: u64,
}

impl Frame {
    /// Reads the markers up to the end of the picture. What follows, such as a film or a preview, is not decoded.
    fn of(bytes: &[u8]) -> Frame {
        let mut frame = Frame::default();
        let mut at = 0;
        while let Some((marker, next)) = marker(bytes, at) {
            at = next;
            match marker {
                START_OF_IMAGE | TEMPORARY | RESTART_FIRST..=RESTART_LAST => continue,
                END_OF_IMAGE => break,
                START_OF_SCAN => frame.scans += 1,
                // Start of frame: C4, C8 and CC are something else (T.81, table B.1).
                0xc0..=0xcf if ![0xc4, 0xc8, 0xcc].contains(&marker) => frame.begin(marker, bytes, at),
                _ => {}
            }
            let length = bytes
                .get(at..at + 2)
                .map_or(0, |two| two.iter().fold(0, |all, byte| all << 8 | usize::from(*byte)));
            at += length;
        }
        frame
    }

    /// Reads the height and the width that follow a length and a precision.
    fn begin(&mut self, marker: u8, bytes: &[u8], at: usize) {
        let side = |from: usize| {
            let two = bytes.get(from..from + 2).unwrap_or_default();
            two.iter().fold(0_u64, |all, byte| all << 8 | u64::from(*byte))
        };
        self.pixels = self.pixels.max(side(at + 3).saturating_mul(side(at + 5)));
        self.is_progressive |= matches!(marker, 0xc2 | 0xc6 | 0xca | 0xce);
    }
}

const TEMPORARY: u8 = 0x01;
const RESTART_FIRST: u8 = 0xd0;
const RESTART_LAST: u8 = 0xd7;
const START_OF_IMAGE: u8 = 0xd8;
const END_OF_IMAGE: u8 = 0xd9;
const START_OF_SCAN: u8 = 0xda;

/// Returns the next marker and where it ends. Within a scan, FF is followed by 00 where it is no marker; it may be
/// repeated before one.
fn marker(bytes: &[u8], from: usize) -> Option<(u8, usize)> {
    let mut at = from;
    loop {
        at += bytes.get(at..)?.iter().position(|byte| *byte == 0xff)?;
        while bytes.get(at) == Some(&0xff) {
            at += 1;
        }
        match *bytes.get(at)? {
            0 => at += 1,
            marker => return Some((marker, at + 1)),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    fn segment(marker: u8, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len() + 2).unwrap().to_be_bytes();
        [&[0xff, marker], length.as_slice(), content].concat()
    }

    /// Makes a grey progressive JPEG of `side` by `side` pixels, all of one shade, that is gone over `scans` times.
    pub(crate) fn progressive(side: u16, scans: usize) -> Vec<u8> {
        let [high, low] = side.to_be_bytes();
        // One code of one bit, for "no difference" and for "nothing more in this block".
        let table = |class: u8| [&[class, 1], [0_u8; 15].as_slice(), &[0]].concat();
        let mut jpeg = vec![0xff, START_OF_IMAGE];
        jpeg.extend(segment(0xdb, &[&[0], [1_u8; 64].as_slice()].concat()));
        jpeg.extend(segment(0xc2, &[8, high, low, high, low, 1, 1, 0x11, 0]));
        jpeg.extend(segment(0xc4, &table(0x00)));
        jpeg.extend(segment(0xc4, &table(0x10)));
        let blocks = usize::from(side).div_ceil(8).pow(2);
        let data = vec![0_u8; blocks.div_ceil(8)];
        for scan in 0..scans {
            let (from, until) = if scan == 0 { (0, 0) } else { (1, 63) };
            jpeg.extend(segment(START_OF_SCAN, &[1, 1, 0, from, until, 0]));
            jpeg.extend(&data);
        }
        jpeg.extend([0xff, END_OF_IMAGE]);
        jpeg
    }

    #[test]
    fn markers_are_read_to_the_end_of_the_picture_and_no_further() {
        let jpeg = progressive(64, 5);
        let read = Frame { pixels: 4_096, is_progressive: true, scans: 5 };
        assert_eq!(Frame::of(&jpeg), read);
        let with_more = [jpeg.clone(), progressive(640, 90)].concat();
        assert_eq!(Frame::of(&with_more), read, "what follows the picture is not decoded");
        let preview = [&jpeg[..2], &segment(0xe1, &progressive(16, 9)), &jpeg[2..]].concat();
        assert_eq!(Frame::of(&preview), read, "a preview within a segment is not decoded");
        assert_eq!(Frame::of(&jpeg[..40]).scans, 0);
        assert_eq!(Frame::of(&[0xff, 0xd8, 0xff]), Frame::default());
    }

    #[test]
    fn a_picture_that_is_gone_over_and_over_is_too_much_and_an_honest_one_is_not() {
        let limit = 1_000_000;
        assert_eq!(of(&progressive(500, 10)).within(limit), Ok(2_500_000));
        assert!(of(&progressive(500, 90)).within(limit).is_err_and(|flaw| flaw == Flaw::PhotoTooMuchWork));
        assert!(of(&progressive(1_000, 2)).within(limit).is_err(), "it takes memory for its coefficients");
        assert!(of(&progressive(1_001, 1)).within(limit).is_err_and(|flaw| flaw == Flaw::PhotoTooManyPixels));
        assert_eq!(of(b"GIF89a"), Effort { pixels: 0, passes: 1 });
    }
}
