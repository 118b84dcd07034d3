// @generated automatically by Diesel CLI.

diesel::table! {
    audit (id) {
        id -> BigInt,
        at_ms -> BigInt,
        token -> Nullable<Binary>,
        name -> Text,
        space -> Text,
        action -> Text,
        subject -> Text,
        result -> Text,
    }
}

diesel::table! {
    consumer (id) {
        id -> BigInt,
        public_id -> Binary,
        space -> Text,
        name -> Text,
        definition -> Text,
        secret -> Nullable<Text>,
        former_secret -> Nullable<Text>,
        former_until_ms -> Nullable<BigInt>,
        state -> Text,
        state_reason -> Nullable<Text>,
        state_since_ms -> BigInt,
        revision -> BigInt,
        created_ms -> BigInt,
        updated_ms -> BigInt,
    }
}

diesel::table! {
    consumer_position (consumer_id) {
        consumer_id -> BigInt,
        floor -> BigInt,
        state -> Binary,
        updated_ms -> BigInt,
    }
}

diesel::table! {
    event (seq) {
        seq -> BigInt,
        installation_id -> BigInt,
        event_key -> Binary,
        message_key -> Nullable<Binary>,
        event_id -> Nullable<Text>,
        event_type -> Nullable<Text>,
        chat -> Nullable<Text>,
        source -> Text,
        received_ms -> BigInt,
        created_ms -> Nullable<BigInt>,
        trace_id -> Nullable<Text>,
        repeats -> BigInt,
        last_repeat_ms -> Nullable<BigInt>,
        payload -> Binary,
        platform -> Nullable<SmallInt>,
        kept -> Nullable<SmallInt>,
    }
}

diesel::table! {
    event_index_page (id) {
        id -> BigInt,
        keys -> Binary,
    }
}

diesel::table! {
    event_index_run (id) {
        id -> BigInt,
        first_seq -> BigInt,
        through_seq -> BigInt,
        filter -> Binary,
        claimed -> Nullable<Binary>,
        completed_ms -> BigInt,
    }
}

diesel::table! {
    file_standing (installation_id) {
        installation_id -> BigInt,
        standing -> Text,
        declared -> Nullable<Text>,
        since_ms -> BigInt,
    }
}

diesel::table! {
    installation (id) {
        id -> BigInt,
        public_id -> Binary,
        name -> Text,
        platform -> Text,
        app_id -> Text,
        secret -> Text,
        base_url -> Nullable<Text>,
        proxy -> Nullable<Text>,
        desired -> Text,
        origin -> Text,
        created_ms -> BigInt,
        updated_ms -> BigInt,
        take_back_after_ms -> Nullable<BigInt>,
        take_back_per_day -> Nullable<Integer>,
        displaced_ms -> Nullable<BigInt>,
        claims -> BigInt,
        revision -> BigInt,
        space -> Text,
        mode -> Text,
        verification_token -> Nullable<Text>,
        encrypt_key -> Nullable<Text>,
        secret_revision -> BigInt,
        proxy_revision -> BigInt,
        candidate_secret -> Nullable<Text>,
        candidate_revision -> Nullable<BigInt>,
        candidate_state -> Nullable<Text>,
        candidate_reason -> Nullable<Text>,
        candidate_since_ms -> Nullable<BigInt>,
        removed_ms -> Nullable<BigInt>,
        former_name -> Nullable<Text>,
    }
}

diesel::table! {
    journey (id) {
        id -> BigInt,
        consumer_id -> Nullable<BigInt>,
        first_seq -> BigInt,
        last_seq -> BigInt,
        steps -> Binary,
    }
}

diesel::table! {
    installation_retention (installation_id) {
        installation_id -> BigInt,
        keep_ms -> Nullable<BigInt>,
        keep_bytes -> Nullable<BigInt>,
        keep_events -> Nullable<BigInt>,
        payload -> Text,
        listed_through -> BigInt,
        hashed_through -> BigInt,
        events -> BigInt,
        bytes -> BigInt,
    }
}

diesel::table! {
    listed_event (installation_id, seq) {
        installation_id -> BigInt,
        seq -> BigInt,
        received_ms -> BigInt,
        bytes -> BigInt,
    }
}

diesel::table! {
    removed_installation (installation_id) {
        installation_id -> BigInt,
        through_seq -> BigInt,
    }
}

diesel::table! {
    retention (id) {
        id -> BigInt,
        gone_through -> BigInt,
        deleted_through -> BigInt,
        events -> BigInt,
        bytes -> BigInt,
    }
}

diesel::table! {
    retention_mark (open_ms) {
        open_ms -> BigInt,
        through_seq -> BigInt,
    }
}

diesel::table! {
    taken_back (installation_id, at_ms) {
        installation_id -> BigInt,
        at_ms -> BigInt,
    }
}

diesel::table! {
    store (id) {
        id -> BigInt,
        identity -> Binary,
        open_ms -> BigInt,
        revision -> BigInt,
    }
}

diesel::table! {
    timeline (id) {
        id -> BigInt,
        installation_id -> BigInt,
        at_ms -> BigInt,
        generation -> BigInt,
        kind -> Text,
        detail -> Text,
    }
}

diesel::table! {
    token (id) {
        id -> Binary,
        digest -> Binary,
        name -> Text,
        space -> Text,
        scopes -> Text,
        installations -> Nullable<Binary>,
        created_ms -> BigInt,
        expires_ms -> Nullable<BigInt>,
        revoked_ms -> Nullable<BigInt>,
        last_used_ms -> Nullable<BigInt>,
    }
}

diesel::table! {
    user_authorization (installation_id, open_id) {
        installation_id -> BigInt,
        open_id -> Text,
        scopes -> Text,
        tokens -> Nullable<Text>,
        authorized_ms -> BigInt,
        access_until_ms -> BigInt,
        refresh_until_ms -> Nullable<BigInt>,
        ended -> Nullable<Text>,
        updated_ms -> BigInt,
    }
}

diesel::table! {
    number_gap (after_seq) {
        after_seq -> BigInt,
        through_seq -> BigInt,
    }
}

diesel::table! {
    probe (id) {
        id -> BigInt,
        filler -> Binary,
    }
}

diesel::joinable!(consumer_position -> consumer (consumer_id));
diesel::joinable!(event -> installation (installation_id));
diesel::joinable!(file_standing -> installation (installation_id));
diesel::joinable!(installation_retention -> installation (installation_id));
diesel::joinable!(journey -> consumer (consumer_id));
diesel::joinable!(removed_installation -> installation (installation_id));
diesel::joinable!(taken_back -> installation (installation_id));
diesel::joinable!(timeline -> installation (installation_id));
diesel::joinable!(user_authorization -> installation (installation_id));

diesel::allow_tables_to_appear_in_same_query!(
    audit,
    consumer,
    consumer_position,
    event,
    event_index_page,
    event_index_run,
    file_standing,
    installation,
    installation_retention,
    journey,
    listed_event,
    number_gap,
    probe,
    removed_installation,
    retention,
    retention_mark,
    store,
    taken_back,
    timeline,
    token,
    user_authorization,
);
