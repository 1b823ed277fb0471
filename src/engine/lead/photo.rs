//! Photos that strangers send: recognised by their first bytes, decoded within limits, turned upright,
//! made smaller and written anew as JPEG, so that nothing of the file but its picture is kept.

use std::io::Cursor;

use crate::lead::photo_effort;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder as _, ImageEncoder as _, ImageFormat, ImageReader, Limits};
use nexora_core::model::language::{Flaw, Language};

/// A picture as it is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    /// A JPEG.
    pub content: Vec<u8>,
    pub width: u32,
    pub height: u32,
}

/// The longer side of a picture that is kept, in pixels.
const SIDE: u32 = 2_048;
const QUALITY: u8 = 82;
/// The box that a logo fits into, in pixels: twice what is shown, for fine screens.
const LOGO: (u32, u32) = (400, 120);
/// What a logo may weigh in the page, in bytes.
const LOGO_LIMIT: usize = 14_000;
/// Bytes that a decoded picture may take for each pixel that it may have: four channels of eight bits.
const BYTES_PER_PIXEL: u64 = 4;

/// Makes a picture of what was sent.
///
/// # Errors
/// Why it cannot be used.
pub fn read(bytes: &[u8], pixel_limit: u64) -> Result<Picture, Flaw> {
    let (image, orientation) = decode(bytes, pixel_limit)?;
    let mut image = match image.width().max(image.height()) > SIDE {
        true => image.thumbnail(SIDE, SIDE),
        false => image,
    };
    // A picture that is turned is there twice, so it is made small before.
    image.apply_orientation(orientation);
    // What is transparent shows the paper.
    let flat = over_white(&image);
    let mut content = Vec::new();
    JpegEncoder::new_with_quality(&mut content, QUALITY)
        .encode_image(&flat)
        .map_err(|_| Flaw::PhotoNotKept)?;
    Ok(Picture { content, width: flat.width(), height: flat.height() })
}

/// Makes a small PNG of a logo.
///
/// # Errors
/// A sentence that says what to do.
pub fn logo(bytes: &[u8], pixel_limit: u64) -> Result<Vec<u8>, String> {
    let decoded = decode(bytes, pixel_limit).map_err(|flaw| (Language::English.words().flaw)(flaw));
    let (mut image, orientation) = decoded?;
    image.apply_orientation(orientation);
    let (mut width, mut height) = LOGO;
    while width > 40 {
        let small = match image.width() > width || image.height() > height {
            true => image.resize(width, height, image::imageops::FilterType::Lanczos3),
            false => image.clone(),
        };
        let mut content = Vec::new();
        let written = PngEncoder::new_with_quality(
            &mut content,
            image::codecs::png::CompressionType::Best,
            image::codecs::png::FilterType::Adaptive,
        )
        .write_image(
            small.to_rgba8().as_raw(),
            small.width(),
            small.height(),
            image::ExtendedColorType::Rgba8,
        );
        if written.is_ok() && content.len() <= LOGO_LIMIT {
            return Ok(content);
        }
        (width, height) = (width * 3 / 4, height * 3 / 4);
    }
    Err("this logo is too rich in detail; use a simpler one".to_owned())
}

fn decode(bytes: &[u8], pixel_limit: u64) -> Result<(DynamicImage, Orientation), Flaw> {
    let format = image::guess_format(bytes).ok();
    let Some(format @ (ImageFormat::Jpeg | ImageFormat::Png | ImageFormat::WebP)) = format else {
        return Err(Flaw::PhotoFormat);
    };
    let unreadable = |_| Flaw::PhotoUnreadable;
    photo_effort::of(bytes).within(pixel_limit)?;
    let reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut decoder = reader.into_decoder().map_err(unreadable)?;
    let (width, height) = decoder.dimensions();
    let most = pixel_limit.saturating_mul(BYTES_PER_PIXEL);
    if u64::from(width) * u64::from(height) > pixel_limit || decoder.total_bytes() > most {
        return Err(Flaw::PhotoTooManyPixels);
    }
    let mut limits = Limits::default();
    limits.max_alloc = Some(most.saturating_mul(2));
    decoder.set_limits(limits).map_err(unreadable)?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    Ok((DynamicImage::from_decoder(decoder).map_err(unreadable)?, orientation))
}

