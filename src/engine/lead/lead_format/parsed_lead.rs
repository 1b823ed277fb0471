//! A lead as a source sent it, before it is checked and stored.

use crate::lead::enquiry::Enquiry;
use crate::lead::lead_format::label;
use nexora_core::model::address::EmailAddress;
use nexora_core::model::lead::ConsentRecord;

/// A lead as a source sent it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ParsedLead {
    pub enquiry: Enquiry,
    /// The sender's id of the lead.
    pub external_id: Option<String>,
    /// The domain within which the sender's ids are its own, where that is not the one that a mail came from.
    pub id_domain: Option<&'static str>,
    /// Where an answer goes: an address that the marketplace relays from.
    pub reply_to: Option<EmailAddress>,
    /// The homeowner is answered on the marketplace's own pages, even without a mail address or telephone number.
    pub answered_there: bool,
    pub consents: Vec<ConsentRecord>,
    /// Why the sender itself considers it spam; nothing where it does not.
    pub spam: Option<&'static str>,
    /// The telephone number is lent by the marketplace, and will be another person's later.
    pub masked_phone: bool,
}

impl ParsedLead {
    /// Tells whether there is a way to answer, as far as that can be seen before addresses are checked.
    pub fn is_answerable(&self) -> bool {
        label::address_in(&self.enquiry.email).is_some()
            || label::is_phone(&self.enquiry.phone)
            || self.reply_to.is_some()
            || self.answered_there
    }

    /// Tells whether there is a name or a way to answer.
    pub fn says_anything(&self) -> bool {
        let said = [&self.enquiry.name, &self.enquiry.email, &self.enquiry.phone];
        said.iter().any(|text| !text.trim().is_empty()) || self.reply_to.is_some()
    }
}
