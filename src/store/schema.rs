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
        mode -> Text,
        settings -> Text,
        links_epoch -> Integer,
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
        contact_id -> Nullable<Text>,
        reply_to -> Nullable<Text>,
        original -> Nullable<Text>,
        responded_at -> Nullable<BigInt>,
        details -> Text,
        cost_cents -> Nullable<BigInt>,
        score -> Integer,
        reasons -> Text,
        body_hash -> Nullable<Text>,
        consents -> Text,
        masked_phone -> Bool,
    }
}

diesel::table! {
    forms (tenant_id) {
        tenant_id -> Text,
        settings -> Text,
        logo -> Nullable<Binary>,
        turnstile_sealed -> Nullable<Binary>,
        updated_at -> BigInt,
    }
}

diesel::table! {
    wordings (tenant_id, channel, version) {
        tenant_id -> Text,
        channel -> Text,
        version -> Integer,
        wording -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    photos (tenant_id, id) {
        tenant_id -> Text,
        id -> Text,
        lead_id -> Text,
        width -> Integer,
        height -> Integer,
        content -> Binary,
        created_at -> BigInt,
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
        contact_id -> Nullable<Text>,
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
        contact_id -> Nullable<Text>,
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
        output -> Nullable<Text>,
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

diesel::table! {
    contacts (tenant_id, id) {
        tenant_id -> Text,
        id -> Text,
        name -> Text,
        created_at -> BigInt,
        updated_at -> BigInt,
        timezone -> Nullable<Text>,
    }
}

diesel::table! {
    contact_addresses (tenant_id, kind, value) {
        tenant_id -> Text,
        kind -> Text,
        value -> Text,
        contact_id -> Text,
    }
}

diesel::table! {
    messages (tenant_id, id) {
        tenant_id -> Text,
        id -> Text,
        connection_id -> Text,
        author -> Text,
        contact_id -> Nullable<Text>,
        lead_id -> Nullable<Text>,
        effect_id -> Nullable<Text>,
        provider_id -> Nullable<Text>,
        thread_id -> Nullable<Text>,
        rfc_id -> Nullable<Text>,
        sender -> Text,
        recipient -> Text,
        subject -> Text,
        body -> Text,
        sent_at -> BigInt,
        stored_at -> BigInt,
        class -> Nullable<Text>,
        run_id -> Nullable<Text>,
    }
}

diesel::table! {
    cursors (tenant_id, id) {
        tenant_id -> Text,
        id -> Text,
        connection_id -> Text,
        kind -> Text,
        target -> Text,
        wish -> Text,
        position -> Nullable<Text>,
        interval_ms -> BigInt,
        due_at -> Nullable<BigInt>,
        lease_until -> Nullable<BigInt>,
        epoch -> BigInt,
        attempt -> Integer,
        polled_at -> Nullable<BigInt>,
        changed_at -> Nullable<BigInt>,
        error -> Nullable<Text>,
        created_at -> BigInt,
    }
}

diesel::table! {
    items (tenant_id, cursor_id, key) {
        tenant_id -> Text,
        cursor_id -> Text,
        key -> Text,
        content -> Text,
        seen_at -> BigInt,
        gone_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    timers (tenant_id, id) {
        tenant_id -> Text,
        id -> Text,
        cursor_id -> Text,
        series -> Text,
        entry_id -> Text,
        moment -> Text,
        content -> Text,
        fires_at -> BigInt,
        due_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    jobs (tenant_id, id) {
        tenant_id -> Text,
        id -> Text,
        title -> Text,
        state -> Text,
        stage -> Nullable<Text>,
        contact_id -> Nullable<Text>,
        lead_id -> Nullable<Text>,
        address -> Nullable<Text>,
        timezone -> Nullable<Text>,
        amount_cents -> Nullable<BigInt>,
        source_key -> Text,
        scheduled_at -> Nullable<BigInt>,
        completed_at -> Nullable<BigInt>,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    tasks (tenant_id, id) {
        tenant_id -> Text,
        id -> Text,
        title -> Text,
        detail -> Text,
        state -> Text,
        contact_id -> Nullable<Text>,
        lead_id -> Nullable<Text>,
        run_id -> Nullable<Text>,
        due_at -> Nullable<BigInt>,
        created_at -> BigInt,
        done_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    appointments (tenant_id, id) {
        tenant_id -> Text,
        id -> Text,
        connection_id -> Text,
        calendar -> Text,
        entry_id -> Text,
        contact_id -> Nullable<Text>,
        title -> Text,
        location -> Text,
        state -> Text,
        starts_at -> BigInt,
        ends_at -> BigInt,
        all_day -> Bool,
        version -> Integer,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    consents (tenant_id, id) {
        tenant_id -> Text,
        id -> Text,
        contact_id -> Text,
        channel -> Text,
        given -> Bool,
        wording -> Text,
        source -> Text,
        actor -> Text,
        at -> BigInt,
        lead_id -> Nullable<Text>,
        address -> Nullable<Text>,
    }
}

diesel::table! {
    suppressions (tenant_id, hash, scope) {
        tenant_id -> Text,
        hash -> Text,
        scope -> Text,
        reason -> Text,
        detail -> Text,
        actor -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    schedules (tenant_id, id) {
        tenant_id -> Text,
        id -> Text,
        automation_id -> Text,
        number -> Integer,
        cadence -> Text,
        timezone -> Text,
        misfire -> Text,
        planned_at -> BigInt,
        due_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    verdicts (tenant_id, effect_id, number) {
        tenant_id -> Text,
        effect_id -> Text,
        number -> BigInt,
        gate -> Text,
        decision -> Text,
        reason -> Text,
        at -> BigInt,
        until -> Nullable<BigInt>,
    }
}

diesel::joinable!(memberships -> users (user_id));
diesel::joinable!(memberships -> tenants (tenant_id));
diesel::allow_tables_to_appear_in_same_query!(leads, photos);
diesel::allow_tables_to_appear_in_same_query!(
    memberships,
    users,
    tenants,
    runs,
    automations,
    effects,
    events,
    messages
);
