//! The tables as diesel sees them, in the order of the migrations. Column order is load order.

diesel::table! {
    tenants (id) {
        id -> Text,
        slug -> Text,
        name -> Text,
        timezone -> Text,
        owner_email -> Text,
        phone -> Nullable<Text>,
        country -> Text,
        state -> Text,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    users (id) {
        id -> Text,
        email -> Text,
        email_key -> Text,
        name -> Text,
        operator -> Bool,
        password_hash -> Nullable<Text>,
        state -> Text,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    memberships (tenant_id, user_id) {
        tenant_id -> Text,
        user_id -> Text,
        role -> Text,
    }
}

diesel::table! {
    connections (tenant_id, id) {
        tenant_id -> Text,
        id -> Text,
        kind -> Text,
        name -> Text,
        settings -> Text,
        sealed -> Nullable<Binary>,
        state -> Text,
        last_ok_at -> Nullable<BigInt>,
        last_error -> Nullable<Text>,
        last_error_at -> Nullable<BigInt>,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    leads (tenant_id, id) {
        tenant_id -> Text,
        id -> Text,
        name -> Text,
        email -> Nullable<Text>,
        phone -> Nullable<Text>,
        service -> Nullable<Text>,
        message -> Nullable<Text>,
        address -> Nullable<Text>,
        postcode -> Nullable<Text>,
        preferred_time -> Nullable<Text>,
        source -> Text,
        attribution -> Text,
        is_test -> Bool,
        state -> Text,
        received_at -> BigInt,
        answered_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    events (tenant_id, id) {
        tenant_id -> Text,
        id -> Text,
        kind -> Text,
        dedupe_key -> Text,
        payload -> Text,
        state -> Text,
        reason -> Nullable<Text>,
        received_at -> BigInt,
        due_at -> Nullable<BigInt>,
        attempt -> Integer,
    }
}

diesel::table! {
    automations (tenant_id, id) {
        tenant_id -> Text,
        id -> Text,
        name -> Text,
        state -> Text,
        live_version -> Integer,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    automation_versions (tenant_id, automation_id, number) {
        tenant_id -> Text,
        automation_id -> Text,
        number -> Integer,
        definition -> Text,
        settings -> Text,
        templates -> Text,
        created_at -> BigInt,
        created_by -> Text,
    }
}

diesel::table! {
    runs (tenant_id, id) {
        tenant_id -> Text,
        id -> Text,
        automation_id -> Text,
        version -> Integer,
        event_id -> Text,
        subject_id -> Text,
        state -> Text,
        position -> Integer,
        reason -> Nullable<Text>,
        due_at -> Nullable<BigInt>,
        epoch -> BigInt,
        attempt -> Integer,
        started_at -> BigInt,
        finished_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    steps (tenant_id, run_id, position) {
        tenant_id -> Text,
        run_id -> Text,
        position -> Integer,
        name -> Text,
        action -> Text,
        state -> Text,
        reason -> Nullable<Text>,
        effect_id -> Nullable<Text>,
        output -> Text,
        started_at -> BigInt,
        finished_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    effects (tenant_id, id) {
        tenant_id -> Text,
        id -> Text,
        run_id -> Text,
        step -> Text,
        kind -> Text,
        connection_id -> Text,
        request -> Text,
        evidence -> Nullable<Text>,
        provider_id -> Nullable<Text>,
        state -> Text,
        reason -> Nullable<Text>,
        attempt -> Integer,
        attempt_limit -> Nullable<Integer>,
        epoch -> BigInt,
        due_at -> Nullable<BigInt>,
        lease_until -> Nullable<BigInt>,
        created_at -> BigInt,
        settled_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    attempts (tenant_id, effect_id, number) {
        tenant_id -> Text,
        effect_id -> Text,
        number -> Integer,
        outcome -> Text,
        reason -> Nullable<Text>,
        started_at -> BigInt,
        finished_at -> BigInt,
    }
}

diesel::table! {
    audit (chain, number) {
        chain -> Text,
        number -> BigInt,
        at -> BigInt,
        actor -> Text,
        action -> Text,
        subject -> Text,
        before -> Nullable<Text>,
        after -> Nullable<Text>,
        previous_hash -> Text,
        hash -> Text,
    }
}

diesel::joinable!(memberships -> users (user_id));
diesel::joinable!(memberships -> tenants (tenant_id));
diesel::allow_tables_to_appear_in_same_query!(memberships, users, tenants, runs, automations, effects);
