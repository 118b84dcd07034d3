//! Reads from a certificate for how long it is valid (RFC 5280, section 4.1). What rustls brings for certificates keeps this to
//! itself.

use time::{Date, Month, PrimitiveDateTime, Time};

/// DER's tags of what stands before and in the validity.
mod tag {
    pub(super) const INTEGER: u8 = 0x02;
    pub(super) const UTC_TIME: u8 = 0x17;
    pub(super) const GENERALIZED_TIME: u8 = 0x18;
    pub(super) const SEQUENCE: u8 = 0x30;
    /// Its version, which old certificates leave out.
    pub(super) const VERSION: u8 = 0xa0;
}

/// From when and until when a certificate is valid, in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// Not before.
    pub from_s: i64,
    /// Not after.
    pub until_s: i64,
}

/// How a certificate stands at some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is not valid yet.
    Early,
    /// It is valid.
    Valid,
    /// It is not valid any more.
    Expired,
}

impl Validity {
    /// How the certificate stands at this time, in seconds since 1970.
    pub fn at(&self, now_s: i64) -> Standing {
        if now_s < self.from_s {
            Standing::Early
        } else if now_s > self.until_s {
            Standing::Expired
        } else {
            Standing::Valid
        }
    }

    /// Of a certificate in DER. `None` if it is none.
    pub(super) fn of(certificate: &[u8]) -> Option<Self> {
        let mut outer = Der(certificate).expect(tag::SEQUENCE)?;
        let mut fields = outer.expect(tag::SEQUENCE)?;
        if fields.next_tag()? == tag::VERSION {
            fields.expect(tag::VERSION)?;
        }
        fields.expect(tag::INTEGER)?;
        // The algorithm of the signature, then the issuer.
        fields.expect(tag::SEQUENCE)?;
        fields.expect(tag::SEQUENCE)?;
        let mut validity = fields.expect(tag::SEQUENCE)?;
        Some(Self {
            from_s: validity.time()?,
            until_s: validity.time()?,
        })
    }
}

/// What is left of a DER value's contents.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    fn next_tag(&self) -> Option<u8> {
        self.0.first().copied()
    }

    /// The contents of the next value, which has to have this tag.
    fn expect(&mut self, tag: u8) -> Option<Self> {
        let (found, contents) = self.value()?;
        (found == tag).then_some(contents)
    }

    fn value(&mut self) -> Option<(u8, Self)> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, mut rest) = rest.split_first()?;
        let length = if first < 0x80 {
            usize::from(first)
        } else {
            // No certificate is longer than three bytes can say.
            let (bytes, after) = rest.split_at_checked(usize::from(first & 0x7f))?;
            if bytes.is_empty() || bytes.len() > 3 {
                return None;
            }
            rest = after;
            bytes
                .iter()
                .fold(0, |length, byte| length << 8 | usize::from(*byte))
        };
        let (contents, after) = rest.split_at_checked(length)?;
        self.0 = after;
        Some((tag, Self(contents)))
    }

    /// `YYMMDDhhmmssZ` up to 2049, `YYYYMMDDhhmmssZ` from 2050 on.
    fn time(&mut self) -> Option<i64> {
        let (tag, Self(text)) = self.value()?;
        let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
        if !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let (year, rest) = match tag {
            tag::UTC_TIME => {
                let (year, rest) = text.split_at_checked(2)?;
                let year: i32 = year.parse().ok()?;
                (year + if year < 50 { 2000 } else { 1900 }, rest)
            }
            tag::GENERALIZED_TIME => {
                let (year, rest) = text.split_at_checked(4)?;
                (year.parse().ok()?, rest)
            }
            _ => return None,
        };
        let mut pairs = rest.as_bytes().chunks(2).map(|pair| {
            let pair = std::str::from_utf8(pair).ok()?;
            pair.parse::<u8>().ok()
        });
        let mut next = || pairs.next().flatten();
        let month = Month::try_from(next()?).ok()?;
        let date = Date::from_calendar_date(year, month, next()?).ok()?;
        let time = Time::from_hms(next()?, next()?, next()?).ok()?;
        let whole = PrimitiveDateTime::new(date, time);
        Some(whole.assume_utc().unix_timestamp())
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    fn certificate(from: i32, until: i32) -> Vec<u8> {
        let mut params = CertificateParams::new(["localhost".to_owned()]).expect("a name");
        params.not_before = date_time_ymd(from, 2, 3);
        params.not_after = date_time_ymd(until, 12, 31);
        let key = KeyPair::generate().expect("a key");
        let made = params.self_signed(&key).expect("it is signed");
        made.der().to_vec()
    }

    #[test]
    fn times_of_both_kinds() {
        let of_year = |year, month, day| date_time_ymd(year, month, day).unix_timestamp();
        for (from, until) in [(1999, 2001), (2024, 2049), (2026, 2050), (2060, 4096)] {
            let found = Validity::of(&certificate(from, until)).expect("it has one");
            let expected = Validity {
                from_s: of_year(from, 2, 3),
                until_s: of_year(until, 12, 31),
            };
            assert_eq!(found, expected);
            assert_eq!(found.at(expected.from_s - 1), Standing::Early);
            assert_eq!(found.at(expected.from_s), Standing::Valid);
            assert_eq!(found.at(expected.until_s), Standing::Valid);
            assert_eq!(found.at(expected.until_s + 1), Standing::Expired);
        }
    }

    /// Whatever a file holds, reading it ends and does not panic.
    #[test]
    fn what_is_no_certificate() {
        let whole = certificate(2024, 2049);
        for cut in 0..whole.len() {
            let _ = Validity::of(&whole[..cut]);
            let mut other = whole.clone();
            other[cut] ^= 0xff;
            let _ = Validity::of(&other);
        }
        assert_eq!(Validity::of(b""), None);
        assert_eq!(Validity::of(b"\x30\x84\xff\xff\xff\xff"), None);
    }
}
