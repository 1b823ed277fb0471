//! What Turnstile's server would answer.

use serde_json::json;

pub struct Turnstile {
    pub url: String,
}

impl Turnstile {
    pub async fn start() -> Turnstile {
        use axum::http::StatusCode;
        let answer = |body: String| async move {
            let is = |part: &str| body.contains(part);
            let body = match () {
                () if is("response=busy") => return (StatusCode::SERVICE_UNAVAILABLE, "busy".to_owned()),
                () if !is("secret=s3cret") => {
                    json!({ "success": false, "error-codes": ["invalid-input-secret"] })
                }
                () if is("response=good") => json!({ "success": true, "error-codes": [] }),
                () => json!({ "success": false, "error-codes": ["invalid-input-response"] }),
            };
            (StatusCode::OK, body.to_string())
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/siteverify", listener.local_addr().unwrap());
        let router = axum::Router::new().route("/siteverify", axum::routing::post(answer));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Turnstile { url }
    }
}
