//! The platform of an event as a small number, one byte or none in each row.

use longwire_installation::Platform;

/// The number of a platform. A number is never used again for another one.
pub(super) fn code(platform: Platform) -> i16 {
    match platform {
        Platform::Feishu => 1,
        Platform::Lark => 2,
        Platform::Wecom => 3,
    }
}

/// The platform of that number.
pub(super) fn of_code(number: i16) -> Option<Platform> {
    let mut all = Platform::ALL.iter().copied();
    all.find(|platform| code(*platform) == number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_and_stay() {
        let numbers: Vec<i16> = Platform::ALL.iter().map(|one| code(*one)).collect();
        assert_eq!(numbers, [1, 2, 3]);
        for &platform in Platform::ALL {
            assert_eq!(of_code(code(platform)), Some(platform));
        }
        assert_eq!(of_code(0), None);
    }
}
