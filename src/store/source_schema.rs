//! The tables of sources as diesel sees them; otherwise as `schema`.

diesel::table! {
    sources (tenant_id, id) {
        tenant_id -> Text,
        id -> Text,
        name -> Text,
        kind -> Text,
        settings -> Text,
        sealed -> Nullable<Binary>,
        state -> Text,
        last_received_at -> Nullable<BigInt>,
        last_error -> Nullable<Text>,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    notices (tenant_id, id) {
        tenant_id -> Text,
        id -> Text,
        source_id -> Text,
        external_id -> Text,
        payload -> Text,
        state -> Text,
        reason -> Nullable<Text>,
        attempt -> Integer,
        epoch -> BigInt,
        due_at -> Nullable<BigInt>,
        received_at -> BigInt,
        settled_at -> Nullable<BigInt>,
        lead_id -> Nullable<Text>,
    }
}

diesel::table! {
    api_keys (tenant_id, id) {
        tenant_id -> Text,
        id -> Text,
        name -> Text,
        hash -> Text,
        created_at -> BigInt,
        last_used_at -> Nullable<BigInt>,
        expires_at -> Nullable<BigInt>,
        revoked_at -> Nullable<BigInt>,
    }
}
