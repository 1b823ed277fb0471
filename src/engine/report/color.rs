//! A brand's colour, made fit to be read: WCAG 2.2 wants 4.5 to 1 for text (1.4.3).

/// A colour of the sRGB space.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Color([f64; 3]);

const ENOUGH: f64 = 4.5;
const STEPS: u32 = 64;

impl Color {
    pub const WHITE: Color = Color([1.0; 3]);
    pub const BLACK: Color = Color([0.0; 3]);

    /// Reads `#0b6bcb`.
    pub fn parse(text: &str) -> Option<Color> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6 && digits.is_ascii())?;
        let channel = |at: usize| {
            let byte = u8::from_str_radix(digits.get(at..at + 2)?, 16).ok()?;
            Some(f64::from(byte) / 255.0)
        };
        Some(Color([channel(0)?, channel(2)?, channel(4)?]))
    }

    /// Returns the text that `parse` reads.
    pub fn to_hex(self) -> String {
        let [red, green, blue] = self.0.map(|channel| {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a channel lies between 0 and 1"
            )]
            let byte = (channel.clamp(0.0, 1.0) * 255.0).round() as u8;
            byte
        });
        format!("#{red:02x}{green:02x}{blue:02x}")
    }

    /// Returns this colour, moved towards black or white as little as makes it readable on `paper`.
    #[must_use]
    pub fn readable_on(self, paper: Color) -> Color {
        let goal = if paper.luminance() > 0.18 { Color::BLACK } else { Color::WHITE };
        (0..=STEPS)
            .map(|step| self.mixed(goal, f64::from(step) / f64::from(STEPS)))
            .find(|color| color.contrast(paper) >= ENOUGH)
            .unwrap_or(goal)
    }

    /// Returns the one of black and white that is read better on this colour.
    #[must_use]
    pub fn ink(self) -> Color {
        let white = self.contrast(Color::WHITE);
        if white >= ENOUGH || white >= self.contrast(Color::BLACK) { Color::WHITE } else { Color::BLACK }
    }

    /// Returns the ratio that WCAG 2.2 defines as contrast, from 1 to 21.
    pub fn contrast(self, other: Color) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    fn mixed(self, other: Color, share: f64) -> Color {
        let mut channels = self.0;
        for (channel, goal) in channels.iter_mut().zip(other.0) {
            *channel += (goal - *channel) * share;
        }
        Color(channels)
    }

    fn luminance(self) -> f64 {
        let [red, green, blue] = self.0.map(|channel| {
            if channel <= 0.04045 { channel / 12.92 } else { ((channel + 0.055) / 1.055).powf(2.4) }
        });
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contrast_is_that_of_the_standard() {
        assert!((Color::WHITE.contrast(Color::BLACK) - 21.0).abs() < 1e-9);
        let grey = Color::parse("#767676").unwrap();
        assert!((grey.contrast(Color::WHITE) - 4.54).abs() < 0.01, "{}", grey.contrast(Color::WHITE));
        assert_eq!(Color::parse("#0b6bcb").unwrap().to_hex(), "#0b6bcb");
        assert_eq!(Color::parse("0b6bcb"), None);
        assert_eq!(Color::parse("#ää"), None);
    }

    #[test]
    fn every_brand_can_be_read_on_light_and_dark() {
        let papers = ["#ffffff", "#18212a"].map(|paper| Color::parse(paper).unwrap());
        for brand in ["#ffe600", "#000000", "#ffffff", "#0b6bcb", "#ff0000", "#00ff00", "#767676", "#18212a"]
        {
            let brand = Color::parse(brand).unwrap();
            for paper in papers {
                let shown = brand.readable_on(paper);
                assert!(shown.contrast(paper) >= ENOUGH, "{}", shown.to_hex());
                assert!(shown.contrast(shown.ink()) >= ENOUGH, "{}", shown.to_hex());
            }
        }
        let blue = Color::parse("#0b6bcb").unwrap();
        assert_eq!(blue.readable_on(Color::WHITE), blue);
    }
}
