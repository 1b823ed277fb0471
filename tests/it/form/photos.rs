//! Photos that come with a request.

use super::{file, picture};
use crate::harness::{Backend, on_both};
use crate::site::Site;
use nexora::ops::lead;
use nexora_store as store;
use reqwest::StatusCode;
use reqwest::multipart::Form;
use std::time::Duration;

on_both!(
    photos_are_made_anew_and_opened_by_their_link,
    what_is_no_photo_is_told_beside_its_field_and_nothing_is_kept,
    photos_go_when_they_are_old_and_those_of_spam_before
);

async fn photos_are_made_anew_and_opened_by_their_link(backend: Backend) {
    let site = Site::open(backend).await;
    let parts = Form::new()
        .text("name", "Jo")
        .text("email", "jo@example.com")
        .part("photos", file(picture(3_000, 1_500)))
        .part("photos", file(picture(40, 30)));
    assert_eq!(site.send_parts(parts).await.status(), StatusCode::SEE_OTHER);
    let view = site.only_lead().await;
    assert_eq!(view.photos.len(), 2);
    let photo = lead::photo(&site.nexora.app, &site.nexora.tenant, &view.photos[0]).await.unwrap();
    assert_eq!((photo.width, photo.height), (2_048, 1_024));

    site.nexora.settle().await;
    let state = site.nexora.state();
    let mails = [&state["smtp"], &state["mailboxes"]["office@acme.example.com"]["messages"]];
    let texts = mails.into_iter().flat_map(|mails| mails.as_array().unwrap());
    let texts: String = texts.filter_map(|mail| mail["text"].as_str()).collect();
    let (_, rest) = texts.split_once("/photo/").expect("a link to the photo in the alert");
    let token: String = rest.chars().take_while(|c| c.is_alphanumeric() || "._-".contains(*c)).collect();
    let answer = site.client.get(format!("{}/photo/{token}", site.base)).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "image/jpeg");
    assert_eq!(answer.bytes().await.unwrap(), photo.content);
    let forged = token.replacen("photo_", "photo_0", 1);
    let answer = site.client.get(format!("{}/photo/{forged}", site.base)).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    site.nexora.app.clock.advance(Duration::from_hours(24 * 401));
    let answer = site.client.get(format!("{}/photo/{token}", site.base)).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::NOT_FOUND, "a link to a photo ends");
}

async fn what_is_no_photo_is_told_beside_its_field_and_nothing_is_kept(backend: Backend) {
    let site = Site::open_and(backend, |config| {
        config.intake.photos = 2;
        config.intake.photo_limit_bytes = 20_000;
        config.intake.photo_limit_pixels = 20_000;
    })
    .await;
    let small = || file(picture(10, 10));
    let cases = [
        (vec![file(b"<svg onload=alert(1)>".to_vec())], "JPEG, PNG or WebP"),
        (vec![file(vec![7; 30_000])], "larger than"),
        (vec![file(picture(200, 200))], "too many pixels"),
        (vec![file(gone_over(120, 90))], "takes too long to read"),
        (vec![small(), small(), small()], "at most 2"),
    ];
    for (photos, expected) in cases {
        let parts = Form::new().text("name", "Jo <3").text("email", "jo@example.com");
        let parts = photos.into_iter().fold(parts, |parts, photo| parts.part("photos", photo));
        let answer = site.send_parts(parts).await;
        assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY, "{expected}");
        let html = answer.text().await.unwrap();
        assert!(
            html.contains(expected) && html.contains("id=\"photos-fault\"") && html.contains("Jo &#60;3"),
            "{html}"
        );
    }
    // Photos do not come back with the form: whoever has to correct something else is told.
    let parts = Form::new().text("name", "Jo").text("email", "nonsense").part("photos", small());
    let html = site.send_parts(parts).await.text().await.unwrap();
    assert!(
        html.contains("id=\"email-fault\"") && html.contains("Please choose your photos again."),
        "{html}"
    );
    let endless = Form::new().text("name", "x".repeat(200_000));
    assert_eq!(site.send_parts(endless).await.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(site.leads().await, 0);
}

/// Returns the markers of a progressive JPEG that is gone over `scans` times.
fn gone_over(side: u8, scans: usize) -> Vec<u8> {
    let frame = [0xff, 0xc2, 0, 11, 8, 0, side, 0, side, 1, 1, 0x11, 0];
    let scan = [0xff, 0xda, 0, 8, 1, 1, 0, 1, 63, 0, 0, 0];
    [&[0xff, 0xd8], frame.as_slice(), &scan.repeat(scans), &[0xff, 0xd9]].concat()
}

async fn photos_go_when_they_are_old_and_those_of_spam_before(backend: Backend) {
    let site = Site::open(backend).await;
    for (name, trap) in [("Jo", ""), ("Bot", "x")] {
        let email = format!("{name}@example.com");
        let parts = Form::new()
            .text("name", name)
            .text("email", email)
            .text("website", trap)
            .part("photos", file(picture(20, 20)));
        site.send_parts(parts).await;
    }
    let leads = site.nexora.view(move |tx| store::lead::list(tx, &store::lead::Filter::default(), 2)).await;
    let photos = async || {
        nexora::pipeline::prune::sweep(&site.nexora.app).await.unwrap();
        [site.nexora.lead(&leads[0].id).await.photos.len(), site.nexora.lead(&leads[1].id).await.photos.len()]
    };
    assert_eq!(photos().await, [1, 1]);
    site.nexora.app.clock.advance(Duration::from_hours(24 * 31));
    assert_eq!(photos().await, [0, 1]);
    site.nexora.app.clock.advance(Duration::from_hours(24 * 730));
    nexora::pipeline::prune::sweep(&site.nexora.app).await.unwrap();
    assert_eq!(site.leads().await, 1, "spam that nobody let go is deleted");
    assert_eq!(site.nexora.lead(&leads[1].id).await.photos.len(), 0);
}
