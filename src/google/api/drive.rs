//! Drive API, version 3: whether a file has changed. There is no generated client for it here.

use serde::Deserialize;

use crate::call::Caller;
use crate::fault::Fault;
use crate::http::encoded;
use crate::quota::Cost;
use nexora_core::model::google::GoogleEndpoints;

pub struct DriveApi {
    caller: Caller,
    base_url: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    version: Option<String>,
    modified_time: Option<String>,
}

impl DriveApi {
    pub fn new(caller: Caller, endpoints: &GoogleEndpoints) -> DriveApi {
        DriveApi { caller, base_url: endpoints.drive_url.clone() }
    }

    /// Returns what names the present state of a file.
    pub async fn version(&self, file: &str) -> Result<Option<String>, Fault> {
        let fields = "fields=version,modifiedTime&supportsAllDrives=true";
        let url = format!("{}files/{}?{fields}", self.base_url, encoded(file));
        let file: File = self.caller.get(Cost::Drive, &url).await?;
        Ok(file.version.or(file.modified_time))
    }
}
