//! The panels of the status page: what a tenant's people are shown, and in which order.

use crate::base::text::define_words;

define_words! {
    /// A part of a tenant's status page.
    Panel = "panel" {
        /// Whether everything works, and what needs a look.
        Health = "health",
        /// What was done this week, and how fast leads were answered.
        Week = "week",
        /// Leads, answers and messages of the last four weeks.
        Charts = "charts",
        Leads = "leads",
        Messages = "messages",
        Appointments = "appointments",
        /// What failed, and what goes on later.
        Runs = "runs",
        Automations = "automations",
        Tasks = "tasks",
        Jobs = "jobs",
    }
}