fn over_white(image: &DynamicImage) -> DynamicImage {
    if !image.color().has_alpha() {
        return DynamicImage::ImageRgb8(image.to_rgb8());
    }
    let mut paper =
        image::RgbaImage::from_pixel(image.width(), image.height(), image::Rgba([255, 255, 255, 255]));
    image::imageops::overlay(&mut paper, &image.to_rgba8(), 0, 0);
    DynamicImage::ImageRgb8(DynamicImage::ImageRgba8(paper).to_rgb8())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lead::photo_effort::tests::progressive;

    const PIXELS: u64 = 4_000_000;

    fn encoded(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
        let image = DynamicImage::ImageRgb8(image::RgbImage::from_fn(width, height, |x, y| {
            image::Rgb([u8::try_from(x % 256).unwrap(), u8::try_from(y % 256).unwrap(), 90])
        }));
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    /// A JPEG with an EXIF segment that has it lie on its side, and a remark in it.
    fn lying(jpeg: &[u8]) -> Vec<u8> {
        let mut exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0".to_vec();
        exif.extend_from_slice(b"SECRET PLACE");
        let length = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
        [&jpeg[..2], &[0xff, 0xe1], &length, &exif, &jpeg[2..]].concat()
    }

    #[test]
    fn a_photo_is_kept_upright_and_without_what_the_camera_wrote() {
        let sent = lying(&encoded(60, 20, ImageFormat::Jpeg));
        assert!(sent.windows(6).any(|window| window == b"SECRET"));
        let kept = read(&sent, PIXELS).unwrap();
        assert_eq!((kept.width, kept.height), (20, 60));
        assert!(!kept.content.windows(6).any(|window| window == b"SECRET"));
        assert!(!kept.content.windows(4).any(|window| window == b"Exif"));
        assert_eq!(image::guess_format(&kept.content).unwrap(), ImageFormat::Jpeg);
    }

    #[test]
    fn a_large_photo_becomes_smaller() {
        let kept = read(&encoded(2_400, 1_200, ImageFormat::Png), PIXELS).unwrap();
        assert_eq!((kept.width, kept.height), (2_048, 1_024));
        assert_eq!(read(&encoded(30, 20, ImageFormat::WebP), PIXELS).unwrap().width, 30);
    }

    #[test]
    fn what_is_no_photo_or_too_large_is_refused_and_told_why() {
        assert!(read(b"<svg onload=alert(1)>", PIXELS).is_err_and(|flaw| flaw == Flaw::PhotoFormat));
        assert!(read(b"GIF89a", PIXELS).is_err_and(|flaw| flaw == Flaw::PhotoFormat));
        let torn = encoded(60, 20, ImageFormat::Png);
        assert!(read(&torn[..40], PIXELS).is_err_and(|flaw| flaw == Flaw::PhotoUnreadable));
        assert!(
            read(&encoded(100, 100, ImageFormat::Png), 5_000)
                .is_err_and(|flaw| flaw == Flaw::PhotoTooManyPixels)
        );
    }

    #[test]
    fn a_header_that_claims_a_huge_picture_takes_no_memory() {
        let mut bomb = encoded(10, 10, ImageFormat::Png);
        bomb[16..20].copy_from_slice(&60_000_u32.to_be_bytes());
        bomb[20..24].copy_from_slice(&60_000_u32.to_be_bytes());
        assert!(read(&bomb, PIXELS).is_err());
    }

    #[test]
    fn a_photo_that_is_gone_over_and_over_is_refused_before_it_is_decoded() {
        assert_eq!(read(&progressive(200, 6), PIXELS).unwrap().width, 200);
        let begun = std::time::Instant::now();
        assert!(read(&progressive(1_900, 99), PIXELS).is_err_and(|flaw| flaw == Flaw::PhotoTooMuchWork));
        assert!(begun.elapsed() < std::time::Duration::from_secs(1));
    }

    #[test]
    fn a_logo_is_small_whatever_was_sent() {
        let noisy = DynamicImage::ImageRgb8(image::RgbImage::from_fn(900, 500, |x, y| {
            let value = x.wrapping_mul(2_654_435_761).wrapping_add(y.wrapping_mul(40_503)) >> 7;
            image::Rgb([0, 8, 16].map(|shift| u8::try_from((value >> shift) & 255).unwrap()))
        }));
        let mut bytes = Cursor::new(Vec::new());
        noisy.write_to(&mut bytes, ImageFormat::Png).unwrap();
        let kept = logo(&bytes.into_inner(), PIXELS).unwrap();
        assert!(kept.len() <= LOGO_LIMIT);
        assert_eq!(image::guess_format(&kept).unwrap(), ImageFormat::Png);
    }
}
