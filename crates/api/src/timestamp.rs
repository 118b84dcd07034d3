//! A time in JSON: RFC 3339 in UTC with milliseconds.

use std::borrow::Cow;

use longwire_consumer::{parse_time, time_text};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::openapi::{RefOr, schema};
use utoipa::{PartialSchema, ToSchema};

/// A time. In JSON it is a text such as `2026-11-30T12:00:00.000Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp {
    /// Milliseconds since 1970.
    pub unix_ms: i64,
}

impl Timestamp {
    /// Of milliseconds since 1970.
    #[must_use]
    pub fn of_ms(unix_ms: i64) -> Self {
        Self { unix_ms }
    }
}

/// Writes milliseconds since 1970 as a [`Timestamp`]. For fields of types that have no JSON form of their own.
///
/// # Errors
/// Those of the serializer.
pub fn serialize_ms<S: Serializer>(unix_ms: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    Timestamp::of_ms(*unix_ms).serialize(serializer)
}

/// The same where there may be none.
///
/// # Errors
/// Those of the serializer.
pub fn serialize_optional_ms<S: Serializer>(
    unix_ms: &Option<i64>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    unix_ms.map(Timestamp::of_ms).serialize(serializer)
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&time_text(self.unix_ms))
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        let unix_ms = parse_time(&text);
        let unix_ms =
            unix_ms.ok_or_else(|| D::Error::custom(format!("`{text}` is no time with a zone")))?;
        Ok(Self { unix_ms })
    }
}

impl PartialSchema for Timestamp {
    fn schema() -> RefOr<Schema> {
        let format = SchemaFormat::KnownFormat(KnownFormat::DateTime);
        let text = ObjectBuilder::new()
            .schema_type(schema::SchemaType::Type(Type::String))
            .format(Some(format));
        text.into()
    }
}

impl ToSchema for Timestamp {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_text_both_ways() {
        let time = Timestamp::of_ms(1_700_000_000_123);
        let text = serde_json::to_string(&time).expect("a time has a text");
        assert_eq!(text, "\"2023-11-14T22:13:20.123Z\"");
        let read: Timestamp = serde_json::from_str(&text).expect("it is read");
        assert_eq!(read, time);
        for wrong in ["\"yesterday\"", "1700000000123", "\"2023-11-14T22:13:20\""] {
            let read: Result<Timestamp, _> = serde_json::from_str(wrong);
            assert!(read.is_err(), "{wrong}");
        }
    }
}
